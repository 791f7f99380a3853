import type { PolicyList } from '../../shared/api.ts';
import { canonicalJson, sha256 } from '../../shared/canonical.ts';
import { alsoByName, coverageOf, type ListRoute, list } from './list.ts';
import type { Route } from './route.ts';

/** Key of the policy.json in force among the items of the section `trust`. */
const POLICY_KEY = 'policy';

const getPolicies: ListRoute = {
  method: 'GET',
  path: '/v1/policies',
  role: 'viewer',
  summary:
    'The policies in force, each with the nodes that have exactly this one, most nodes first',
  query: ['node'],
  async handle({ name, query }, context): Promise<PolicyList> {
    const node = query.text('node');
    const coverage = coverageOf(context, node);
    const variants = await context.store.variants(POLICY_KEY);
    const items = variants
      .filter(({ nodes }) => node === undefined || nodes.includes(node))
      .map(({ item, nodes }) => ({ digest: sha256(canonicalJson(item)), nodes, policy: item }))
      .filter(({ digest }) => name === '' || digest === name);
    return list('PolicyList', items, coverage);
  },
};

export const policyRoutes: readonly Route[] = alsoByName(getPolicies, 'policy');
