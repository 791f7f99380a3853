import { counted } from '../../shared/counted.ts';
import { matches } from '../../shared/pattern.ts';
import type { Statement } from '../check.ts';
import type { ObservedContainer } from '../containers.ts';
import { isReadingReason } from '../host.ts';
import type { ProfileValues } from '../profile-values.ts';

/** What is wrong with one container; undefined when nothing is. */
export type Judge = (container: ObservedContainer) => Omit<Statement, 'subject'> | undefined;

/** What a rule asks of every container. */
export interface Question {
  readonly judge: Judge;
  /** Said of one container and of several when nothing is wrong: `runs without …`, `run without …`. */
  readonly otherwise: readonly [one: string, several: string];
}

/** Members of the rule's question that the specification alone answers. */
export const NO_SPEC: Omit<Statement, 'subject'> = {
  result: 'unknown',
  reason: 'no-config',
  message: '',
};

/** A container that may have the rights of the node: by its namespace, without one by the name podman gave. */
export function isApproved(
  { identity, subject, id }: ObservedContainer,
  { privilegedNamespaces, privilegedContainers }: ProfileValues,
): boolean {
  const namespace = identity?.namespace;
  if (namespace !== undefined) {
    return privilegedNamespaces.some((pattern) => matches(pattern, namespace));
  }
  return subject !== id && privilegedContainers.some((pattern) => matches(pattern, subject));
}

/**
 * What a rule says of all containers: what is wrong, one statement a container that is not approved, or that nothing
 * is. `approved` in the evidence counts those that would fail and may.
 */
export function judgeContainers(
  containers: readonly ObservedContainer[],
  values: ProfileValues,
  { judge, otherwise }: Question,
): Statement | readonly Statement[] {
  if (containers.length === 0) {
    const message = 'no container is running';
    return { result: 'notapplicable', reason: 'no-containers', message };
  }
  const wrong: Statement[] = [];
  let [approved, untold] = [0, 0];
  for (const container of containers) {
    const found = judge(container);
    if (found === undefined) continue;
    if (isApproved(container, values)) approved++;
    else if (found === NO_SPEC && container.specProblem === undefined) untold++;
    else wrong.push(statementOf(container, found));
  }
  if (untold > 0) wrong.push(untoldOf(untold, otherwise));
  if (wrong.length > 0) return wrong;
  const except = approved === 0 ? '' : `, except ${approved} that may`;
  const message = containersThat(containers.length, otherwise) + except;
  return { result: 'pass', message, observed: { approved } };
}

/** Whose container it is stands in its specification: where that may not be read, nobody can say that it fails. */
function statementOf(
  { subject, specProblem }: ObservedContainer,
  found: Omit<Statement, 'subject'>,
): Statement {
  const isUnread = specProblem !== undefined && isReadingReason(specProblem.reason ?? '');
  if (specProblem !== undefined && (isUnread || found === NO_SPEC)) {
    const { message, reason = 'parse', path } = specProblem;
    return { subject, result: 'error', reason, message, observed: { path } };
  }
  return { ...found, subject };
}

function containersThat(count: number, [one, several]: Question['otherwise']): string {
  return counted(count, `container ${one}`, `containers ${several}`);
}

function untoldOf(count: number, otherwise: Question['otherwise']): Statement {
  const what = `${count === 1 ? 'its' : 'their'} config.json`;
  const message = `whether ${containersThat(count, otherwise)} is unknown: ${what} is not in the containers’ storage`;
  return { ...NO_SPEC, message, observed: { unread: count } };
}
