import type { EventRecord } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { CodedError } from '../../shared/errors.ts';
import type { EventClass, Hashes, Hello } from '../../shared/protocol.ts';
import type { SectionName } from '../../shared/report.ts';
import type { Severity } from '../../shared/results.ts';
import type { Peers } from './peers.ts';
import type { KeyedItems, NodeIdentity, NodeSummary, StoredNode } from './stored-node.ts';

export type StoreErrorCode =
  /** The file belongs to another program. */
  | 'ERR_STORE_FOREIGN'
  /** Written by a newer version of this program. */
  | 'ERR_STORE_NEWER'
  /** Cannot be opened: permissions, read-only folder, not a database. */
  | 'ERR_STORE_OPEN'
  /** Another aggregator has it open. */
  | 'ERR_STORE_IN_USE'
  /** A newer session of the node exists; nothing was written. */
  | 'ERR_STORE_FENCED'
  /** Events are not the next ones of their epoch; nothing was written. */
  | 'ERR_STORE_GAP'
  /** No node has this uid. */
  | 'ERR_STORE_UNKNOWN_NODE'
  /** The write failed as a whole (disk full, I/O); nothing was written. */
  | 'ERR_STORE_WRITE'
  /** A page token that this store did not give. */
  | 'ERR_STORE_PAGE'
  /** The store was closed. */
  | 'ERR_STORE_CLOSED';

/** The store refused or failed; after it nothing of the call is in the store. */
export class StoreError extends CodedError<StoreErrorCode> {}

/** Epochs of the aggregator's own records on a node; agents may not use the prefix. */
export const RESERVED_EPOCH_PREFIX = '@';
export const AGGREGATOR_EPOCH = '@aggregator';

export interface SessionStart {
  readonly node: NodeIdentity;
  readonly hello: Pick<Hello, 'agent' | 'host' | 'spool'>;
  readonly atMs: number;
}
export interface SessionOpened {
  /** Larger than every session before, of any node. */
  readonly session: number;
  readonly have: { readonly epoch: string; readonly sequence: number; readonly sections: Hashes };
  /** What the store recorded of its own on the way: `epochLost`, `serverRollback`, `nodeReplaced`. */
  readonly notes: readonly EventRecord[];
  /** Nodes of this name under other uids, retired now: the machine was set up anew. */
  readonly replaced: readonly string[];
  /** What the sections that are held add up to. */
  readonly summary: NodeSummary;
}

/** Which session writes: every write says "where session = mine". */
export interface Writer {
  readonly uid: string;
  readonly session: number;
}

export interface IncomingEvent {
  readonly sequence: number;
  /** Equal to `sequence` but for a record that stands for a range. */
  readonly throughSequence: number;
  readonly at: string;
  readonly kind: string;
  readonly class: EventClass;
  /** An object as JSON, which is kept as it is. */
  readonly data: string;
  /** How many events this record says were lost; 0 for an event. */
  readonly lost: number;
}
/** A record of the aggregator's own: it gets its number when it is stored. */
export type OwnEvent = Omit<IncomingEvent, 'sequence' | 'throughSequence' | 'data'> & {
  readonly data: EventRecord['data'];
};
export interface EventBatch extends Writer {
  readonly epoch: string;
  readonly receivedAtMs: number;
  /** In order, without holes among themselves. */
  readonly events: readonly IncomingEvent[];
}
export interface Cursor {
  /** Everything up to here is committed. */
  readonly sequence: number;
  /** Where the cursor stood before: events up to here were known already. */
  readonly before: number;
}

export interface SectionChange extends Writer {
  readonly section: SectionName;
  readonly mode: 'full' | 'delta';
  readonly base?: string | undefined;
  readonly to: string;
  readonly upsert: readonly (readonly [key: string, item: Json])[];
  readonly remove: readonly string[];
  readonly asOfMs: number;
  readonly receivedAtMs: number;
}
export type Applied =
  | {
      readonly kind: 'applied';
      readonly hash: string;
      /** How many items were added, changed or are gone. */
      readonly changed: number;
      /** Keys of `upsert` whose items were there already; of the others the caller has the items. */
      readonly unchanged: readonly string[];
      /** Items that are gone, as they were. */
      readonly removed: KeyedItems;
      readonly summary: NodeSummary;
    }
  /** The delta starts from a state that the store does not hold. */
  | { readonly kind: 'baseUnknown' }
  /** The items do not have the hash that was announced; nothing was written. */
  | { readonly kind: 'mismatch'; readonly hash: string };

export interface StoredSection {
  readonly hash: string;
  /** The node's clock. */
  readonly asOfMs: number;
  readonly items: ReadonlyMap<string, Json>;
}

/** Which sections have an index of their items as well, so that they can be asked over all nodes. */
export const INDEXED_SECTIONS = ['checks', 'trust', 'files', 'images'] as const;
export type IndexedSection = (typeof INDEXED_SECTIONS)[number];

export interface ItemQuery {
  readonly section: IndexedSection;
  readonly limit: number;
  /** From `Page.next`. */
  readonly after?: string | undefined;
  readonly node?: string | undefined;
  /** `<check>.<rule>`, reference, path: what the item is about. */
  readonly subject?: string | undefined;
  /** Result, verdict or kind of drift; any of several. */
  readonly outcomes?: readonly string[] | undefined;
  readonly severities?: readonly Severity[] | undefined;
  /** As it was known here at this time, as far as history reaches; now when left out. */
  readonly asOfMs?: number | undefined;
}
export interface ItemRow {
  readonly node: string;
  readonly key: string;
  readonly item: Json;
}
export interface EventQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly node?: string | undefined;
  readonly kind?: string | undefined;
  readonly class?: EventClass | undefined;
  /** Received at or after. */
  readonly sinceMs?: number | undefined;
}
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Where the next page starts; absent on the last. */
  readonly next?: string;
}
/** How one subject fares over all nodes. */
export interface OutcomeCount {
  readonly subject: string;
  readonly outcome: string;
  readonly severity: Severity | '';
  readonly nodes: number;
  /** One of the items, for what does not differ from node to node. */
  readonly sample: Json;
}

/** What `prune` forgets, in milliseconds since 1970. */
export interface Retention {
  /** Events received before. */
  readonly eventsBeforeMs: number;
  /** States of sections that were superseded before. */
  readonly historyBeforeMs: number;
  /** Now. An event of a later time has it from a clock that was ahead, and is as old as those that arrived after it. */
  readonly nowMs: number;
}

/** What changes the store. */
export interface StoreWrites {
  /**
   * Starts a session: the node is created or renamed as its credential says, older sessions are fenced off.
   * An epoch other than the one before ends that one (`epochLost` when it had records not yet received); a first
   * record behind the cursor means that this store is older than what it once acknowledged (`serverRollback`).
   * Another node of this name is retired.
   */
  openSession(start: SessionStart): Promise<SessionOpened>;
  /** Stores the events that follow the cursor, ignores those before it, and moves it in the same transaction. */
  append(batch: EventBatch): Promise<Cursor>;
  /** Brings a section to its announced hash, or leaves it and says why not. */
  apply(change: SectionChange): Promise<Applied>;
  /** A record of the aggregator's own on a node, at a time of this program's clock. */
  note(uid: string, event: OwnEvent, atMs: number): Promise<EventRecord>;
  /** When nodes were last heard, by uid, in milliseconds since 1970. Unknown nodes are ignored. */
  touch(seen: ReadonlyMap<string, number>): Promise<void>;
  /** The node no longer counts; its history is kept. Back by `openSession` only. */
  retire(uid: string, atMs: number): Promise<void>;
  /** Forgets what is older, some thousands of records at most; returns how many. To be repeated until it is none. */
  prune(retention: Retention): Promise<number>;
  /** Resolves when a write can be committed now. */
  probe(): Promise<void>;
}

/** What only asks. */
export interface StoreReads {
  nodes(): Promise<readonly StoredNode[]>;
  /** The section as it is, or as it was known here at a time, when history reaches that far. */
  section(uid: string, name: SectionName, asOfMs?: number): Promise<StoredSection | undefined>;
  /** Items over all nodes that are not retired, worst first, then by node and subject. */
  items(query: ItemQuery): Promise<Page<ItemRow>>;
  /** Names of the nodes that were not retired at a time, each with whether this section of it is known for then. */
  nodesAsOf(section: SectionName, asOfMs: number): Promise<readonly NodeAsOf[]>;
  /** Outcomes by subject, worst first; of the nodes with these uids alone when they are given. */
  outcomes(section: IndexedSection, uids?: readonly string[]): Promise<readonly OutcomeCount[]>;
  /** Newest first. */
  events(query: EventQuery): Promise<Page<EventRecord>>;
  sizeBytes(): Promise<number>;
}

export interface NodeAsOf {
  readonly name: string;
  readonly isKnown: boolean;
}

/**
 * Everything the aggregator must not forget.
 *
 * - What `append`, `apply`, `openSession`, `note` resolved is durable: it survives `kill -9` and power loss.
 * - The same again changes nothing: an event is stored once, a section that has the hash already stays as it is.
 * - Every write of a session is fenced: once a newer session of the node was opened it is `ERR_STORE_FENCED`.
 * - A call that rejects has written nothing; only where the answer to a commit was lost on the way from a database
 *   server is that unknown (`ERR_STORE_WRITE`), and the next `openSession` says what is held.
 * - Writes for one node take effect in the order of the calls.
 */
export interface Store extends StoreWrites, StoreReads, AsyncDisposable {
  /** Writes that were accepted and are not committed yet, in records. */
  readonly backlog: number;
  /** Other aggregators on the same database; absent where there can be none. */
  readonly peers?: Peers;
}
