import { isUtf8 } from 'node:buffer';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as v from 'valibot';
import type { Json } from './canonical.ts';
import { messageOf } from './errors.ts';
import { isDeeper } from './json-depth.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  EVENT_CLASSES,
  type EventItem,
  type Frame,
  FrameError,
  type Hashes,
  LIMITS,
} from './protocol.ts';
import { SECTIONS } from './report.ts';

/** Byte 0 of a frame: how the rest is encoded. */
const CODEC = { json: 0, gzip: 1 } as const;
/** Below this gzip costs more than it saves. */
const GZIP_FROM_BYTES = 4096;
/** Capabilities and conditions in one frame. */
const MOST_WORDS = 64;

/** A frame as it goes on the wire. Throws `ERR_FRAME_TOO_LARGE` for one that no peer would take. */
export function encodeFrame(frame: Frame): Buffer {
  const json = Buffer.from(JSON.stringify(frame));
  const gzip = json.length >= GZIP_FROM_BYTES;
  const bytes = Buffer.concat([
    Buffer.of(gzip ? CODEC.gzip : CODEC.json),
    gzip ? gzipSync(json, { level: 1 }) : json,
  ]);
  if (bytes.length > LIMITS.frameBytes || json.length > LIMITS.inflatedBytes) {
    const size = `${json.length} bytes, ${bytes.length} on the wire`;
    throw new FrameError('ERR_FRAME_TOO_LARGE', `${frame.type}: ${size}`);
  }
  return bytes;
}

/** What an agent sent. Throws `FrameError`; unknown members are dropped, an unknown type is `ERR_FRAME_TYPE`. */
export function readAgentFrame(bytes: Uint8Array): AgentFrame {
  return readFrame(bytes, agentFrames);
}

/** What an aggregator sent. */
export function readAggregatorFrame(bytes: Uint8Array): AggregatorFrame {
  return readFrame(bytes, aggregatorFrames);
}

/** One event of an `events` frame, whose other members are not yet checked. Throws `ERR_FRAME_SCHEMA`. */
export function readEventItem(value: unknown): EventItem {
  const parsed = v.safeParse(eventItem, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new FrameError('ERR_FRAME_SCHEMA', `event.${v.getDotPath(issue) ?? ''}: ${issue.message}`);
}

type Readers<F extends Frame> = { readonly [T in F['type']]: v.GenericSchema<unknown, unknown> };

function readFrame<F extends Frame>(bytes: Uint8Array, readers: Readers<F>): F {
  const value = parseJson(inflate(bytes));
  const type: unknown =
    typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(readers, type)) {
    throw new FrameError('ERR_FRAME_TYPE', `type: unknown frame type ${shorten(type)}`);
  }
  const parsed = v.safeParse(readers[type as F['type']], value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const place = v.getDotPath(issue) ?? type;
    throw new FrameError('ERR_FRAME_SCHEMA', `${type}.${place}: ${issue.message.slice(0, 200)}`);
  }
  return parsed.output as F;
}

function inflate(bytes: Uint8Array): string {
  if (bytes.length > LIMITS.frameBytes) {
    throw new FrameError('ERR_FRAME_TOO_LARGE', `frame of ${bytes.length} bytes`);
  }
  const body = bytes.subarray(1);
  switch (bytes[0]) {
    case CODEC.json:
      return decode(body);
    case CODEC.gzip:
      return decode(gunzip(body));
    default:
      throw new FrameError('ERR_FRAME_CODEC', `unknown codec ${bytes[0] ?? '(empty frame)'}`);
  }
}

function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new FrameError('ERR_FRAME_SYNTAX', 'expected UTF-8 text');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}

function gunzip(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: LIMITS.inflatedBytes });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLarge
      ? new FrameError('ERR_FRAME_TOO_LARGE', 'inflates to more than 8 MiB', { cause })
      : new FrameError('ERR_FRAME_CODEC', `gzip: ${messageOf(cause)}`, { cause });
  }
}

function parseJson(text: string): unknown {
  if (isDeeper(text, LIMITS.depth)) {
    throw new FrameError('ERR_FRAME_DEPTH', `nested deeper than ${LIMITS.depth}`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FrameError('ERR_FRAME_SYNTAX', `not JSON: ${messageOf(cause)}`.slice(0, 200), {
      cause,
    });
  }
}

function shorten(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 40) ?? 'undefined';
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const sequence = v.pipe(positive, v.maxValue(LIMITS.sequence));
const number = v.pipe(v.number(), v.finite());
const bounded = (least: number, most: number) =>
  v.pipe(v.number(), v.minValue(least), v.maxValue(most));
const within = (most: number) => v.pipe(positive, v.maxValue(most));
/** Bounds keep every timer made of them below what setTimeout takes (2^31 ms), and above a busy loop. */
const heartbeatSeconds = bounded(0.05, 3600);
const waitSeconds = bounded(0, 86_400);
const name = v.pipe(v.string(), v.maxLength(1024));
/** Written as ISO 8601 has it, and a time that there is: who counts with it gets a number. */
const time = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.check((text) => !Number.isNaN(Date.parse(text)), 'expected a time'),
);
const hash = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const section = v.picklist(SECTIONS);
/** What came out of JSON.parse is JSON, and its depth is already limited; only a missing member is not. */
const json = v.custom<Json>((value) => value !== undefined, 'missing');
/** valibot alone takes a list for a record. */
const data = v.pipe(
  v.custom<object>((value) => !Array.isArray(value), 'expected an object'),
  v.record(v.string(), json),
);
/** Counted before any of it is looked at: a frame of 1 MiB holds half a million small items. */
const list = <Item extends v.GenericSchema>(item: Item, most: number) =>
  v.pipe(
    v.custom<unknown[]>(
      (value) => Array.isArray(value) && value.length <= most,
      `expected a list of at most ${most}`,
    ),
    v.array(item),
  );
const hashes: v.GenericSchema<unknown, Hashes> = v.object({
  host: v.optional(hash),
  checks: v.optional(hash),
  trust: v.optional(hash),
  files: v.optional(hash),
  images: v.optional(hash),
  agent: v.optional(hash),
}) as v.GenericSchema<unknown, Hashes>;

const eventItem = v.object({
  sequence,
  at: time,
  monotonicMs: number,
  kind: name,
  class: v.picklist(EVENT_CLASSES),
  data,
  throughSequence: v.optional(sequence),
  count: v.optional(count),
});

const heartbeat = v.object({
  type: v.literal('heartbeat'),
  rootHash: hash,
  unsent: v.object({ records: count, oldestSeconds: number }),
  rssBytes: count,
  loopDelayMs: number,
  wallMs: number,
  conditions: v.optional(list(name, MOST_WORDS)),
});

const errorFrame = v.object({
  type: v.literal('error'),
  code: name,
  message: v.string(),
  keepIdentity: v.boolean(),
  retryAfterSeconds: v.optional(waitSeconds),
});

const agentFrames: Readers<AgentFrame> = {
  hello: v.object({
    type: v.literal('hello'),
    protocol: name,
    agent: v.object({ version: name }),
    host: v.object({ name, machineId: name, bootId: name }),
    capabilities: list(name, MOST_WORDS),
    spool: v.object({ epoch: name, first: sequence, next: sequence, bytes: count, lost: count }),
    sections: hashes,
    rootHash: hash,
    clock: v.object({ wallMs: number, monotonicMs: number }),
  }),
  state: v.object({
    type: v.literal('state'),
    section,
    mode: v.picklist(['full', 'delta']),
    base: v.optional(hash),
    to: hash,
    part: positive,
    of: positive,
    upsert: list(v.tuple([v.string(), json]), LIMITS.partItems),
    remove: list(v.string(), LIMITS.partItems),
    asOf: time,
  }),
  events: v.object({
    type: v.literal('events'),
    epoch: name,
    // More than may be unacknowledged nobody sends.
    items: list(v.looseObject({ sequence }), LIMITS.inflight),
  }),
  heartbeat,
  result: v.object({
    type: v.literal('result'),
    id: name,
    part: positive,
    of: positive,
    ok: v.boolean(),
    data: v.optional(json),
    error: v.optional(v.string()),
  }),
  authenticate: v.object({ type: v.literal('authenticate'), token: v.string() }),
  error: errorFrame,
};

const aggregatorFrames: Readers<AggregatorFrame> = {
  welcome: v.object({
    type: v.literal('welcome'),
    session: count,
    node: name,
    server: v.object({ id: name, version: name, timeMs: number }),
    have: v.object({ epoch: v.string(), sequence: count, sections: hashes }),
    limits: v.object({
      frameBytes: within(64 * 1024 * 1024),
      inflight: within(1_000_000),
      inflightBytes: within(1024 * 1024 * 1024),
      heartbeatSeconds,
    }),
    reconnectSpreadSeconds: waitSeconds,
    authenticatedUntilMs: v.nullable(number),
  }),
  stateApplied: v.object({ type: v.literal('stateApplied'), section, to: hash }),
  stateNeeded: v.object({ type: v.literal('stateNeeded'), section, why: name }),
  ack: v.object({ type: v.literal('ack'), epoch: name, sequence: count }),
  reject: v.object({
    type: v.literal('reject'),
    epoch: name,
    sequence: positive,
    code: name,
    retry: v.literal(false),
  }),
  heartbeat,
  command: v.object({
    type: v.literal('command'),
    id: name,
    verb: name,
    arguments: json,
    deadlineMs: number,
  }),
  drain: v.object({ type: v.literal('drain'), why: name, reconnectSpreadSeconds: waitSeconds }),
  error: errorFrame,
};
