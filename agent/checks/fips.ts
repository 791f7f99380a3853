import type { Finding } from '../../shared/findings.ts';
import { BOOT_ENTRIES, COMMAND_LINE, nextBootEntries, runningArguments } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { CRYPTO_POLICIES } from '../crypto-policy.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import type { Host } from '../host.ts';
import { hasArgument, switchOf } from '../kernel-arguments.ts';
import { cryptoPolicy, cryptoPolicyApplied } from './fips-crypto-policy.ts';
import {
  FIPS_ENABLED,
  type FipsPlaces,
  isExpected,
  isFips,
  kernelFlag,
  notExpected,
  readPlaces,
} from './fips-places.ts';
import * as rules from './rules/fips.ts';

const INIT_MOUNTS = '/proc/1/mounts';

/** FIPS mode: kernel, kernel arguments, crypto policy and what the cluster asked for, place by place. */
export const fips: Check = {
  id: 'fips',
  title: 'FIPS mode is whole where it is asked for',
  rules: [
    rules.kernelEnabled,
    rules.kernelArguments,
    rules.cryptoPolicy,
    rules.cryptoPolicyApplied,
    rules.clusterIntent,
  ],
  watches: [
    CRYPTO_POLICIES,
    `${CRYPTO_POLICIES}/state`,
    `${CRYPTO_POLICIES}/back-ends`,
    BOOT_ENTRIES,
    MACHINE_CONFIG_FOLDER,
  ],
  polls: [FIPS_ENABLED],
  run,
};

async function run(
  { host, baseline }: CheckContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const desired = await desiredState(host, baseline);
  const places = await readPlaces(host, desired);
  signal.throwIfAborted();
  return [
    ...(await ask(rules.kernelEnabled, () => kernelEnabled(host, places))),
    ...(await ask(rules.kernelArguments, () => kernelArguments(host, places))),
    ...(await ask(rules.cryptoPolicy, () => cryptoPolicy(host, places))),
    ...(await ask(rules.cryptoPolicyApplied, () => cryptoPolicyApplied(host, places))),
    ...(await ask(rules.clusterIntent, () => clusterIntent(host, places, desired))),
  ];
}

async function kernelEnabled(host: Host, places: FipsPlaces): Promise<Statement> {
  const kernel = await kernelFlag(host);
  if (kernel === undefined) return notVisible(FIPS_ENABLED);
  const observed = { kernel };
  if (kernel) return { result: 'pass', message: 'the kernel is in FIPS mode', observed };
  if (!isExpected(places)) return await notExpected(host);
  const expected = { kernel: true };
  const because = 'the kernel is not in FIPS mode';
  if (places.now === true) {
    const message = `${because} although it was booted with fips=1`;
    return { result: 'fail', reason: 'refused', message, observed, expected };
  }
  if (places.next === true) {
    const message = `${because} and will be after the next boot`;
    const severity = 'medium';
    return { result: 'fail', reason: 'pending-reboot', severity, message, observed, expected };
  }
  if (places.policy?.base === 'FIPS') {
    const message = `${because}: only the crypto policy is`;
    return { result: 'fail', reason: 'policy-only', message, observed, expected };
  }
  const message = `${because}, expected it by the MachineConfig`;
  return { result: 'fail', reason: 'not-enabled', message, observed, expected };
}

/** Two answers, for what runs now and for what boots next: either can be invisible by itself. */
async function kernelArguments(host: Host, places: FipsPlaces): Promise<readonly Statement[]> {
  if (!isExpected(places)) return [await notExpected(host)];
  return [await runningKernel(host, places), await nextKernel(host, places)];
}

async function runningKernel(host: Host, places: FipsPlaces): Promise<Statement> {
  const args = await runningArguments(host);
  if (args === undefined) return notVisible(COMMAND_LINE);
  const fips = switchOf(args, 'fips') === true;
  const boot = hasArgument(args, 'boot');
  const observed = { fips, boot };
  const subject = COMMAND_LINE;
  if (fips && !boot && (await isBootSeparate(host))) {
    const message =
      'fips=1 without boot=: the integrity check of the next kernel can stop the boot';
    const reason = 'no-boot-argument';
    return { subject, result: 'fail', severity: 'low', reason, message, observed };
  }
  if (fips)
    return { subject, result: 'pass', message: 'the kernel was booted with fips=1', observed };
  const isPending = places.next === true && places.kernel !== true;
  const isOverruled = args.some(({ name, value }) => name === 'fips' && value === '1');
  const message = `the kernel was booted without fips=1${isOverruled ? ': a later fips=0 overrules it' : ''}`;
  return {
    subject,
    result: 'fail',
    reason: isPending ? 'pending-reboot' : isOverruled ? 'overruled' : 'missing',
    ...(isPending ? { severity: 'medium' as const } : {}),
    message,
    observed,
  };
}

async function nextKernel(host: Host, places: FipsPlaces): Promise<Statement> {
  const entries = await nextBootEntries(host);
  const subject = BOOT_ENTRIES;
  if (entries.length === 0) return notVisible(subject);
  const without = entries.find((entry) => !isFips(entry));
  if (without === undefined) {
    return {
      subject,
      result: 'pass',
      message: 'the next boot has fips=1',
      observed: { fips: true },
    };
  }
  if (without.unresolved.length > 0) {
    const message = `${without.path} uses $${without.unresolved[0]}, whose value is not visible here`;
    return { subject, result: 'error', reason: 'not-visible', message };
  }
  const isLost = places.kernel === true || places.now === true;
  return {
    subject,
    result: 'fail',
    reason: isLost ? 'lost-at-reboot' : 'missing',
    message: `${without.path} boots without fips=1${isLost ? ': FIPS mode ends at the next boot' : ''}`,
    observed: { fips: false, entry: without.path },
  };
}

/** Only init's own view tells what the node mounts; where it may not be read, nothing is said of it. */
async function isBootSeparate(host: Host): Promise<boolean> {
  const mounts = (await whereReadable(host.readText(INIT_MOUNTS))) ?? '';
  return /^\S+ \/boot /m.test(mounts);
}

async function clusterIntent(
  host: Host,
  places: FipsPlaces,
  desired: DesiredState,
): Promise<Statement> {
  if (desired.problem !== undefined) throw desired.problem;
  const intent = desired.machineConfig?.fips;
  if (intent === undefined) {
    const message = 'this node keeps no MachineConfig';
    return { result: 'notapplicable', reason: 'no-machine-config', message };
  }
  const kernel = await kernelFlag(host);
  if (kernel === undefined) return notVisible(FIPS_ENABLED);
  const observed = { kernel, machineConfig: intent };
  if (intent && !kernel) {
    const isPending = places.next === true && places.now !== true;
    return {
      result: 'fail',
      reason: isPending ? 'pending-reboot' : 'node-not-fips',
      severity: isPending ? 'medium' : 'critical',
      message: `the MachineConfig asks for FIPS, the node is not in FIPS mode${isPending ? ' before its next boot' : ''}`,
      observed,
    };
  }
  if (kernel && !intent) {
    const message = 'the node is in FIPS mode, the MachineConfig does not ask for it';
    return { result: 'fail', severity: 'low', reason: 'not-cluster-intent', message, observed };
  }
  if (!isExpected(places)) return await notExpected(host);
  const message = `node and MachineConfig agree: FIPS is ${intent ? 'on' : 'off'}`;
  return { result: 'pass', message, observed };
}

function notVisible(subject: string): Statement {
  const message = `${subject} is not visible here`;
  return { subject, result: 'error', reason: 'not-visible', message };
}
