import type { KeyRole } from '../../shared/trust/key-facts.ts';
import type { PolicyRequirements } from '../../shared/trust/policy-types.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import { readTrustFile, type TrustContent } from '../trust-files.ts';
import { keyMaterialOf } from '../trust-keys.ts';
import type { ReadPolicy } from '../trust-policies.ts';

/** Key material that some policy of the node names, as it is now. */
export interface UsedKey {
  /** Path of the file, or policy and place of a key that stands in the policy itself. */
  readonly subject: string;
  readonly isFile: boolean;
  readonly roles: ReadonlySet<KeyRole>;
  /** No bytes means `problem`; a text that is no base64 has neither. */
  readonly content: TrustContent;
}

/** Every key of every policy, each once, sorted by subject. */
export async function usedKeys(
  host: Host,
  policies: readonly ReadPolicy[],
  { keyFiles }: NodeTrust,
): Promise<readonly UsedKey[]> {
  const found = new Map<string, UsedKey & { readonly roles: Set<KeyRole> }>();
  for (const { place, requirements } of policies.flatMap(placesOf)) {
    for (const [index, requirement] of requirements.entries()) {
      for (const { role, member, path, bytes } of keyMaterialOf(requirement)) {
        const subject = path ?? `${place}[${index}].${member}`;
        const known = found.get(subject);
        known?.roles.add(role);
        if (known !== undefined) continue;
        const inline = { path: subject, ...(bytes && { bytes }) };
        const content =
          path === undefined ? inline : (keyFiles.get(path) ?? (await readTrustFile(host, path)));
        found.set(subject, {
          subject,
          isFile: path !== undefined,
          roles: new Set([role]),
          content,
        });
      }
    }
  }
  return [...found.values()].sort((one, other) => (one.subject < other.subject ? -1 : 1));
}

interface Place {
  readonly place: string;
  readonly requirements: PolicyRequirements;
}

function placesOf({ path, policy }: ReadPolicy): readonly Place[] {
  if (policy === undefined) return [];
  const scopes = [...policy.transports].flatMap(([transport, entries]) =>
    [...entries].map(([scope, requirements]) => ({
      place: `${path} ${transport}[${JSON.stringify(scope)}]`,
      requirements,
    })),
  );
  return [{ place: `${path} default`, requirements: policy.default }, ...scopes];
}
