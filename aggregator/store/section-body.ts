import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import type { Json } from '../../shared/canonical.ts';
import type { Items } from '../../shared/report.ts';
import { storable } from './text.ts';

/* A section as one compressed body. It is kept under its hash, once for all nodes and times that have the same. */

const LEVEL = { level: 1 } as const;
const [compress, expand] = [promisify(gzip), promisify(gunzip)];

export function encodeItems(items: Items): Buffer {
  return gzipSync(JSON.stringify([...items]), LEVEL);
}

export function decodeItems(body: Uint8Array): ReadonlyMap<string, Json> {
  return parse(gunzipSync(body));
}

/** As `encodeItems`, beside the event loop. */
export async function encodeItemsBeside(items: Items): Promise<Buffer> {
  return await compress(JSON.stringify([...items]), LEVEL);
}

export async function decodeItemsBeside(body: Uint8Array): Promise<ReadonlyMap<string, Json>> {
  return parse(await expand(body));
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
