import { readEventItem } from '../../shared/frames.ts';
import { type EventItem, LIMITS } from '../../shared/protocol.ts';
import { crc32c } from './crc32c.ts';

/**
 * A record on disk: payload length (u32), CRC32C of length and payload (u32), both little-endian, then the payload: one
 * event as JSON and a line feed. JSON holds no line feed of its own, so one marks where the next record may begin
 * when the length before it cannot be believed.
 */
const HEADER_BYTES = 8;
const LINE_FEED = 0x0a;
/** An event is a few hundred bytes; a longer length is damage. */
export const MAX_PAYLOAD_BYTES = 131_072;
export const MAX_RECORD_BYTES: number = HEADER_BYTES + MAX_PAYLOAD_BYTES;

export function encodeRecord(item: EventItem): Buffer {
  const payload = Buffer.from(`${JSON.stringify(item)}\n`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt32LE(crc32c(payload, crc32c(header.subarray(0, 4))), 4);
  return Buffer.concat([header, payload]);
}

/** An event whose record could not be told from damage later says how long it was instead of what it had to say. */
export function fitting(item: EventItem): EventItem {
  const bytes = Buffer.byteLength(JSON.stringify(item)) + 1;
  return bytes > MAX_PAYLOAD_BYTES ? { ...item, data: { omittedBytes: bytes } } : item;
}

export interface Located {
  readonly item: EventItem;
  readonly start: number;
  /** Where the next record begins. */
  readonly end: number;
}

/** The record that begins at `start`; undefined when none does, or not all of it is there. */
export function readRecord(bytes: Buffer, start: number): Located | undefined {
  if (start + HEADER_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(start);
  const end = start + HEADER_BYTES + length;
  if (length < 2 || length > MAX_PAYLOAD_BYTES || end > bytes.length) return undefined;
  const payload = bytes.subarray(start + HEADER_BYTES, end);
  const expected = bytes.readUInt32LE(start + 4);
  if (crc32c(payload, crc32c(bytes.subarray(start, start + 4))) !== expected) return undefined;
  try {
    const item = readEventItem(JSON.parse(payload.toString()));
    return nextAfter(item) > LIMITS.sequence ? undefined : { item, start, end };
  } catch {
    return undefined;
  }
}

/** As `readRecord`, but passes over what is damaged. */
export function findRecord(bytes: Buffer, start: number): Located | undefined {
  return readRecord(bytes, start) ?? earlier(afterLength(bytes, start), afterFeed(bytes, start));
}

/** When the damage is not in the length, it leads to the next record. */
function afterLength(bytes: Buffer, start: number): Located | undefined {
  if (start + HEADER_BYTES > bytes.length) return undefined;
  return readRecord(bytes, start + HEADER_BYTES + bytes.readUInt32LE(start));
}

function afterFeed(bytes: Buffer, start: number): Located | undefined {
  for (let feed = bytes.indexOf(LINE_FEED, start); feed >= 0; ) {
    const found = readRecord(bytes, feed + 1);
    if (found !== undefined) return found;
    feed = bytes.indexOf(LINE_FEED, feed + 1);
  }
  return undefined;
}

function earlier(a: Located | undefined, b: Located | undefined): Located | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.start <= b.start ? a : b;
}

/** First sequence number after what the item stands for. */
export function nextAfter(item: EventItem): number {
  return (item.throughSequence ?? item.sequence) + 1;
}
