import type { ReportedPolicy, ReportedProblem, ReportedTrust } from './reported-trust.ts';
import { diffPolicies, type PolicyChange } from './trust/policy-diff.ts';
import type { Registry } from './trust/registries-conf-file.ts';
import { withKeyContents } from './trust-meaning.ts';

/** What is different in the trust in images of two nodes, or of one node at two times. */
export interface TrustChange extends Omit<PolicyChange, 'effect' | 'part'> {
  /** As of `PolicyChange`; `unknown` where one side is not known. */
  readonly effect: PolicyChange['effect'] | 'unknown';
  readonly part: PolicyChange['part'] | 'registries.conf';
  /** The policy file in question, as the second side calls it. */
  readonly policy?: string;
  /** Whose policy: absent for that of the whole node. */
  readonly namespace?: string;
}

/** Reasons that say nothing of what the node's tools do. */
const UNKNOWN: ReadonlySet<string> = new Set([
  ...['not-reported', 'malformed-report', 'undecided', 'permission', 'too-large', 'not-visible'],
  ...['io', 'changed', 'root'],
]);
const RANK = { weakened: 0, unknown: 1, strengthened: 2, neutral: 3 } as const;

/**
 * What changes from one trust configuration to another, the weakened first; none when they come to the same
 * (`trustDigest`). Keys are compared by what their files hold. A policy that only one side has is compared with what
 * speaks in its place on the other: that of CRI-O with the system's, that of a namespace with CRI-O's.
 */
export function diffTrust(old: ReportedTrust, now: ReportedTrust): readonly TrustChange[] {
  const changes = [
    ...policyPairs(old, now).flatMap(([from, to]) => diffPair(from, to, old, now)),
    ...folderProblem(old, now),
    ...diffRegistriesConf(old, now),
  ];
  return changes.sort((one, other) => RANK[one.effect] - RANK[other.effect]);
}

type Pair = readonly [from: ReportedPolicy, to: ReportedPolicy];

function policyPairs(old: ReportedTrust, now: ReportedTrust): readonly Pair[] {
  const [oldSystem, newSystem] = [firstOf(old, 'system'), firstOf(now, 'system')];
  if (oldSystem === undefined || newSystem === undefined) return [];
  const [oldCrio, newCrio] = [firstOf(old, 'crio'), firstOf(now, 'crio')];
  const crio: Pair = [oldCrio ?? oldSystem, newCrio ?? newSystem];
  const names = new Set([...namespacesOf(old), ...namespacesOf(now)].map(nameOf));
  const namespaces = [...names].sort().map((name): Pair => {
    const [from, to] = [old, now].map((trust) =>
      namespacesOf(trust).find((policy) => nameOf(policy) === name),
    );
    return [from ?? crio[0], to ?? crio[1]];
  });
  const hasCrio = oldCrio !== undefined || newCrio !== undefined;
  return [[oldSystem, newSystem], ...(hasCrio ? [crio] : []), ...namespaces];
}

function firstOf(
  { policies }: ReportedTrust,
  wanted: ReportedPolicy['role'],
): ReportedPolicy | undefined {
  return policies.find(({ role }) => role === wanted);
}

function namespacesOf({ policies }: ReportedTrust): readonly ReportedPolicy[] {
  return policies.filter(({ role }) => role === 'namespace');
}

/** The folder of the policies of namespaces has no namespace: it stands there when it cannot be listed. */
function nameOf({ namespace, path }: ReportedPolicy): string {
  return namespace ?? path;
}

function diffPair(
  from: ReportedPolicy,
  to: ReportedPolicy,
  old: ReportedTrust,
  now: ReportedTrust,
): readonly TrustChange[] {
  const namespace = to.namespace ?? from.namespace;
  const about = { policy: to.path, ...(namespace === undefined ? {} : { namespace }) };
  const isSystem = from.role === 'system' && to.role === 'system';
  if (from.policy === undefined || to.policy === undefined) {
    const change = problemChange(from, to);
    return change === undefined ? [] : [{ ...change, part: 'policy', ...about }];
  }
  const names = keyNames(old, now);
  const changes = diffPolicies(
    {
      policy: withKeyContents(from.policy, old.keyFiles),
      ...(isSystem && old.registriesD ? { registriesD: old.registriesD } : {}),
    },
    {
      policy: withKeyContents(to.policy, now.keyFiles),
      ...(isSystem && now.registriesD ? { registriesD: now.registriesD } : {}),
    },
    { keyNames: ({ path }) => (path === undefined ? undefined : names.get(path)) },
  );
  const known = changes.filter(({ part }) => part === 'policy' || bothRead(old, now));
  return known.map((change) => ({ ...change, ...about }));
}

/** What the hash of a key file is called: by the keys in it, else by its path. */
function keyNames(old: ReportedTrust, now: ReportedTrust): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const { path, sha256, keys = [] } of [...old.keyFiles.values(), ...now.keyFiles.values()]) {
    const prints = keys.map(({ fingerprint }) => fingerprint);
    if (sha256 !== undefined) names.set(sha256, prints.length > 0 ? prints : [path]);
  }
  return names;
}

function bothRead(old: ReportedTrust, now: ReportedTrust): boolean {
  return old.registriesD !== undefined && now.registriesD !== undefined;
}

function folderProblem(old: ReportedTrust, now: ReportedTrust): readonly TrustChange[] {
  const [from, to] = [old.registriesDProblem, now.registriesDProblem];
  if (from?.reason === to?.reason) return [];
  return [{ part: 'registries.d', ...changeOfUse('registries.d', from, to) }];
}

function problemChange(
  from: ReportedPolicy,
  to: ReportedPolicy,
): Pick<TrustChange, 'effect' | 'reason'> | undefined {
  if (from.problem?.reason === to.problem?.reason) return undefined;
  return changeOfUse('the policy', from.problem, to.problem);
}

/** What cannot be used makes the node's tools refuse every image. */
function changeOfUse(
  what: string,
  from: ReportedProblem | undefined,
  to: ReportedProblem | undefined,
): Pick<TrustChange, 'effect' | 'reason'> {
  const unknown = [from, to].find((problem) => problem && UNKNOWN.has(problem.reason));
  if (unknown !== undefined) {
    return { effect: 'unknown', reason: `${what} cannot be compared: ${unknown.message}` };
  }
  if (to === undefined) {
    const reason = `${what} can be used, and could not before: ${from?.message ?? ''}`;
    return { effect: 'weakened', reason };
  }
  if (from === undefined) {
    const reason = `${what} cannot be used, so that every image is refused: ${to.message}`;
    return { effect: 'strengthened', reason };
  }
  return { effect: 'neutral', reason: `${what} cannot be used for another reason: ${to.message}` };
}

function diffRegistriesConf(old: ReportedTrust, now: ReportedTrust): readonly TrustChange[] {
  const part = 'registries.conf' as const;
  const [from, to] = [old.registriesConf, now.registriesConf];
  if (from === undefined || to === undefined) {
    const [was, is] = [old.registriesConfProblem, now.registriesConfProblem];
    return was?.reason === is?.reason ? [] : [{ part, ...changeOfUse(part, was, is) }];
  }
  const prefixes = [...new Set([...from.registries.keys(), ...to.registries.keys()])].sort();
  const changes = prefixes.flatMap((prefix) =>
    registryChanges(prefix, from.registries.get(prefix), to.registries.get(prefix)).map(
      (change) => ({ part, transport: 'docker', scope: prefix, ...change }),
    ),
  );
  const settings = [
    ['shortNameMode', from.shortNameMode, to.shortNameMode],
    [
      'unqualifiedSearchRegistries',
      from.unqualifiedSearchRegistries.join(', ') || 'none',
      to.unqualifiedSearchRegistries.join(', ') || 'none',
    ],
  ] as const;
  const others = settings
    .filter(([, was, is]) => was !== is)
    .map(([name, was, is]) => ({
      part,
      effect: 'neutral' as const,
      reason: `${name} is ${is}, was ${was}: a name without its registry may be another image`,
    }));
  return [...changes, ...others];
}

function registryChanges(
  prefix: string,
  was: Registry | undefined,
  is: Registry | undefined,
): readonly Pick<TrustChange, 'effect' | 'reason'>[] {
  const changes: Pick<TrustChange, 'effect' | 'reason'>[] = [];
  if (was?.blocked !== is?.blocked && (was?.blocked === true || is?.blocked === true)) {
    changes.push(
      is?.blocked === true
        ? { effect: 'strengthened', reason: `${prefix} is blocked now` }
        : { effect: 'weakened', reason: `${prefix} is no longer blocked` },
    );
  }
  if (was?.insecure !== is?.insecure && (was?.insecure === true || is?.insecure === true)) {
    changes.push(
      is?.insecure === true
        ? { effect: 'weakened', reason: `${prefix} is asked without checking its certificate` }
        : { effect: 'strengthened', reason: `the certificate of ${prefix} is checked again` },
    );
  }
  const [from, to] = [placesOf(was), placesOf(is)];
  if (from !== to) {
    const reason = `images of ${prefix} come from ${to}, and came from ${from}`;
    changes.push({ effect: 'neutral', reason });
  }
  return changes;
}

/** Mirrors and the registry itself, in the order in which they are asked. */
function placesOf(registry: Registry | undefined): string {
  if (registry === undefined) return 'there';
  const mirrors = registry.mirrors.map(({ location, insecure, use }) => {
    const marks = [...(use === 'all' ? [] : [use]), ...(insecure ? ['insecure'] : [])];
    return marks.length === 0 ? location : `${location} (${marks.join(', ')})`;
  });
  const own = registry.location === registry.prefix ? 'there' : registry.location || 'there';
  return [...mirrors, own].join(', then ');
}
