import type { Json } from '../shared/canonical.ts';
import { rfc3339 } from '../shared/clock.ts';
import type { Items } from '../shared/report.ts';
import { readKeyFacts } from '../shared/trust/key-facts.ts';
import type { KeyFacts, KeyRole } from '../shared/trust/key-types.ts';
import type { RegistriesConf } from '../shared/trust/registries-conf.ts';
import type { NodeTrust, PolicyFile } from './trust.ts';
import type { TrustContent } from './trust-files.ts';
import { keyMaterialOf, requirementsOf } from './trust-keys.ts';
import { policiesIn } from './trust-policies.ts';

/**
 * The section `trust` of a report, and what `trust show` prints. Items: `policy` (with all its scopes),
 * `registriesD` and one `registriesD <scope>` for each scope, `registriesConf`, `key <path>` with the keys in it,
 * `crioPolicy` and `namespacePolicy <path>` with their scopes as well. Only keys depend on the time, which is in
 * milliseconds since 1970: one whose own signatures have expired is none.
 */
export async function describeTrust(trust: NodeTrust, nowMs: number): Promise<Items> {
  const { policy, registriesD, crio } = trust;
  const items = new Map<string, Json>([['policy', describePolicy(policy)]]);
  const { registries, ...folder } = registriesD;
  const { conf, ...main } = trust.registriesConf;
  items.set('registriesD', {
    ...plain(folder),
    ...(registries?.defaultDocker && { default: plain(registries.defaultDocker) }),
    ...(registries && { warnings: registries.warnings.map(plain) }),
  });
  for (const [scope, section] of registries?.docker ?? []) {
    items.set(`registriesD ${scope}`, { scope, ...plain(section) });
  }
  items.set('registriesConf', {
    ...plain(main),
    registries: [...(conf?.registries.values() ?? [])].map(plain),
    ...(conf === undefined ? {} : shortNames(conf)),
  });
  const roles = rolesByPath(trust);
  for (const file of trust.keyFiles.values()) {
    items.set(`key ${file.path}`, await describeKeyFile(file, roles.get(file.path) ?? [], nowMs));
  }
  const { signaturePolicy, namespacePolicies } = crio;
  if (signaturePolicy !== undefined) items.set('crioPolicy', describePolicy(signaturePolicy));
  for (const file of namespacePolicies) {
    items.set(`namespacePolicy ${file.path}`, describePolicy(file));
  }
  return items;
}

/** What each key file is used for, over all policies. */
function rolesByPath(trust: NodeTrust): ReadonlyMap<string, readonly KeyRole[]> {
  const roles = new Map<string, KeyRole[]>();
  const requirements = policiesIn(trust).flatMap(({ policy }) => policy ?? []);
  for (const { role, path } of requirements.flatMap(requirementsOf).flatMap(keyMaterialOf)) {
    if (path === undefined) continue;
    const known = roles.get(path) ?? [];
    if (!known.includes(role)) roles.set(path, [...known, role]);
  }
  return roles;
}

async function describeKeyFile(
  { bytes, ...file }: TrustContent,
  roles: readonly KeyRole[],
  nowMs: number,
): Promise<Json> {
  if (bytes === undefined) return plain(file);
  const facts = await Promise.all(roles.map((role) => readKeyFacts(role, bytes, nowMs)));
  const keys = new Map(facts.flatMap((each) => each.keys.map((key) => [key.fingerprint, key])));
  const undecided = facts.flatMap((each) => each.undecided).filter(Boolean);
  return {
    ...plain(file),
    keys: [...keys.values()].map(describeKey),
    // Not known to be usable here, and named all the same.
    ...(undecided.length === 0 ? {} : { undecided }),
  };
}

/** What does not change by the mere passing of time. */
function describeKey({ fingerprint, algorithm, endsMs, isRevoked, weaknesses }: KeyFacts): Json {
  return {
    fingerprint,
    algorithm,
    ...(endsMs === undefined ? {} : { ends: rfc3339(endsMs) }),
    ...(isRevoked ? { isRevoked } : {}),
    ...(weaknesses.length === 0 ? {} : { weaknesses }),
  };
}

/** Which image a name without a host is; the aliases that a vendor ships are many and are counted. */
function shortNames({ shortNameMode, unqualifiedSearchRegistries, aliases }: RegistriesConf): {
  readonly [name: string]: Json;
} {
  return { shortNameMode, unqualifiedSearchRegistries, aliases: aliases.size };
}

function describePolicy({ policy, ...file }: PolicyFile): Json {
  if (policy === undefined) return plain(file);
  const scopes = [...policy.transports].flatMap(([transport, scopes]) =>
    [...scopes].map(([scope, requirements]) => ({ transport, scope, requirements })),
  );
  return { ...plain(file), default: policy.default.map(plain), scopes: scopes.map(plain) };
}

function plain(value: object): { readonly [name: string]: Json } {
  return value as { readonly [name: string]: Json }; // plain data of our own types: no Map, no function, no bytes
}
