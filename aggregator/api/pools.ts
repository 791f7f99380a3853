import { API_VERSION } from '../../shared/api.ts';
import type { PoolBaseline } from '../../shared/api-pools.ts';
import { majorityOf } from '../pool-majority.ts';
import { trustMajority } from '../trust-groups.ts';
import { notFound } from './list.ts';
import type { Route } from './route.ts';

const getPool: Route = {
  method: 'GET',
  path: '/v1/pools/:name',
  role: 'viewer',
  summary:
    'What more than half of the nodes of a pool say: the state a node of it is compared with',
  query: ['asOf'],
  async handle({ name, query }, { store, fleet }): Promise<PoolBaseline> {
    const nodes = [...fleet.members()].filter(({ pool, retired }) => pool === name && !retired);
    if (nodes.length === 0) throw notFound('pool', name);
    const asOfMs = query.time('asOf');
    const trust = await trustMajority(store, nodes, asOfMs);
    return {
      apiVersion: API_VERSION,
      kind: 'PoolBaseline',
      pool: name,
      nodes: nodes.map((node) => node.name).sort(),
      trust: trust ? { digest: trust.digest, items: Object.fromEntries(trust.items) } : null,
      sections: await majorityOf(store, nodes, asOfMs),
      coverage: fleet.coverage(new Set(nodes.map((node) => node.name))),
    };
  },
};

export const poolRoutes: readonly Route[] = [getPool];
