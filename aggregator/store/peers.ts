import type { EventRecord } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import type { SectionName } from '../../shared/report.ts';
import type { RecordKind, Records } from './records.ts';
import type { KeyedItems, StoredNode } from './stored-node.ts';

/** A section that a node brought to another aggregator. */
export interface SectionElsewhere {
  readonly uid: string;
  readonly section: SectionName;
  readonly set: KeyedItems;
  readonly removed: KeyedItems;
}

/** A command for a node that is connected here, from another aggregator. */
export interface PeerCommand {
  readonly uid: string;
  readonly verb: string;
  readonly arguments: Json;
  readonly withinMs: number;
}

/** What became of a command, as it crosses from one aggregator to another. */
export type PeerAnswer =
  | { readonly ok: true; readonly parts: readonly Json[] }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Told of what happened at the others. */
export interface PeerListener {
  /** Nodes whose session, sections, losses or retirement changed. */
  nodes(changed: readonly StoredNode[]): void;
  /** When nodes were heard elsewhere, by uid. */
  heard(seen: ReadonlyMap<string, number>): void;
  section(change: SectionElsewhere): void;
  event(uid: string, record: EventRecord): void;
  /** Whether anybody wants to know of sections and events; they are not read for nobody. */
  isWatched(): boolean;
  command(command: PeerCommand): Promise<PeerAnswer>;
  /** A later version of this program has changed the database: this one can read and write nothing in it any more. */
  overtaken(error: Error): void;
}

/** The other aggregators on the same database. */
export interface Peers {
  /** From now on `listener` is told, until the store is closed. */
  follow(listener: PeerListener): void;
  /** The node is no longer connected here. */
  left(uid: string, session: number): Promise<void>;
  /** Has the aggregator that the node is connected to ask it; undefined when it is connected to none. */
  ask(command: PeerCommand): Promise<PeerAnswer | undefined>;
  /** Records that all of them share. */
  records(kind: RecordKind): Records;
  /** Whether this one does now what only one of them may do. Never two at once: who cannot say that it is there is not. */
  readonly isLeader: boolean;
}
