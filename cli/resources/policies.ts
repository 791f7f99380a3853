import type { PolicyItem } from '../../shared/api-pools.ts';
import { readPolicy } from '../answers.ts';
import { POLICY } from '../output/policy.ts';
import type { Resource } from '../resource.ts';

/** Policies in force, with the nodes that have them. */
export const POLICIES: Resource<PolicyItem> = {
  type: 'policies',
  kind: 'PolicyList',
  read: readPolicy,
  namesOf: ({ digest }) => [digest, digest.slice('sha256:'.length, 'sha256:'.length + 12)],
  nodesOf: ({ nodes }) => nodes,
  keyOf: ({ digest }) => digest,
  fields: ['digest', 'policy', 'nodes', 'pools', 'outliers'],
  parameters: {},
  isWatched: false,
  isPaged: false,
  presentation: () => POLICY,
};
