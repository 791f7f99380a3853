import { posix } from 'node:path';
import { counted } from '../../shared/counted.ts';
import type { Finding } from '../../shared/findings.ts';
import { COMMAND_LINE } from '../boot.ts';
import { ask, type Check, type CheckContext, type Statement, whereReadable } from '../check.ts';
import { desiredState } from '../desired/desired.ts';
import { MACHINE_CONFIG_FOLDER, type MachineConfig } from '../desired/machine-config.ts';
import { inspectFile } from '../files.ts';
import type { Host } from '../host.ts';
import { POLICY, REGISTRIES_D } from '../trust-places.ts';
import { readOsRelease } from '../versions.ts';
import { watchedWatches } from '../watched-places.ts';
import { driftOf, duringUpdate } from './drift.ts';
import { withMeaning } from './drift-meaning.ts';
import { kernelHardening } from './node-kernel.ts';
import { kubeletHardening } from './node-kubelet.ts';
import { mcoState, noMachineConfig } from './node-mco-state.ts';
import { filePermissions } from './node-permissions.ts';
import { unitDrift } from './node-units.ts';
import { unmanagedFiles } from './node-unmanaged.ts';
import * as rules from './rules/node.ts';

/** The node as a whole against the MachineConfig it was given. */
export const node: Check = {
  id: 'node',
  title: 'The node is as its MachineConfig has it, and hardened',
  rules: [
    rules.mcoDrift,
    rules.unmanagedFiles,
    rules.mcoState,
    rules.filePermissions,
    rules.kubeletHardening,
    rules.kernelHardening,
  ],
  watches: [
    MACHINE_CONFIG_FOLDER,
    '/etc/crio/crio.conf.d',
    '/var/lib/kubelet',
    '/run/ostree',
    ...watchedWatches,
  ],
  run,
};

async function run(context: CheckContext, signal: AbortSignal): Promise<readonly Finding[]> {
  const { host, baseline } = context;
  return [
    ...(await ask(rules.mcoDrift, () => mcoDrift(host, signal))),
    ...(await ask(rules.unmanagedFiles, async () =>
      unmanagedFiles(host, await desiredState(host, baseline)),
    )),
    ...(await ask(rules.mcoState, () => mcoState(context))),
    ...(await ask(rules.filePermissions, () => filePermissions(host, signal))),
    ...(await ask(rules.kubeletHardening, () => kubeletHardening(host))),
    ...(await ask(rules.kernelHardening, () => kernelHardening(context))),
  ];
}

async function mcoDrift(
  host: Host,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  const desired = await desiredState(host, undefined);
  if (desired.problem !== undefined) throw desired.problem;
  const { machineConfig } = desired;
  if (machineConfig === undefined) return noMachineConfig();
  const paths = desired.paths.filter((path) => !hasOwnRule(path));
  const found: Statement[] = [];
  for (const path of paths) {
    signal.throwIfAborted();
    const statements = await ask(rules.mcoDrift, async () => {
      // A content that does not decode is an error of this file alone.
      const want = desired.file(path);
      const drift = driftOf(await inspectFile(host, desired, path));
      if (drift === undefined) return [];
      return duringUpdate(await withMeaning(host, path, want, drift), desired);
    });
    for (const { ruleId: _, ...statement } of statements) {
      if (statement.result !== 'pass') found.push({ ...statement, subject: path });
    }
  }
  const lacking = await lackingArgument(host, machineConfig);
  const others = [...(await unitDrift(host, machineConfig)), ...(lacking ? [lacking] : [])];
  found.push(...others.map((statement) => duringUpdate(statement, desired)));
  if (found.length > 0) return found;
  const { name, units } = machineConfig;
  const message = `${counted(paths.length, 'file')} and ${counted(units.length, 'unit')} are as rolled out by ${name}`;
  return { result: 'pass', message, observed: { drifted: 0 } };
}

function hasOwnRule(path: string): boolean {
  return path === POLICY || posix.dirname(path) === REGISTRIES_D;
}

/** On other systems than CoreOS the daemon writes files and leaves the kernel alone. */
async function lackingArgument(
  host: Host,
  { kernelArguments, name }: MachineConfig,
): Promise<Statement | undefined> {
  const release = await whereReadable(readOsRelease(host));
  const text = await whereReadable(host.readText(COMMAND_LINE));
  if (release?.get('VARIANT_ID') !== 'coreos' || text === undefined) return undefined;
  const running = new Set(text.trim().split(/\s+/));
  const lacking = kernelArguments
    .flatMap((argument) => argument.trim().split(/\s+/))
    .filter((argument) => argument !== '' && !running.has(argument));
  if (lacking.length === 0) return undefined;
  return {
    subject: COMMAND_LINE,
    result: 'fail',
    reason: 'kernel-arguments',
    message: `the kernel was booted without ${lacking.join(' ')}, asked for by ${name}`,
    observed: { lacking: lacking.join(' ') },
  };
}
