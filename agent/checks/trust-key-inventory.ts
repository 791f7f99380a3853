import { readKeyFacts } from '../../shared/trust/key-facts.ts';
import type { KeyMaterialFacts, KeyRole } from '../../shared/trust/key-types.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import { readTrustFile, type TrustContent } from '../trust-files.ts';
import { keyMaterialOf, requirementsOf } from '../trust-keys.ts';
import type { ReadPolicy } from '../trust-policies.ts';

/** Key material that policies of the node name: a file, or all the keys that stand in one policy itself. */
export interface UsedKeys {
  /** Path of the file, or `<policy> keyData`. */
  readonly subject: string;
  /** Of a file; no bytes means `problem`. */
  readonly file?: TrustContent;
  readonly facts: readonly KeyMaterialFacts[];
}

/** Every key of every policy at this moment, sorted by subject. Clusters repeat a key in each scope and namespace. */
export async function usedKeys(
  host: Host,
  policies: readonly ReadPolicy[],
  { keyFiles }: NodeTrust,
  nowMs: number,
): Promise<readonly UsedKeys[]> {
  const read = factsReader(nowMs);
  const rolesByPath = new Map<string, Set<KeyRole>>();
  const found: UsedKeys[] = [];
  for (const { path: policyPath, policy } of policies) {
    if (policy === undefined) continue;
    const { inline, files } = materialOf(policy);
    for (const { role, path } of files) {
      const roles = rolesByPath.get(path) ?? new Set();
      rolesByPath.set(path, roles.add(role));
    }
    if (inline.size === 0) continue;
    const facts = await Promise.all(
      [...inline.values()].map(({ role, bytes }) => read(role, bytes)),
    );
    found.push({ subject: `${policyPath} keyData`, facts });
  }
  for (const [path, roles] of rolesByPath) {
    const file = keyFiles.get(path) ?? (await readTrustFile(host, path));
    const { bytes } = file;
    const facts =
      bytes === undefined ? [] : await Promise.all([...roles].map((role) => read(role, bytes)));
    found.push({ subject: path, file, facts });
  }
  return found.sort((one, other) => (one.subject < other.subject ? -1 : 1));
}

interface Inline {
  readonly role: KeyRole;
  readonly bytes: Uint8Array;
}

function materialOf(policy: Policy): {
  readonly inline: ReadonlyMap<string, Inline>;
  readonly files: readonly { readonly role: KeyRole; readonly path: string }[];
} {
  const inline = new Map<string, Inline>();
  const files = new Map<string, { readonly role: KeyRole; readonly path: string }>();
  for (const { role, path, data } of requirementsOf(policy).flatMap(keyMaterialOf)) {
    if (path !== undefined) files.set(`${role} ${path}`, { role, path });
    else if (data !== undefined)
      inline.set(`${role} ${Buffer.from(data).toString('latin1')}`, { role, bytes: data });
  }
  return { inline, files: [...files.values()] };
}

/** Reads each key once, in however many policies it stands. */
function factsReader(
  nowMs: number,
): (role: KeyRole, bytes: Uint8Array) => Promise<KeyMaterialFacts> {
  const known = new Map<string, Promise<KeyMaterialFacts>>();
  return (role, bytes) => {
    const key = `${role} ${Buffer.from(bytes).toString('latin1')}`;
    const facts = known.get(key) ?? readKeyFacts(role, bytes, nowMs);
    known.set(key, facts);
    return facts;
  };
}
