import type { Finding } from '../../shared/findings.ts';
import { BOOT_ENTRIES } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { CONTAINER_FOLDER } from '../container-store.ts';
import { observeContainers } from '../containers.ts';
import { CRIO_FOLDER } from '../crio-config.ts';
import { CRYPTO_POLICIES, OWN_POLICIES } from '../crypto-policy.ts';
import { type DesiredState, desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER } from '../desired/machine-config.ts';
import type { Host } from '../host.ts';
import { containerOverride } from './fips-containers.ts';
import { cryptoPolicy, cryptoPolicyApplied } from './fips-crypto-policy.ts';
import { kernelArguments } from './fips-kernel-args.ts';
import {
  FIPS_ENABLED,
  type FipsPlaces,
  isExpected,
  isPendingReboot,
  isRefused,
  kernelFlag,
  notExpected,
  notVisible,
  readPlaces,
  stateOf,
} from './fips-places.ts';
import * as rules from './rules/fips.ts';

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
    rules.containerOverride,
  ],
  watches: [
    CRYPTO_POLICIES,
    `${CRYPTO_POLICIES}/state`,
    `${CRYPTO_POLICIES}/back-ends`,
    ...OWN_POLICIES,
    BOOT_ENTRIES,
    MACHINE_CONFIG_FOLDER,
    CRIO_FOLDER,
    `${CRIO_FOLDER}/crio.conf.d`,
    CONTAINER_FOLDER,
  ],
  polls: [FIPS_ENABLED],
  run,
};

async function run(
  { host, baseline, values }: CheckContext,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  // Begun at once: checks that ask together share one look at the containers, if they ask within a moment.
  const isOn = await whereReadable(kernelFlag(host));
  const looked = isOn === true ? observeContainers(host, signal) : undefined;
  looked?.catch(() => undefined);
  const desired = await desiredState(host, baseline);
  const places = await readPlaces(host, desired, values);
  signal.throwIfAborted();
  return [
    ...(await ask(rules.kernelEnabled, () => kernelEnabled(host, places))),
    ...(await ask(rules.kernelArguments, () => kernelArguments(host, places))),
    ...(await ask(rules.cryptoPolicy, () => cryptoPolicy(host, places))),
    ...(await ask(rules.cryptoPolicyApplied, () => cryptoPolicyApplied(host, places))),
    ...(await ask(rules.clusterIntent, () => clusterIntent(host, places, desired))),
    ...(await ask(rules.containerOverride, () =>
      containerOverride(host, places, () => looked ?? observeContainers(host, signal)),
    )),
  ];
}

async function kernelEnabled(host: Host, places: FipsPlaces): Promise<Statement> {
  const kernel = await kernelFlag(host);
  if (kernel === undefined) return notVisible(FIPS_ENABLED);
  const observed = { kernel, state: stateOf(places) ?? null };
  if (kernel) return { result: 'pass', message: 'the kernel is in FIPS mode', observed };
  if (!isExpected(places)) return { ...(await notExpected(host)), observed };
  const expected = { kernel: true };
  const because = 'the kernel is not in FIPS mode';
  if (isRefused(places)) {
    const what = places.isOverruled ? ', which a later fips=0 overrules' : '';
    const message = `${because} although it was booted with fips=1${what}`;
    return { result: 'fail', reason: 'refused', message, observed, expected };
  }
  if (isPendingReboot(places)) {
    const message = `${because} and will be after the next boot`;
    const severity = 'medium';
    return { result: 'fail', reason: 'pending-reboot', severity, message, observed, expected };
  }
  if (places.policy?.base === 'FIPS') {
    const message = `${because}: only the crypto policy is`;
    return { result: 'fail', reason: 'policy-only', message, observed, expected };
  }
  const by = places.intent === true ? 'the MachineConfig' : 'the profile';
  const message = `${because}, expected it by ${by}`;
  return { result: 'fail', reason: 'not-enabled', message, observed, expected };
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
    const message = 'the MachineConfig asks for FIPS, the node is not in FIPS mode';
    if (isPendingReboot(places)) {
      const what = `${message} before its next boot`;
      const reason = 'pending-reboot';
      return { result: 'fail', reason, severity: 'medium', message: what, observed };
    }
    if (isRefused(places)) {
      const what = `${message} although it was booted with fips=1`;
      return { result: 'fail', reason: 'refused', message: what, observed };
    }
    return { result: 'fail', reason: 'node-not-fips', severity: 'critical', message, observed };
  }
  if (kernel && !intent) {
    const message = 'the node is in FIPS mode, the MachineConfig does not ask for it';
    return { result: 'fail', severity: 'low', reason: 'not-cluster-intent', message, observed };
  }
  if (!isExpected(places)) return await notExpected(host);
  const message = `node and MachineConfig agree: FIPS is ${intent ? 'on' : 'off'}`;
  return { result: 'pass', message, observed };
}
