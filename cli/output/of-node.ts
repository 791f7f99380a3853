import type { OfNode } from '../../shared/api.ts';
import type { Column } from './column.ts';

/** The name of a node; of one that does not report now, with its state: what it says is what it said last. */
export function nodeText({ node, nodeState }: OfNode): string {
  return nodeState === undefined ? node : `${node}(${nodeState})`;
}

export const NODE_COLUMN: Column<OfNode> = {
  header: 'NODE',
  key: 'node',
  value: ({ node }) => node,
  show: nodeText,
  tone: ({ nodeState }) => (nodeState === undefined ? undefined : 'warn'),
  shrink: 'end',
  least: 12,
};
