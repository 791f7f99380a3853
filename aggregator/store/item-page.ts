import { decodePageToken, encodePageToken } from './page-token.ts';
import type { Page } from './store.ts';

/** Where an item stands among all: the order of every list of items. */
export type ItemPlace = readonly [rank: number, node: string, subject: string, key: string];

/** From a page's token. Throws `ERR_STORE_PAGE`. */
export function placeAfter(token: string | undefined): ItemPlace | undefined {
  if (token === undefined) return undefined;
  // The kinds of the parts have been checked.
  return decodePageToken(token, ['number', 'string', 'string', 'string']) as unknown as ItemPlace;
}

/** One row more than asked for was read, to know whether there is a next page. */
export function pageOf<Found, Row>(
  found: readonly Found[],
  limit: number,
  read: (found: Found) => Row,
  place: (found: Found) => readonly (string | number)[],
): Page<Row> {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  const next =
    found.length > limit && last !== undefined ? encodePageToken(place(last)) : undefined;
  return { rows: shown.map(read), ...(next === undefined ? {} : { next }) };
}
