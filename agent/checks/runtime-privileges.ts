import { CRIO_CAPABILITIES, capabilityNames, PODMAN_CAPABILITIES } from '../capabilities.ts';
import type { ProcessState } from '../container-process.ts';
import type { ObservedContainer } from '../containers.ts';
import type { Judge, Question } from './runtime-approval.ts';

/** Rights of the processes themselves: what they may do, and whether they may get more. */
export const privilegedContainers: Question = {
  otherwise: ['runs without the rights of the node', 'run without the rights of the node'],
  judge: (container) => {
    if (!container.isPrivileged) return undefined;
    const cause =
      container.identity?.isPrivileged === true ? 'its runtime says so' : 'it has every capability';
    return {
      result: 'fail',
      reason: 'privileged',
      message: `the container ${container.subject} is privileged (${cause})`,
      observed: { privileged: true, cause, runtime: container.runtime },
      expected: { privileged: false },
    };
  },
};

export const extraCapabilities: Question = {
  otherwise: [
    'has no capability beyond the default of its runtime',
    'have no capability beyond the default of their runtime',
  ],
  judge: (container) => {
    const extra = extraOf(container);
    if (extra.length === 0) return untold(container, 'effective', 'CapEff');
    const names = extra.join(' ');
    // In a user namespace of its own a capability reaches no further than the namespace.
    const [where, weight] = container.hasOwnUsers
      ? [' in its user namespace', { severity: 'low' } as const]
      : ['', {}];
    return {
      result: 'fail',
      reason: 'extra-capabilities',
      ...weight,
      message: `the container ${container.subject} has ${names}${where}`,
      observed: { extra: names, userNamespace: container.hasOwnUsers },
      expected: { extra: '' },
    };
  },
};

function extraOf({ processes, runtime }: ObservedContainer): readonly string[] {
  const bits = processes.reduce(
    (all, { effective = 0n, ambient = 0n }) => all | effective | ambient,
    0n,
  );
  const allowed = runtime === 'libpod' ? PODMAN_CAPABILITIES : CRIO_CAPABILITIES;
  return capabilityNames(bits).filter((name) => !allowed.has(name));
}

/** Root needs no privileges that it does not have: of containers that run as root the rule `nonroot` speaks. */
export const gainablePrivileges: Question = {
  otherwise: [
    'cannot gain privileges, or runs as root already',
    'cannot gain privileges, or run as root already',
  ],
  judge: (container) => {
    const { processes, subject } = container;
    const gaining = processes.filter(
      ({ noNewPrivileges, uid }) => noNewPrivileges === false && uid !== 0,
    );
    if (gaining.length === 0) return untold(container, 'noNewPrivileges', 'NoNewPrivs');
    return {
      result: 'fail',
      reason: 'new-privileges',
      message: `the container ${subject} may gain privileges by set-user-id programs`,
      observed: { noNewPrivileges: false },
      expected: { noNewPrivileges: true },
    };
  },
};

export const rootOfNode: Question = {
  otherwise: [
    'runs as another user than root of the node',
    'run as other users than root of the node',
  ],
  judge: (container) => {
    const { processes, subject, spec } = container;
    if (!processes.some(({ uid }) => uid === 0)) return untold(container, 'uid', 'Uid');
    return {
      result: 'fail',
      reason: 'root',
      message: `the container ${subject} runs as user 0 of the node`,
      observed: { uid: 0, asked: spec?.uid ?? null },
    };
  },
};

/** No line is not a zero: what a status leaves out is not known to be in order. */
function untold(
  { processes, subject }: ObservedContainer,
  member: keyof ProcessState,
  line: string,
): ReturnType<Judge> {
  const silent = processes.find((state) => state[member] === undefined);
  if (silent === undefined) return undefined;
  const message = `/proc/${silent.pid}/status of the container ${subject} has no ${line}`;
  return { result: 'unknown', reason: 'no-status', message };
}
