import type { ImageList } from '../../shared/api.ts';
import { VERDICTS } from '../../shared/images.ts';
import { toImageItem } from '../section-items.ts';
import { alsoByName, coverageAt, type ListRoute, list, withNodeState } from './list.ts';
import type { Route } from './route.ts';

const getImages: ListRoute = {
  method: 'GET',
  path: '/v1/images',
  role: 'viewer',
  summary: 'Images on all nodes with their verdict: rejected first, then by node and name',
  query: ['limit', 'continue', 'node', 'reference', 'verdict', 'asOf'],
  async handle({ name, query }, context): Promise<ImageList> {
    const node = query.text('node');
    const asOfMs = query.time('asOf');
    const coverage = await coverageAt(context, node, 'images', asOfMs);
    const page = await context.store.items({
      section: 'images',
      limit: query.limit(),
      after: query.text('continue'),
      asOfMs,
      node,
      subject: name || query.text('reference'),
      outcomes: query.words('verdict', VERDICTS),
    });
    const items = page.rows.map((row) => toImageItem(row.node, row.key, row.item));
    return list('ImageVerdictList', withNodeState(context, items, asOfMs), coverage, page.next);
  },
};

export const imageRoutes: readonly Route[] = alsoByName(getImages, 'image');
