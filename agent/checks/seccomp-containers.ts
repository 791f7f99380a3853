import type { CheckContext, Statement } from '../check.ts';
import {
  type ContainerConfig,
  containerConfig,
  type RunningContainer,
  runningContainers,
  seccompMode,
} from '../containers.ts';
import type { Host } from '../host.ts';
import { isApproved } from './approved-containers.ts';

/**
 * What the rule `seccomp.containers-filtered` says, by the processes alone: what was configured only explains it. The
 * sandboxes of pods, privileged containers and those the profile approves are counted, not judged.
 */
export async function containersFiltered(
  { host, values }: CheckContext,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  const containers = await runningContainers(host, signal);
  if (containers === undefined) {
    const message = 'the processes of the node are not visible in /proc';
    return { result: 'error', reason: 'not-visible', message };
  }
  if (containers.length === 0) {
    const message = 'no container is running';
    return { result: 'notapplicable', reason: 'no-containers', message };
  }
  const found: Statement[] = [];
  const count = { filtered: 0, sandboxes: 0, privileged: 0, approved: 0 };
  for (const container of containers) {
    signal.throwIfAborted();
    const filter = await filterOf(host, container);
    if (filter === 'yes') count.filtered++;
    if (filter === 'yes' || filter === 'gone') continue;
    const config = await containerConfig(host, container.id);
    if (config?.isSandbox === true) count.sandboxes++;
    else if (config?.isPrivileged === true) count.privileged++;
    else if (config !== undefined && isApproved(config, values)) count.approved++;
    else found.push(filter === 'no' ? unfiltered(container, config) : untold(container, config));
  }
  if (found.length > 0) return found;
  const except = [
    ...(count.privileged > 0 ? [`${count.privileged} privileged`] : []),
    ...(count.approved > 0 ? [`${count.approved} the profile approves`] : []),
    ...(count.sandboxes > 0 ? [`${count.sandboxes} sandboxes of pods`] : []),
  ];
  const unless = except.length === 0 ? '' : `; without one: ${except.join(', ')}`;
  const message = `${count.filtered} containers run with a seccomp filter${unless}`;
  return { result: 'pass', message, observed: { unfiltered: 0, ...count } };
}

/** A container is filtered when every process of it is; `untold` where the kernel says nothing of seccomp. */
async function filterOf(
  host: Host,
  { pids }: RunningContainer,
): Promise<'yes' | 'no' | 'untold' | 'gone'> {
  const modes: number[] = [];
  let isUntold = false;
  for (const pid of pids) {
    const mode = await seccompMode(host, pid);
    if (mode === 0) return 'no';
    if (mode !== undefined) modes.push(mode);
    else if ((await host.stat(`/proc/${pid}/status`)) !== undefined) isUntold = true;
  }
  if (isUntold) return 'untold';
  return modes.length > 0 ? 'yes' : 'gone';
}

function unfiltered(
  { id, runtime }: RunningContainer,
  config: ContainerConfig | undefined,
): Statement {
  const why =
    config === undefined
      ? '; its config.json is not there, so whether it is privileged is unknown'
      : config.seccompProfile === undefined
        ? ''
        : `; it was started with the profile ${config.seccompProfile}`;
  return {
    subject: config?.name ?? id,
    result: 'fail',
    reason: 'unfiltered',
    message: `the container ${config?.name ?? id.slice(0, 12)} runs without a seccomp filter${why}`,
    observed: {
      filtered: false,
      runtime,
      privileged: config?.isPrivileged ?? null,
      profile: config?.seccompProfile ?? null,
    },
    expected: { filtered: true },
  };
}

function untold({ id }: RunningContainer, config: ContainerConfig | undefined): Statement {
  const message = `the kernel says nothing of seccomp in the status of the container ${config?.name ?? id.slice(0, 12)}`;
  return { subject: config?.name ?? id, result: 'unknown', reason: 'not-told', message };
}
