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

/** Worst first: conflicts, then by result and number of failures, never seen and retired nodes last; then by name. */
export function compareNodes(a: NodeItem, b: NodeItem): number {
  return (
    ATTENTION[a.state] - ATTENTION[b.state] ||
    WORST_FIRST.indexOf(a.worst) - WORST_FIRST.indexOf(b.worst) ||
    b.results.fail - a.results.fail ||
    (a.name < b.name ? -1 : a.name > b.name ? 1 : a.uid < b.uid ? -1 : 1)
  );
}
