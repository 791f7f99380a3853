import { type BootEntry, nextBootEntries, runningArguments } from '../boot.ts';
import { type Statement, whereReadable } from '../check.ts';
import { appliedPolicy, type CryptoPolicy, configuredPolicy, ownParts } from '../crypto-policy.ts';
import type { DesiredState } from '../desired/desired.ts';
import type { Host } from '../host.ts';
import { switchOf } from '../kernel-arguments.ts';
import type { ProfileValues } from '../profile-values.ts';

export const FIPS_ENABLED: string = '/proc/sys/crypto/fips_enabled';
const KERNEL_RELEASE = '/proc/sys/kernel/osrelease';

/** Each place where FIPS can be on, read by itself; undefined where it is not visible or not readable. */
export interface FipsPlaces {
  readonly kernel: boolean | undefined;
  readonly now: boolean | undefined;
  /** fips=1 is on the command line of the running kernel, and a later fips=0 takes it back. */
  readonly isOverruled: boolean;
  readonly next: boolean | undefined;
  readonly policy: CryptoPolicy | undefined;
  /** What of the policy allows more than FIPS. */
  readonly relaxations: readonly string[];
  readonly intent: boolean | undefined;
  /** The profile in force asks for FIPS on every node that can have it. */
  readonly isRequired: boolean;
}

/** Looks at every place; what cannot be read there is for the rule of that place to say. */
export async function readPlaces(
  host: Host,
  desired: DesiredState,
  values: ProfileValues,
): Promise<FipsPlaces> {
  const args = await whereReadable(runningArguments(host));
  const entries = (await whereReadable(nextBootEntries(host))) ?? [];
  const applied = await whereReadable(appliedPolicy(host));
  const policy = applied ?? (await whereReadable(configuredPolicy(host)));
  return {
    kernel: await whereReadable(kernelFlag(host)),
    now: args && switchOf(args, 'fips') === true,
    isOverruled:
      args?.some(({ name, value }) => name === 'fips' && value === '1') === true &&
      switchOf(args, 'fips') === false,
    next: entries.length === 0 ? undefined : entries.every(isFips),
    policy,
    relaxations: (policy && (await whereReadable(relaxationsOf(host, policy)))) ?? [],
    intent: desired.machineConfig?.fips,
    isRequired: values.fips === 'required' && (await isSupported(host)),
  };
}

/** True when anything has FIPS on or asks for it; where nothing does, being off is right. */
export function isExpected(places: FipsPlaces): boolean {
  const { kernel, now, isOverruled, next, policy, intent, isRequired } = places;
  const asks = [kernel, now, isOverruled, next, intent, isRequired];
  return asks.includes(true) || policy?.base === 'FIPS';
}

/** The kernel was booted with fips=1 and is not in FIPS mode: an architecture without it, or a later fips=0. */
export function isRefused({ kernel, now, isOverruled }: FipsPlaces): boolean {
  return kernel === false && (now === true || isOverruled);
}

/**
 * One word for all the places together; undefined where the kernel is not visible. `on` and `off` are whole, the others
 * half states: what is on, or asked for, in one place and not in another.
 */
export function stateOf(places: FipsPlaces): string | undefined {
  const { kernel, next, policy, relaxations, intent } = places;
  if (kernel === undefined) return undefined;
  if (isRefused(places)) return 'refused';
  if (isPendingReboot(places)) return 'pending-reboot';
  if (!kernel) {
    if (policy?.base === 'FIPS') return 'policy-only';
    return isExpected(places) ? 'not-enabled' : 'off';
  }
  if (next === false) return 'lost-at-reboot';
  if (policy !== undefined && policy.base !== 'FIPS') return 'kernel-only';
  if (relaxations.length > 0) return 'relaxed';
  return intent === false ? 'not-cluster-intent' : 'on';
}

/** Modules that leave FIPS as strict as it is, as ComplianceAsCode lists them. */
const HARMLESS_MODULES: ReadonlySet<string> = new Set([
  'OSPP',
  'NO-SHA1',
  'NO-CAMELLIA',
  'ECDHE-ONLY',
]);

/**
 * Modules of a policy that allow what FIPS does not, and parts of it that this node has of its own: they may allow anything.
 * Throws `HostError`.
 */
export async function relaxationsOf(host: Host, policy: CryptoPolicy): Promise<readonly string[]> {
  const relaxing = policy.modules.filter((module) => !HARMLESS_MODULES.has(module));
  return [...relaxing, ...(await ownParts(host, policy))];
}

/** FIPS mode begins with the next boot and not before. */
export function isPendingReboot(places: FipsPlaces): boolean {
  return places.kernel === false && places.next === true && !isRefused(places);
}

/** `fips_enabled`; a kernel without FIPS support has no such file. Undefined where its procfs is not visible. */
export async function kernelFlag(host: Host): Promise<boolean | undefined> {
  const flag = (await host.readText(FIPS_ENABLED))?.trim();
  if (flag !== undefined) return flag === '1';
  return (await host.readText(KERNEL_RELEASE)) === undefined ? undefined : false;
}

export function isFips({ args }: BootEntry): boolean {
  return switchOf(args, 'fips') === true;
}

/** openshift-install takes `fips: true` on these only. */
const ARCHITECTURES = /\.(?:x86_64|ppc64le|s390x)$/;

/** The statement of a rule about a node where FIPS is off and nothing asks for it. */
export async function notExpected(host: Host): Promise<Statement> {
  const message = 'FIPS is neither on nor asked for on this node';
  const reason = (await isSupported(host)) ? 'not-expected' : 'unsupported-architecture';
  return { result: 'notapplicable', reason, message };
}

/** False only for a release that names another architecture. */
async function isSupported(host: Host): Promise<boolean> {
  const release = (await whereReadable(host.readText(KERNEL_RELEASE)))?.trim();
  return release === undefined || !/\.\w+$/.test(release) || ARCHITECTURES.test(release);
}

/** The statement of a rule about a place that cannot be seen from here. */
export function notVisible(subject: string): Statement {
  const message = `${subject} is not visible here`;
  return { subject, result: 'error', reason: 'not-visible', message };
}
