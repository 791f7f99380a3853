import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EventItem, LIMITS } from '../../shared/protocol.ts';
import { isNewer, PREFIX_BYTES, prefix } from './format.ts';
import { encodeRecord, findRecord, type Located, nextAfter, readRecord } from './record.ts';
import { openSpoolFile, readSpoolFile } from './spool-file.ts';
import { writeAll } from './write-all.ts';

/** One file of records. `next` follows its last record; numbers between `first` and `next` may be missing. */
export interface Segment {
  readonly path: string;
  readonly first: number;
  readonly next: number;
  /** Up to the end of its last good record. */
  readonly bytes: number;
  /** Wall time of its newest record; 0 when it holds none. */
  readonly newestMs: number;
  /** Numbers between its first and its last record that it does not speak for. */
  readonly missing: number;
}

export interface SegmentContent {
  readonly located: readonly Located[];
  readonly items: readonly EventItem[];
  /** End of the last good record: what follows is torn or damaged. */
  readonly goodBytes: number;
  /** Written by a later version of this program. */
  readonly isNewer: boolean;
}

const NAME = /^(\d{16})\.seg$/;

export function segmentPath(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(16, '0')}.seg`);
}

/** First number by the name of a file; undefined when it is not a segment's: none begins at 0 or above `LIMITS.sequence`. */
export function firstOfName(name: string): number | undefined {
  const first = Number(NAME.exec(name)?.[1] ?? 0);
  return first > 0 && first <= LIMITS.sequence ? first : undefined;
}

export async function readSegment(path: string): Promise<SegmentContent> {
  return parseSegment(await readSpoolFile(path));
}

export function parseSegment(bytes: Buffer): SegmentContent {
  const isLater = isNewer(bytes, 'NSS');
  const located: Located[] = [];
  let goodBytes = Math.min(PREFIX_BYTES, bytes.length);
  while (!isLater) {
    const found = findRecord(bytes, goodBytes);
    if (found === undefined) break;
    located.push(found);
    goodBytes = found.end;
  }
  return { located, items: located.map(({ item }) => item), goodBytes, isNewer: isLater };
}

/** Records from `offset` on, as many as the limits allow and at least one; stops at damage, which `readSegment` can pass. */
export async function readSome(
  path: string,
  offset: number,
  limit: { readonly records: number; readonly bytes: number },
): Promise<{ readonly items: readonly EventItem[]; readonly end: number }> {
  await using file = await openSpoolFile(path, constants.O_RDONLY);
  // Who wants all of it names no size that fits into memory.
  const { size } = await file.stat();
  const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(limit.bytes, size - offset)));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
  const bytes = buffer.subarray(0, bytesRead);
  const items: EventItem[] = [];
  let place = 0;
  while (items.length < limit.records) {
    const found = readRecord(bytes, place);
    if (found === undefined) break;
    items.push(found.item);
    place = found.end;
  }
  return { items, end: offset + place };
}

export function describeSegment(
  path: string,
  first: number,
  content: Pick<SegmentContent, 'items' | 'goodBytes'>,
): Segment {
  const last = content.items.at(-1);
  return {
    path,
    first: Math.min(first, content.items[0]?.sequence ?? first),
    next: last === undefined ? first : nextAfter(last),
    bytes: content.goodBytes,
    newestMs: last === undefined ? 0 : Date.parse(last.at),
    missing: missingIn(first, content.items),
  };
}

function missingIn(first: number, items: readonly EventItem[]): number {
  let expected = first;
  let missing = 0;
  for (const item of items) {
    missing += Math.max(0, item.sequence - expected);
    expected = Math.max(expected, nextAfter(item));
  }
  return missing;
}

/** A new segment, open for appending; the caller syncs its folder. */
export async function createSegment(
  folder: string,
  first: number,
): Promise<{ readonly file: FileHandle; readonly segment: Segment }> {
  const path = segmentPath(folder, first);
  // What stood here at the start is known, and was a file.
  const file = await open(path, 'w', 0o600);
  try {
    await writeAll(file, prefix('NSS'), 0);
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  return {
    file,
    segment: { path, first, next: first, bytes: PREFIX_BYTES, newestMs: 0, missing: 0 },
  };
}

export function isContinuable({ bytes }: Segment, segmentBytes: number): boolean {
  return bytes >= PREFIX_BYTES && bytes < segmentBytes;
}

/** Opens a segment of an earlier run for appending; what was torn off at its end is cut. */
export async function continueSegment(segment: Segment): Promise<FileHandle> {
  const file = await openSpoolFile(segment.path, constants.O_RDWR);
  try {
    await file.truncate(segment.bytes);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** Puts other items in a segment's place, whole or not at all. */
export async function rewriteSegment(
  path: string,
  first: number,
  items: readonly EventItem[],
): Promise<Segment> {
  const bytes = Buffer.concat([prefix('NSS'), ...items.map(encodeRecord)]);
  const fresh = `${path}.tmp`;
  try {
    await writeDurably(fresh, bytes);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  return describeSegment(path, first, { items, goodBytes: bytes.length });
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  await using file = await openSpoolFile(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
  );
  await file.writeFile(bytes);
  await file.datasync();
}

/** Makes names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
}
