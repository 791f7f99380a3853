import { type BootEntry, nextBootEntries, runningArguments } from '../boot.ts';
import { type Statement, whereReadable } from '../check.ts';
import { appliedPolicy, type CryptoPolicy, configuredPolicy } from '../crypto-policy.ts';
import type { DesiredState } from '../desired/desired.ts';
import type { Host } from '../host.ts';
import { switchOf } from '../kernel-arguments.ts';

export const FIPS_ENABLED: string = '/proc/sys/crypto/fips_enabled';
const KERNEL_RELEASE = '/proc/sys/kernel/osrelease';

/** Each place where FIPS can be on, read by itself; undefined where it is not visible or not readable. */
export interface FipsPlaces {
  readonly kernel: boolean | undefined;
  readonly now: boolean | undefined;
  readonly next: boolean | undefined;
  readonly policy: CryptoPolicy | undefined;
  readonly intent: boolean | undefined;
}

/** Looks at every place; what cannot be read there is for the rule of that place to say. */
export async function readPlaces(host: Host, desired: DesiredState): Promise<FipsPlaces> {
  const args = await whereReadable(runningArguments(host));
  const entries = (await whereReadable(nextBootEntries(host))) ?? [];
  const applied = await whereReadable(appliedPolicy(host));
  return {
    kernel: await whereReadable(kernelFlag(host)),
    now: args && switchOf(args, 'fips') === true,
    next: entries.length === 0 ? undefined : entries.every(isFips),
    policy: applied ?? (await whereReadable(configuredPolicy(host))),
    intent: desired.machineConfig?.fips,
  };
}

/** True when anything has FIPS on or asks for it; where nothing does, being off is right. */
export function isExpected({ kernel, now, next, policy, intent }: FipsPlaces): boolean {
  return [kernel, now, next, intent].includes(true) || policy?.base === 'FIPS';
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
  const release = (await whereReadable(host.readText(KERNEL_RELEASE)))?.trim();
  const isSupported =
    release === undefined || !/\.\w+$/.test(release) || ARCHITECTURES.test(release);
  const message = 'FIPS is neither on nor asked for on this node';
  const reason = isSupported ? 'not-expected' : 'unsupported-architecture';
  return { result: 'notapplicable', reason, message };
}
