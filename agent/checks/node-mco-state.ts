import type { CheckContext, Statement } from '../check.ts';
import { readMachineConfig } from '../desired/machine-config.ts';
import { readNodeAnnotations } from '../desired/node-annotations.ts';
import type { Host } from '../host.ts';

const FORCE_FILE = '/run/machine-config-daemon-force';
/** ostree keeps here what the next boot turns into a deployment. */
const STAGED = '/run/ostree/staged-deployment';
/** The operator's own alerts wait as long for a drain. */
const STUCK_AFTER_MS = 60 * 60 * 1000;
const FAILED_STATES: ReadonlySet<string> = new Set(['Degraded', 'Unreconcilable']);
const MAX_REASON_LENGTH = 200;

/** What the rule `node.mco-state` says: the node is where its MachineConfig wants it, and nobody forced it there. */
export async function mcoState({ host, clock }: CheckContext): Promise<readonly Statement[]> {
  if ((await readMachineConfig(host)) === undefined) return [noMachineConfig()];
  const nowMs = clock.nowMs();
  const found = [await forced(host), await annotated(host, nowMs), await staged(host, nowMs)];
  const failing = found.filter((statement) => statement?.result === 'fail');
  if (failing.length > 0) return failing.flatMap((statement) => statement ?? []);
  const isUpdating = found.some((statement) => statement !== undefined);
  const message = isUpdating
    ? 'the node is being updated, and was not forced past validation'
    : 'the node was not forced past validation, and no update is stuck';
  return [{ result: 'pass', message, observed: { forced: false, updating: isUpdating } }];
}

/** The statement of a rule about the MachineConfig on a node that keeps none. */
export function noMachineConfig(): Statement {
  const message = 'this node keeps no MachineConfig';
  return { result: 'notapplicable', reason: 'no-machine-config', message };
}

async function forced(host: Host): Promise<Statement | undefined> {
  if ((await host.lstat(FORCE_FILE)) === undefined) return undefined;
  const message = `${FORCE_FILE} exists: the next roll-out does not look at what is on the node`;
  return { result: 'fail', reason: 'forced', message, observed: { forced: true } };
}

async function annotated(host: Host, nowMs: number): Promise<Statement | undefined> {
  const annotations = await readNodeAnnotations(host);
  if (annotations === undefined) return undefined;
  const { path: subject, state, currentConfig, desiredConfig, reason } = annotations;
  const writtenMs = (await host.stat(subject))?.mtimeMs ?? nowMs;
  const observed = {
    state: state ?? null,
    current: currentConfig ?? null,
    desired: desiredConfig ?? null,
  };
  if (state !== undefined && FAILED_STATES.has(state)) {
    const why = reason === undefined ? '' : `: ${reason.slice(0, MAX_REASON_LENGTH)}`;
    const message = `the machine-config-daemon says that the node is ${state}${why}`;
    return { subject, result: 'fail', reason: state.toLowerCase(), message, observed };
  }
  // One that is done says which configuration the node was installed with; it may have moved on since.
  if ((state === undefined || state === 'Done') && currentConfig === desiredConfig)
    return undefined;
  return updating(subject, writtenMs, nowMs, `the roll-out of ${desiredConfig}`, observed);
}

async function staged(host: Host, nowMs: number): Promise<Statement | undefined> {
  const stat = await host.stat(STAGED);
  if (stat === undefined) return undefined;
  return updating(STAGED, stat.mtimeMs, nowMs, 'a deployment waits for its reboot', {
    staged: true,
  });
}

function updating(
  subject: string,
  sinceMs: number,
  nowMs: number,
  what: string,
  observed: NonNullable<Statement['observed']>,
): Statement {
  const message = `${what}: since ${new Date(sinceMs).toISOString()}`;
  const isStuck = nowMs - sinceMs > STUCK_AFTER_MS;
  if (!isStuck) return { subject, result: 'pass', message, observed };
  return { subject, result: 'fail', reason: 'stuck', message, observed };
}
