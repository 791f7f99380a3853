import { DIFFERING_CLASSES, type DriftItem } from '../../shared/api.ts';
import { readDrift } from '../answers.ts';
import { FILE_DRIFT } from '../output/drift.ts';
import type { Resource } from '../resource.ts';

/** Files of nodes beside what they should be. */
export const DRIFT: Resource<DriftItem> = {
  type: 'drift',
  kind: 'DriftList',
  read: readDrift,
  namesOf: ({ path }) => [path],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, path }) => `${node} ${path}`,
  fields: ['node', 'path', 'class', 'reason', 'manager', 'mode', 'sha256', 'expectedSha256'],
  parameters: { node: 'node', path: 'path', class: 'class' },
  nameQuery: (path) => ({ path }),
  isWatched: false,
  isPaged: true,
  presentation: () => FILE_DRIFT,
  grouping: {
    sameOf: ({ node: _node, nodeState: _state, ...said }) => JSON.stringify(said),
    nodeOf: (item) => item,
    // Of one path what most nodes have stands before what few have.
    compare: (a, b) =>
      rankOf(a.item) - rankOf(b.item) ||
      comparePaths(a.item.path, b.item.path) ||
      b.nodes.length - a.nodes.length,
  },
};

function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const RANKS: readonly string[] = DIFFERING_CLASSES;

/** Worst first; a class that this program does not know before all. */
function rankOf(item: DriftItem): number {
  return RANKS.indexOf(item.class);
}
