import type { Json } from '../../shared/canonical.ts';
import { decodePageToken, encodePageToken } from './page-token.ts';
import { type Row, text, textOrNull } from './row.ts';
import type { ItemRow, Page } from './store.ts';

/** Where an item stands among all: the order of every list of items. */
export type ItemPlace = readonly [rank: number, node: string, subject: string, key: string];

/** From a page's token. Throws `ERR_STORE_PAGE`. */
export function placeAfter(token: string | undefined): ItemPlace | undefined {
  if (token === undefined) return undefined;
  // The kinds of the parts have been checked.
  return decodePageToken(token, ['number', 'string', 'string', 'string']) as unknown as ItemPlace;
}

/** The item of a row of the index that keeps it. */
export function keptRow(row: Row): ItemRow | undefined {
  const json = textOrNull(row, 'item');
  if (json === null) return undefined;
  // Written from the node's item.
  return { node: text(row, 'name'), key: text(row, 'key'), item: JSON.parse(json) as Json };
}

/** One row more than asked for was read, to know whether there is a next page. */
export function pageOf<Found, Shown>(
  found: readonly Found[],
  limit: number,
  read: (found: Found) => Shown,
  place: (found: Found) => readonly (string | number)[],
): Page<Shown> {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const next =
    found.length > limit && last !== undefined ? encodePageToken(place(last)) : undefined;
  return { rows: shown.map(read), ...(next === undefined ? {} : { next }) };
}
