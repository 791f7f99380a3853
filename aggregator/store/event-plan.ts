import { rfc3339 } from '../../shared/clock.ts';
import { type EventBatch, type IncomingEvent, type OwnEvent, StoreError } from './store.ts';

/** An event with the number it is stored under. */
export interface PlacedEvent {
  readonly sequence: number;
  readonly event: IncomingEvent;
}

/** What of a batch is new at a cursor. */
export interface Placement {
  readonly events: readonly PlacedEvent[];
  readonly cursor: number;
  readonly lost: number;
}

/** Finds what of a batch comes after the cursor. Throws `ERR_STORE_GAP` when its first does not follow it. */
export function placeEvents(batch: EventBatch, cursor: number): Placement {
  const events: PlacedEvent[] = [];
  let [at, next, lost] = [cursor, cursor + 1, 0];
  for (const event of batch.events) {
    if (event.sequence > next || event.throughSequence < event.sequence) {
      const found = `${event.sequence} to ${event.throughSequence}`;
      throw gap(batch.epoch, `expected ${next}, got ${found}`);
    }
    next = Math.max(next, event.throughSequence + 1);
    if (event.throughSequence <= at) continue;
    // A range that begins before the cursor counts from the cursor on.
    events.push({ sequence: Math.max(event.sequence, at + 1), event });
    at = event.throughSequence;
    lost += event.lost;
  }
  return { events, cursor: at, lost };
}

/** As many lost events are counted for a node at most: a larger number no reader of the database could take. */
export const MOST_LOST: number = Number.MAX_SAFE_INTEGER;

export function gap(epoch: string, what: string): StoreError {
  return new StoreError('ERR_STORE_GAP', `epoch ${epoch}: ${what}`);
}

/** One life of a spool as it is stored. */
export interface Spool {
  readonly id: number;
  readonly epoch: string;
  readonly cursor: number;
  /** The next sequence number the agent announced last. */
  readonly announced: number;
}

/** Whether the last records of a spool were received is known only as far as it had announced them. */
export function spoolEnded(spool: Spool, newEpoch: string, atMs: number): OwnEvent {
  const missing = Math.max(0, spool.announced - 1 - spool.cursor);
  return {
    at: rfc3339(atMs),
    kind: missing > 0 ? 'epochLost' : 'epochChanged',
    class: missing > 0 ? 'high' : 'low',
    lost: missing,
    data: { epoch: spool.epoch, afterSequence: spool.cursor, count: missing, newEpoch },
  };
}

/** The spool begins behind what is held: what was acknowledged once and is not there will never come. */
export function rolledBack(spool: Spool, first: number, atMs: number): OwnEvent {
  const count = first - 1 - spool.cursor;
  return {
    at: rfc3339(atMs),
    kind: 'serverRollback',
    class: 'high',
    lost: count,
    data: {
      epoch: spool.epoch,
      fromSequence: spool.cursor + 1,
      throughSequence: first - 1,
      count,
    },
  };
}

export function nodeReplaced(uid: string, replaces: string, atMs: number): OwnEvent {
  return {
    at: rfc3339(atMs),
    kind: 'nodeReplaced',
    class: 'medium',
    lost: 0,
    data: { uid, replaces },
  };
}

export function unknownNode(uid: string): StoreError {
  return new StoreError('ERR_STORE_UNKNOWN_NODE', `uid ${uid}: no such node`);
}

export function fenced(session: number): StoreError {
  return new StoreError('ERR_STORE_FENCED', `session ${session}: a newer one exists`);
}
