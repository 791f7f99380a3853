import { counted } from '../../shared/counted.ts';
import type { CheckContext, Statement } from '../check.ts';
import { type ObservedContainer, observeContainers } from '../containers.ts';
import { isReadingReason } from '../host.ts';
import { isApproved } from './runtime-approval.ts';

/**
 * What the rule `seccomp.containers-filtered` says, by the processes alone: what was configured only explains it.
 * Privileged containers and those the profile approves are counted, not judged.
 */
export async function containersFiltered(
  { host, values }: CheckContext,
  signal: AbortSignal,
): Promise<Statement | readonly Statement[]> {
  const containers = await observeContainers(host, signal);
  if (containers === undefined) {
    const message = 'the processes of the node are not visible in /proc';
    return { result: 'error', reason: 'not-visible', message };
  }
  if (containers.length === 0) {
    const message = 'no container is running';
    return { result: 'notapplicable', reason: 'no-containers', message };
  }
  const found: Statement[] = [];
  const count = { filtered: 0, privileged: 0, approved: 0 };
  for (const container of containers) {
    const filter = filterOf(container);
    // All capabilities alone excuse nothing: the configuration has to say that it is privileged.
    if (filter === 'yes') count.filtered++;
    else if (container.isPrivileged && container.spec !== undefined) count.privileged++;
    else if (isApproved(container, values)) count.approved++;
    else found.push(filter === 'no' ? unfiltered(container) : untold(container));
  }
  if (found.length > 0) return found;
  const except = [
    ...(count.privileged > 0 ? [`${count.privileged} privileged`] : []),
    ...(count.approved > 0 ? [`${count.approved} the profile approves`] : []),
  ];
  const unless = except.length === 0 ? '' : `; without one: ${except.join(', ')}`;
  const message = `${counted(count.filtered, 'container runs', 'containers run')} with a seccomp filter${unless}`;
  return { result: 'pass', message, observed: { unfiltered: 0, ...count } };
}

/** A container is filtered when every process of it is; `untold` where the kernel says nothing of seccomp. */
function filterOf({ processes }: ObservedContainer): 'yes' | 'no' | 'untold' {
  const modes = processes.map(({ seccomp }) => seccomp);
  if (modes.includes(0)) return 'no';
  return modes.includes(undefined) ? 'untold' : 'yes';
}

function unfiltered({ subject, runtime, identity, specProblem }: ObservedContainer): Statement {
  // Whether it is privileged stands in a file that cannot be read.
  if (specProblem !== undefined && isReadingReason(specProblem.reason ?? '')) throw specProblem;
  const profile = identity?.seccompProfile;
  const why =
    identity === undefined
      ? '; its config.json is not there, so whether it is privileged is unknown'
      : profile === undefined
        ? ''
        : `; it was started with the profile ${profile}`;
  return {
    subject,
    result: 'fail',
    reason: 'unfiltered',
    message: `the container ${subject} runs without a seccomp filter${why}`,
    observed: {
      filtered: false,
      runtime,
      privileged: identity === undefined ? null : false,
      profile: profile ?? null,
    },
    expected: { filtered: true },
  };
}

function untold({ subject }: ObservedContainer): Statement {
  const message = `the kernel says nothing of seccomp in the status of the container ${subject}`;
  return { subject, result: 'unknown', reason: 'not-told', message };
}
