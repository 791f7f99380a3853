import { DIFFERING_CLASSES, type DriftList } from '../../shared/api.ts';
import { toDriftItem } from '../section-items.ts';
import { alsoByName, coverageAt, type ListRoute, list, withNodeState } from './list.ts';
import type { Route } from './route.ts';

const getDrift: ListRoute = {
  method: 'GET',
  path: '/v1/drift',
  role: 'viewer',
  summary:
    'Files that differ from what they should be, or cannot be compared; then by node and path',
  query: ['limit', 'continue', 'node', 'path', 'class', 'asOf'],
  async handle({ name, query }, context): Promise<DriftList> {
    const node = query.text('node');
    const asOfMs = query.time('asOf');
    const coverage = await coverageAt(context, node, 'files', asOfMs);
    const page = await context.store.items({
      section: 'files',
      limit: query.limit(),
      after: query.text('continue'),
      asOfMs,
      node,
      subject: name || query.text('path'),
      outcomes: query.words('class', DIFFERING_CLASSES),
    });
    const items = page.rows.map((row) => toDriftItem(row.node, row.key, row.item));
    return list('DriftList', withNodeState(context, items, asOfMs), coverage, page.next);
  },
};

export const driftRoutes: readonly Route[] = alsoByName(getDrift, 'drift of file');
