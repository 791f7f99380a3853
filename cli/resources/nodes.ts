import type { NodeItem } from '../../shared/api.ts';
import { compareNodes } from '../../shared/node-order.ts';
import { readNode } from '../answers.ts';
import { nodePresentation } from '../output/node.ts';
import type { Resource } from '../resource.ts';

/** Nodes of the fleet. */
export const NODES: Resource<NodeItem> = {
  type: 'nodes',
  kind: 'NodeList',
  read: readNode,
  namesOf: ({ name, uid }) => [name, uid],
  nodesOf: ({ name }) => [name],
  keyOf: ({ uid }) => uid,
  fields: [
    'name',
    'uid',
    'pool',
    'state',
    'results',
    'worst',
    'drift',
    'images',
    'lastSeen',
    'agentVersion',
  ],
  parameters: { name: 'node', pool: 'pool', state: 'state', worst: 'result' },
  isWatched: true,
  isPaged: true,
  compare: compareNodes,
  presentation: nodePresentation,
};
