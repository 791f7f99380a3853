import { keyMaterialOf } from '../agent/trust-keys.ts';
import type { ReportedPolicy, ReportedTrust } from '../shared/reported-trust.ts';
import { readKeyFacts } from '../shared/trust/key-facts.ts';
import { scopesAbove } from '../shared/trust/policy-diff/scopes-above.ts';
import type { Policy, PolicyRequirement } from '../shared/trust/policy-types.ts';
import type { RegistriesD } from '../shared/trust/registries-d.ts';
import type { RegistriesDSection } from '../shared/trust/registries-d-file.ts';
import { isReachable } from '../shared/trust/scope-reach.ts';

/** The keys of one requirement. */
export interface RequirementKeys {
  /** Fingerprints of the keys it names, as far as they could be read. */
  readonly keys: readonly string[];
  /** Key files that cannot be read: the requirement cannot be met by them. */
  readonly unreadable: readonly string[];
}

/** One requirement of one scope, with all that the node declares about it. */
export interface TrustRow extends RequirementKeys {
  /** Whose policy it is; one file may be that of several. */
  readonly role: ReportedPolicy['role'];
  /** Path of the policy file. */
  readonly policy: string;
  /** The namespace whose policy it is; absent for that of the node. */
  readonly namespace?: string;
  /** `all` for the policy's own default, as podman calls it. */
  readonly transport: string;
  /** `default` for the policy's own; '' for that of a transport. */
  readonly scope: string;
  readonly type: PolicyRequirement['type'];
  readonly requirement: PolicyRequirement;
  /** The entry that would speak if this one were not there: a scope, '' or `default`; null for the default itself. */
  readonly hides: string | null;
  /** False for a scope that no image leads to. */
  readonly isReachable: boolean;
  readonly lookaside: string | null;
  readonly lookasideStaging: string | null;
  readonly useSigstoreAttachments: boolean | null;
}

/**
 * Every requirement of every policy of a node, the system's first, and of each the default's. Keys that stand in a policy
 * itself are read now.
 */
export async function trustRows(trust: ReportedTrust, nowMs: number): Promise<readonly TrustRow[]> {
  const rows = trust.policies.map(async (policy) => await policyRows(policy, trust, nowMs));
  return (await Promise.all(rows)).flat();
}

async function policyRows(
  { role, path, namespace, policy }: ReportedPolicy,
  trust: ReportedTrust,
  nowMs: number,
): Promise<readonly TrustRow[]> {
  if (policy === undefined) return [];
  const about = { role, policy: path, ...(namespace === undefined ? {} : { namespace }) };
  const rows = entriesOf(policy).map(async ([transport, scope, requirement]): Promise<TrustRow> => {
    return {
      ...about,
      transport,
      scope,
      type: requirement.type,
      requirement,
      hides: transport === 'all' ? null : hiddenBy(policy, transport, scope),
      isReachable: transport === 'all' || isReachable(transport, scope),
      ...(await keysOf(requirement, trust, nowMs)),
      ...storageOf(transport, scope, trust.registriesD),
    };
  });
  return await Promise.all(rows);
}

type Entry = readonly [transport: string, scope: string, requirement: PolicyRequirement];

function entriesOf(policy: Policy): readonly Entry[] {
  const scopes = [...policy.transports].flatMap(([transport, entries]) =>
    [...entries].flatMap(([scope, requirements]) =>
      requirements.map((requirement): Entry => [transport, scope, requirement]),
    ),
  );
  return [...policy.default.map((one): Entry => ['all', 'default', one]), ...scopes];
}

function hiddenBy(policy: Policy, transport: string, scope: string): string {
  const scopes = policy.transports.get(transport);
  const above = scope === '' ? [] : [...scopesAbove(transport, scope), ''];
  return above.find((name) => scopes?.has(name)) ?? 'default';
}

/** The keys a requirement asks for. */
export async function keysOf(
  requirement: PolicyRequirement,
  { keyFiles }: ReportedTrust,
  nowMs: number,
): Promise<RequirementKeys> {
  const keys = new Set<string>();
  const unreadable: string[] = [];
  for (const { role, path, data } of keyMaterialOf(requirement)) {
    if (path !== undefined) {
      const file = keyFiles.get(path);
      for (const { fingerprint } of file?.keys ?? []) keys.add(fingerprint);
      if (file?.problem !== undefined) unreadable.push(path);
    } else if (data !== undefined) {
      const facts = await readKeyFacts(role, data, nowMs);
      for (const { fingerprint } of facts.keys) keys.add(fingerprint);
    }
  }
  return { keys: [...keys], unreadable };
}

/** Each setting as an image of this very scope gets it: of the nearest entry that has it, then of the default. */
function storageOf(
  transport: string,
  scope: string,
  registries: RegistriesD | undefined,
): Pick<TrustRow, 'lookaside' | 'lookasideStaging' | 'useSigstoreAttachments'> {
  const names = transport === 'docker' ? [scope, ...scopesAbove(transport, scope)] : [];
  const isOfRegistries = transport === 'docker' || transport === 'all';
  const sections = isOfRegistries
    ? [...names.map((name) => registries?.docker.get(name)), registries?.defaultDocker]
    : [];
  const first = <T>(read: (section: RegistriesDSection) => T | undefined): T | null =>
    sections.map((section) => section && read(section)).find((one) => one !== undefined) ?? null;
  return {
    lookaside: first(({ lookaside, sigstore }) => lookaside ?? sigstore),
    lookasideStaging: first((section) => section.lookasideStaging ?? section.sigstoreStaging),
    useSigstoreAttachments: first((section) => section.useSigstoreAttachments),
  };
}
