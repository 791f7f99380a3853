import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import type { Json } from '../../shared/canonical.ts';
import type { Items } from '../../shared/report.ts';
import { storable } from './text.ts';

/* A section as one compressed body. It is kept under its hash, once for all nodes and times that have the same. */

const LEVEL = { level: 1 } as const;
/** Characters of JSON: no change of a section is longer, and many small ones must not make it so. */
const MOST_LENGTH = 67_108_864;
/** What these have in bytes at most: a body of a copy from elsewhere may be made to have no end. */
const LIMIT = { maxOutputLength: 3 * MOST_LENGTH } as const;
const [compress, expand] = [promisify(gzip), promisify(gunzip)];

/** Throws `RangeError` for a section that is too long. */
export function encodeItems(items: Items): Buffer {
  return gzipSync(textOf(items), LEVEL);
}

export function decodeItems(body: Uint8Array): ReadonlyMap<string, Json> {
  return parse(gunzipSync(body, LIMIT));
}

/** As `encodeItems`, beside the event loop. */
export async function encodeItemsBeside(items: Items): Promise<Buffer> {
  return await compress(textOf(items), LEVEL);
}

export async function decodeItemsBeside(body: Uint8Array): Promise<ReadonlyMap<string, Json>> {
  return parse(await expand(body, LIMIT));
}

function textOf(items: Items): string {
  const json = JSON.stringify([...items]);
  if (json.length <= MOST_LENGTH) return json;
  throw new RangeError(`a section of ${json.length} characters, expected at most ${MOST_LENGTH}`);
}

function parse(json: Buffer): ReadonlyMap<string, Json> {
  // What encodeItems wrote.
  return new Map(JSON.parse(json.toString()) as [string, Json][]);
}

/** The item that the index knows under this key, with its own key. */
export function itemOf(
  items: Items,
  indexed: string,
): readonly [key: string, item: Json] | undefined {
  const item = items.get(indexed);
  if (item !== undefined) return [indexed, item];
  for (const [key, other] of items) if (storable(key) === indexed) return [key, other];
  return undefined;
}
