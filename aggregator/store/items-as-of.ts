import type { Items } from '../../shared/report.ts';
import { type ItemPlace, pageOf, placeAfter } from './item-page.ts';
import { indexItem, ranksOf } from './items.ts';
import type { ItemQuery, ItemRow, Page } from './store.ts';

/** A node's section as it was. */
export interface SectionThen {
  readonly node: string;
  readonly items: Items;
}

interface Found {
  readonly place: ItemPlace;
  readonly row: ItemRow;
}

/**
 * Answers a query from whole sections, which is all that is kept of former times: every node's is gone through, and of
 * the items only as many as the page needs are kept.
 */
export async function itemsAsOf(
  query: ItemQuery,
  sections: AsyncIterable<SectionThen> | Iterable<SectionThen>,
): Promise<Page<ItemRow>> {
  const { section, subject, limit } = query;
  const ranks = new Set(ranksOf(section, query.outcomes, query.severities));
  const after = placeAfter(query.after);
  let kept: Found[] = [];
  for await (const { node, items } of sections) {
    if (query.node !== undefined && node !== query.node) continue;
    for (const [key, item] of items) {
      const index = indexItem(section, key, item);
      if (index === undefined || !ranks.has(index.rank)) continue;
      if (subject !== undefined && index.subject !== subject) continue;
      const place: ItemPlace = [index.rank, node, index.subject, key];
      if (after !== undefined && comparePlaces(place, after) <= 0) continue;
      kept.push({ place, row: { node, key, item } });
    }
    if (kept.length > 4 * limit) kept = worst(kept, limit + 1);
  }
  return pageOf(
    worst(kept, limit + 1),
    limit,
    ({ row }) => row,
    ({ place }) => place,
  );
}

function worst(found: Found[], count: number): Found[] {
  return found.sort((a, b) => comparePlaces(a.place, b.place)).slice(0, count);
}

function comparePlaces(a: ItemPlace, b: ItemPlace): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other !== undefined && part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
