import type { Coverage } from '../../shared/api.ts';
import type { PolicyItem, PolicyList } from '../../shared/api-pools.ts';
import { type TrustGroup, trustGroups, trustSection } from '../trust-groups.ts';
import { alsoByName, coverageOf, type ListRoute, list, notFound } from './list.ts';
import type { ApiContext, Route } from './route.ts';

const getPolicies: ListRoute = {
  method: 'GET',
  path: '/v1/policies',
  role: 'viewer',
  summary:
    'What nodes trust images by: those with the same in effect together, most nodes first; one by its digest with every part of it',
  query: ['node', 'pool'],
  async handle({ name, query }, context): Promise<PolicyList> {
    const names = namesAsked(context, query.text('node'), query.text('pool'));
    const groups = await trustGroups(context.store, context.fleet);
    const coverage = withUnreported(context.fleet.coverage(names), names, groups, context);
    const items: PolicyItem[] = [];
    for (const group of groups) {
      if (name !== '' && group.digest !== name) continue;
      const nodes = group.nodes.filter((node) => names?.has(node) ?? true);
      if (nodes.length > 0) items.push(await toItem(group, nodes, name !== '', context));
    }
    return list('PolicyList', items, coverage);
  },
};

export const policyRoutes: readonly Route[] = alsoByName(getPolicies, 'policy');

/** The nodes that a question is about; undefined for all. */
function namesAsked(
  context: ApiContext,
  node: string | undefined,
  pool: string | undefined,
): ReadonlySet<string> | undefined {
  if (node !== undefined) coverageOf(context, node);
  if (node === undefined && pool === undefined) return undefined;
  const members = [...context.fleet.members()].filter(
    (each) => !each.retired && each.pool === (pool ?? each.pool),
  );
  if (pool !== undefined && members.length === 0) throw notFound('pool', pool);
  return new Set(members.map(({ name }) => name).filter((name) => name === (node ?? name)));
}

/** A node that reports other things and not yet what it trusts is missing here all the same. */
function withUnreported(
  coverage: Coverage,
  names: ReadonlySet<string> | undefined,
  groups: readonly TrustGroup[],
  { fleet }: ApiContext,
): Coverage {
  const told = new Set(groups.flatMap(({ nodes }) => nodes));
  for (const { node } of coverage.missing) told.add(node);
  const silent = [...fleet.members()]
    .filter(({ name, retired }) => !retired && !told.has(name) && (names?.has(name) ?? true))
    .map(({ name: node }) => ({ node, cause: 'no report of its trust in images yet' }));
  if (silent.length === 0) return coverage;
  const missing = [...coverage.missing, ...silent].sort((a, b) => (a.node < b.node ? -1 : 1));
  return { ...coverage, reporting: coverage.expected - missing.length, missing };
}

async function toItem(
  { digest, pools, majorityOf, outliers, sample }: TrustGroup,
  nodes: readonly string[],
  isWhole: boolean,
  { store }: ApiContext,
): Promise<PolicyItem> {
  const trust = await trustSection(store, sample);
  return {
    digest,
    nodes,
    pools,
    majorityOf,
    outliers: outliers.filter((name) => nodes.includes(name)),
    policy: trust.get('policy') ?? null,
    ...(isWhole ? { trust: Object.fromEntries(trust) } : {}),
  };
}
