import type { Json } from './canonical.ts';
import { CodedError } from './errors.ts';
import type { SectionName } from './report.ts';

/** `Sec-WebSocket-Protocol` of this version. */
export const PROTOCOL: string = 'nodeseal.v1';

export const LIMITS = {
  /** Longest frame on the wire, bytes. */
  frameBytes: 1_048_576,
  /** Longest frame after inflating, bytes. */
  inflatedBytes: 8_388_608,
  /** Deepest nesting of a frame's JSON. */
  depth: 64,
  /** Unacknowledged events at most. */
  inflight: 512,
  inflightBytes: 1_048_576,
  /** Items in one part of a section's change. */
  partItems: 8192,
  /** Number of an event: nobody gives so many, and from it every reader can still count on; 2^52. */
  sequence: 4_503_599_627_370_496,
  /** Parts of one result. */
  resultParts: 64,
  /** JSON of all parts of one result, in UTF-16 code units. */
  resultLength: 16_777_216,
  heartbeatSeconds: 20,
  /** Dead after so long without a byte. */
  silentSeconds: 50,
  /** `hello` is due so long after the upgrade. */
  helloSeconds: 5,
} as const;

/** Options of `ws` on both ends. A key that is `undefined` would switch a limit off: none is. */
export const WS_OPTIONS = {
  perMessageDeflate: false,
  maxPayload: 1_048_576,
  maxFragments: 64,
  skipUTF8Validation: false,
} as const;

export const CLOSE = {
  tooBig: 1009,
  restart: 1012,
  credentialExpired: 4001,
  revoked: 4003,
  /** The only one after which an agent may enrol again. */
  unknownNode: 4005,
  silent: 4008,
  superseded: 4009,
  badHello: 4010,
  fork: 4011,
  overloaded: 4013,
} as const;

export type FrameErrorCode =
  | 'ERR_FRAME_CODEC'
  | 'ERR_FRAME_TOO_LARGE'
  | 'ERR_FRAME_SYNTAX'
  | 'ERR_FRAME_DEPTH'
  | 'ERR_FRAME_SCHEMA'
  | 'ERR_FRAME_TYPE';

/** A frame that is not one of ours; the message names the member at fault. */
export class FrameError extends CodedError<FrameErrorCode> {}

export const EVENT_CLASSES = ['high', 'medium', 'low'] as const;
export type EventClass = (typeof EVENT_CLASSES)[number];

/** One durable event; `lost` stands for the whole range `sequence` to `throughSequence`. */
export interface EventItem {
  readonly sequence: number;
  /** RFC 3339, the node's wall clock. */
  readonly at: string;
  readonly monotonicMs: number;
  readonly kind: string;
  readonly class: EventClass;
  readonly data: { readonly [name: string]: Json };
  readonly throughSequence?: number | undefined;
  readonly count?: number | undefined;
}

export type Hashes = Partial<Record<SectionName, string>>;

export interface Hello {
  readonly type: 'hello';
  readonly protocol: string;
  readonly agent: { readonly version: string };
  /** Display only: identity is the credential's. */
  readonly host: { readonly name: string; readonly machineId: string; readonly bootId: string };
  readonly capabilities: readonly string[];
  readonly spool: {
    readonly epoch: string;
    readonly first: number;
    readonly next: number;
    readonly bytes: number;
    readonly lost: number;
  };
  readonly sections: Hashes;
  readonly rootHash: string;
  readonly clock: { readonly wallMs: number; readonly monotonicMs: number };
}
export interface Welcome {
  readonly type: 'welcome';
  readonly session: number;
  readonly node: string;
  readonly server: { readonly id: string; readonly version: string; readonly timeMs: number };
  readonly have: { readonly epoch: string; readonly sequence: number; readonly sections: Hashes };
  readonly limits: {
    readonly frameBytes: number;
    readonly inflight: number;
    readonly inflightBytes: number;
    readonly heartbeatSeconds: number;
  };
  readonly reconnectSpreadSeconds: number;
  readonly authenticatedUntilMs: number | null;
}
/** One part of bringing a section from hash `base` (absent when `full`) to hash `to`. */
export interface State {
  readonly type: 'state';
  readonly section: SectionName;
  readonly mode: 'full' | 'delta';
  readonly base?: string | undefined;
  readonly to: string;
  /** From 1 to `of`; a change takes effect when its last part has arrived. */
  readonly part: number;
  readonly of: number;
  readonly upsert: readonly (readonly [key: string, item: Json])[];
  readonly remove: readonly string[];
  /** RFC 3339. */
  readonly asOf: string;
}
export interface StateApplied {
  readonly type: 'stateApplied';
  readonly section: SectionName;
  readonly to: string;
}
export interface StateNeeded {
  readonly type: 'stateNeeded';
  readonly section: SectionName;
  readonly why: string;
}
export interface Events {
  readonly type: 'events';
  readonly epoch: string;
  /** Checked one by one (`readEventItem`), so that a bad one is rejected and the rest kept. */
  readonly items: readonly EventItem[];
}
export interface Ack {
  readonly type: 'ack';
  readonly epoch: string;
  readonly sequence: number;
}
export interface Reject {
  readonly type: 'reject';
  readonly epoch: string;
  readonly sequence: number;
  readonly code: string;
  readonly retry: false;
}
export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly rootHash: string;
  readonly unsent: { readonly records: number; readonly oldestSeconds: number };
  readonly rssBytes: number;
  readonly loopDelayMs: number;
  readonly wallMs: number;
  readonly conditions?: readonly string[] | undefined;
}
export interface Command {
  readonly type: 'command';
  readonly id: string;
  readonly verb: string;
  readonly arguments: Json;
  readonly deadlineMs: number;
}
/** One part of an answer; the parts come in order. A refusal is one part, whichever came before it. */
export interface CommandResult {
  readonly type: 'result';
  readonly id: string;
  /** From 1 to `of`. */
  readonly part: number;
  readonly of: number;
  readonly ok: boolean;
  readonly data?: Json | undefined;
  readonly error?: string | undefined;
}
export interface Authenticate {
  readonly type: 'authenticate';
  readonly token: string;
}
export interface Drain {
  readonly type: 'drain';
  readonly why: string;
  readonly reconnectSpreadSeconds: number;
}
export interface ErrorFrame {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
  readonly keepIdentity: boolean;
  readonly retryAfterSeconds?: number | undefined;
}

export type AgentFrame =
  | Hello
  | State
  | Events
  | Heartbeat
  | CommandResult
  | Authenticate
  | ErrorFrame;
export type AggregatorFrame =
  | Welcome
  | StateApplied
  | StateNeeded
  | Ack
  | Reject
  | Heartbeat
  | Command
  | Drain
  | ErrorFrame;
export type Frame = AgentFrame | AggregatorFrame;
