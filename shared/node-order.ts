import type { NodeItem, NodeState } from './api.ts';
import { WORST_FIRST } from './results.ts';

const ATTENTION: Readonly<Record<NodeState, number>> = {
  conflict: 0,
  online: 1,
  late: 1,
  silent: 1,
  stale: 1,
  expected: 2,
  retired: 3,
};

/** What a node's place in the order goes by. */
export interface NodePlace extends Pick<NodeItem, 'state' | 'worst' | 'name' | 'uid'> {
  readonly results: Pick<NodeItem['results'], 'fail'>;
}

/** Worst first: conflicts, then by result and number of failures, never seen and retired nodes last; then by name. */
export function compareNodes(a: NodePlace, b: NodePlace): number {
  return (
    ATTENTION[a.state] - ATTENTION[b.state] ||
    WORST_FIRST.indexOf(a.worst) - WORST_FIRST.indexOf(b.worst) ||
    b.results.fail - a.results.fail ||
    compare(a.name, b.name) ||
    compare(a.uid, b.uid)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
