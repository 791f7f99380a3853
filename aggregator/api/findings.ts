import type { FindingList } from '../../shared/api.ts';
import { RESULTS, SEVERITIES } from '../../shared/results.ts';
import { toFindingItem } from '../section-items.ts';
import { alsoByName, coverageAt, type ListRoute, list, withNodeState } from './list.ts';
import type { Route } from './route.ts';

const getFindings: ListRoute = {
  method: 'GET',
  path: '/v1/findings',
  role: 'viewer',
  summary: 'What the rules say on all nodes: worst first, then by node and rule',
  query: ['limit', 'continue', 'node', 'rule', 'result', 'severity', 'asOf'],
  async handle({ name, query }, context): Promise<FindingList> {
    const node = query.text('node');
    const asOfMs = query.time('asOf');
    const coverage = await coverageAt(context, node, 'checks', asOfMs);
    const page = await context.store.items({
      section: 'checks',
      limit: query.limit(),
      after: query.text('continue'),
      asOfMs,
      node,
      subject: name || query.text('rule'),
      outcomes: query.words('result', RESULTS),
      severities: query.words('severity', SEVERITIES),
    });
    const items = page.rows.map((row) => toFindingItem(row.node, row.key, row.item));
    return list('FindingList', withNodeState(context, items, asOfMs), coverage, page.next);
  },
};

export const findingRoutes: readonly Route[] = alsoByName(getFindings, 'findings of rule');
