import * as v from 'valibot';
import type { Json } from './canonical.ts';
import { PolicyError, parsePolicy } from './trust/policy.ts';
import type { Policy } from './trust/policy-types.ts';
import type { RegistriesConf } from './trust/registries-conf.ts';
import { MIRROR_USES, type Registry, SHORT_NAME_MODES } from './trust/registries-conf-file.ts';
import type { RegistriesD } from './trust/registries-d.ts';
import type { RegistriesDSection } from './trust/registries-d-file.ts';

/** Why a part of a node's trust configuration cannot be used, or is not known. */
export interface ReportedProblem {
  /** As the node says, or `malformed-report`, `not-reported`. */
  readonly reason: string;
  readonly message: string;
  readonly path?: string;
  /** From 1. */
  readonly line?: number;
  readonly column?: number;
}

/** One policy that decides on a node: `policy` or `problem`, never both. */
export interface ReportedPolicy {
  /** `system`: of every tool; `crio`: in its place for CRI-O alone; `namespace`: for the pods of one namespace. */
  readonly role: 'system' | 'crio' | 'namespace';
  readonly path: string;
  readonly namespace?: string;
  /** Who put it there: `user`, `system`, `vendor`. */
  readonly origin?: string;
  readonly sha256?: string;
  readonly policy?: Policy;
  readonly problem?: ReportedProblem;
}

export interface ReportedKey {
  /** OpenPGP fingerprint, or `sha256:…` of the SubjectPublicKeyInfo. */
  readonly fingerprint: string;
  readonly algorithm: string;
  /** RFC 3339; absent for a key without an end. */
  readonly ends?: string;
  readonly isRevoked?: boolean;
}

/** A key file that a policy names. */
export interface ReportedKeyFile {
  readonly path: string;
  readonly sha256?: string;
  /** Absent when it cannot be read, and in reports of earlier agents. */
  readonly keys?: readonly ReportedKey[];
  readonly problem?: ReportedProblem;
}

/** The section `trust` of a node, read. */
export interface ReportedTrust {
  /** The system's first. */
  readonly policies: readonly ReportedPolicy[];
  /** registries.d: empty when nothing is configured, absent when it cannot be used. */
  readonly registriesD?: RegistriesD;
  readonly registriesDProblem?: ReportedProblem;
  readonly registriesConf?: RegistriesConf;
  readonly registriesConfProblem?: ReportedProblem;
  /** By path. */
  readonly keyFiles: ReadonlyMap<string, ReportedKeyFile>;
}

const text = v.string();
const optionalText = v.exactOptional(text);
const problem = v.object({
  reason: text,
  message: text,
  path: optionalText,
  line: v.exactOptional(v.number()),
  column: v.exactOptional(v.number()),
});
const policyItem = v.object({
  path: text,
  namespace: optionalText,
  origin: optionalText,
  sha256: optionalText,
  problem: v.exactOptional(problem),
  default: v.exactOptional(v.array(v.unknown())),
  scopes: v.exactOptional(
    v.array(v.object({ transport: text, scope: text, requirements: v.array(v.unknown()) })),
  ),
});
const section = v.object({
  lookaside: optionalText,
  lookasideStaging: optionalText,
  sigstore: optionalText,
  sigstoreStaging: optionalText,
  useSigstoreAttachments: v.exactOptional(v.boolean()),
  file: text,
});
const folderItem = v.object({
  problem: v.exactOptional(problem),
  default: v.exactOptional(section),
});
const scopeItem = v.object({ scope: text, ...section.entries });
const registry = v.object({
  prefix: text,
  location: text,
  insecure: v.boolean(),
  blocked: v.boolean(),
  mirrors: v.array(
    v.object({ location: text, insecure: v.boolean(), use: v.picklist(MIRROR_USES) }),
  ),
  file: text,
});
const confItem = v.object({
  problem: v.exactOptional(problem),
  registries: v.exactOptional(v.array(registry), []),
  shortNameMode: v.exactOptional(v.picklist(SHORT_NAME_MODES), 'permissive'),
  unqualifiedSearchRegistries: v.exactOptional(v.array(text), []),
});
const keyItem = v.object({
  path: text,
  sha256: optionalText,
  problem: v.exactOptional(problem),
  keys: v.exactOptional(
    v.array(
      v.object({
        fingerprint: text,
        algorithm: text,
        ends: optionalText,
        isRevoked: v.exactOptional(v.boolean()),
      }),
    ),
  ),
});

/**
 * Reads what a node reported of its trust in images. A node is not believed to be well formed: a part that cannot be
 * read is a `problem` called `malformed-report`, so that nothing of it is taken for no configuration. Never throws.
 */
export function readReportedTrust(items: ReadonlyMap<string, Json>): ReportedTrust {
  const policies = [...items]
    .flatMap(([key, item]) => readPolicy(key, item))
    .sort((one, other) => RANK[one.role] - RANK[other.role] || compare(one.path, other.path));
  const keyFiles = new Map<string, ReportedKeyFile>();
  for (const [key, item] of items) {
    if (!key.startsWith('key ')) continue;
    const path = key.slice('key '.length);
    const parsed = v.safeParse(keyItem, objectOf(item));
    keyFiles.set(
      path,
      parsed.success ? parsed.output : { path, problem: malformed(parsed.issues) },
    );
  }
  return {
    policies: policies.some(({ role }) => role === 'system')
      ? policies
      : [{ role: 'system', path: '', problem: NOT_REPORTED }, ...policies],
    ...readFolder(items),
    ...readConf(items.get('registriesConf')),
    keyFiles,
  };
}

const RANK = { system: 0, crio: 1, namespace: 2 } as const;
const NOT_REPORTED: ReportedProblem = {
  reason: 'not-reported',
  message: 'the agent of this node did not report it',
};

function readPolicy(key: string, item: Json): readonly ReportedPolicy[] {
  const role = roleOf(key);
  if (role === undefined) return [];
  const path = key.slice(key.indexOf(' ') + 1);
  const parsed = v.safeParse(policyItem, objectOf(item));
  if (!parsed.success) return [{ role, path, problem: malformed(parsed.issues) }];
  const { default: fallback, scopes = [], ...file } = parsed.output;
  if (file.problem !== undefined) return [{ role, ...file }];
  // Earlier agents named the policies of CRI-O and of namespaces without what is in them.
  if (fallback === undefined) return [{ role, ...file, problem: NOT_REPORTED }];
  const transports: Record<string, Record<string, unknown>> = Object.create(null);
  for (const { transport, scope, requirements } of scopes) {
    transports[transport] ??= Object.create(null) as Record<string, unknown>;
    transports[transport][scope] = requirements;
  }
  try {
    return [
      { role, ...file, policy: parsePolicy(JSON.stringify({ default: fallback, transports })) },
    ];
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const message = `its report cannot be read: ${error.message}`;
    return [{ role, ...file, problem: { reason: 'malformed-report', message } }];
  }
}

function roleOf(key: string): ReportedPolicy['role'] | undefined {
  if (key === 'policy') return 'system';
  if (key === 'crioPolicy') return 'crio';
  return key.startsWith('namespacePolicy ') ? 'namespace' : undefined;
}

function readFolder(
  items: ReadonlyMap<string, Json>,
): Pick<ReportedTrust, 'registriesD' | 'registriesDProblem'> {
  const item = items.get('registriesD');
  if (item === undefined) return { registriesDProblem: NOT_REPORTED };
  const parsed = v.safeParse(folderItem, objectOf(item));
  if (!parsed.success) return { registriesDProblem: malformed(parsed.issues) };
  const { problem: registriesDProblem, default: defaultDocker } = parsed.output;
  if (registriesDProblem !== undefined) return { registriesDProblem };
  const docker = new Map<string, RegistriesDSection>();
  for (const [key, each] of items) {
    if (!key.startsWith('registriesD ')) continue;
    const scope = v.safeParse(scopeItem, objectOf(each));
    if (!scope.success) return { registriesDProblem: malformed(scope.issues) };
    const { scope: name, ...rest } = scope.output;
    docker.set(name, rest);
  }
  const registriesD = { docker, warnings: [], ...(defaultDocker && { defaultDocker }) };
  return { registriesD };
}

function readConf(
  item: Json | undefined,
): Pick<ReportedTrust, 'registriesConf' | 'registriesConfProblem'> {
  if (item === undefined) return { registriesConfProblem: NOT_REPORTED };
  const parsed = v.safeParse(confItem, objectOf(item));
  if (!parsed.success) return { registriesConfProblem: malformed(parsed.issues) };
  const { problem: registriesConfProblem, registries, ...names } = parsed.output;
  if (registriesConfProblem !== undefined) return { registriesConfProblem };
  const byPrefix = new Map(registries.map((one): [string, Registry] => [one.prefix, one]));
  return { registriesConf: { registries: byPrefix, aliases: new Map(), ...names } };
}

/** For the library of schemas a list is an object without members. */
function objectOf(item: Json): Json {
  return Array.isArray(item) ? null : item;
}

function malformed(
  issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]],
): ReportedProblem {
  const [issue] = issues;
  const place = `${v.getDotPath(issue) ?? 'item'}: expected ${issue.expected ?? 'another value'}`;
  return { reason: 'malformed-report', message: `its report cannot be read: ${place}` };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
