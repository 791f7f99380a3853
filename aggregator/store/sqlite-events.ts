import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import { gap, MOST_LOST, placeEvents, type Spool } from './event-plan.ts';
import { readSpool, recordOf } from './event-row.ts';
import { must } from './row.ts';
import {
  AGGREGATOR_EPOCH,
  type Cursor,
  type EventBatch,
  type OwnEvent,
  type Retention,
} from './store.ts';
import { storable } from './text.ts';

const HOUR_MS = 3_600_000;

/** Spools and their events; to be called inside a transaction. */
export class SqliteEvents {
  readonly #statements: ReturnType<typeof prepareAll>;
  #hour = -1;

  constructor(database: DatabaseSync) {
    this.#statements = prepareAll(database);
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#hour = -1;
  }

  append(node: number, batch: EventBatch): Cursor {
    const row = this.#statements.spool.get(node, batch.epoch);
    if (row === undefined) throw gap(batch.epoch, 'no session announced it');
    const spool = readSpool(row);
    const { events, cursor, lost } = placeEvents(batch, spool.cursor);
    if (events.length === 0) return { sequence: cursor, before: spool.cursor };
    const { receivedAtMs } = batch;
    let id = 0;
    for (const { sequence, event } of events) {
      const { throughSequence, at, kind, class: eventClass, data } = event;
      id = this.#insert(
        spool.id,
        sequence,
        throughSequence,
        at,
        receivedAtMs,
        kind,
        eventClass,
        data,
      );
    }
    this.#markHour(receivedAtMs, id - events.length + 1);
    if (lost > 0) this.#statements.lose.run(lost, node);
    this.#statements.moveCursor.run(cursor, spool.id);
    return { sequence: cursor, before: spool.cursor };
  }

  /** A record of the aggregator's own. */
  note(node: number, name: string, atMs: number, event: OwnEvent): EventRecord {
    const spool = this.open(node, AGGREGATOR_EPOCH, 1, atMs);
    const sequence = spool.cursor + 1;
    const { at, kind, class: eventClass, data, lost } = event;
    const json = JSON.stringify(data);
    const id = this.#insert(spool.id, sequence, sequence, at, atMs, kind, eventClass, json);
    this.#markHour(atMs, id);
    this.#statements.moveCursor.run(sequence, spool.id);
    if (lost > 0) this.#statements.lose.run(lost, node);
    return recordOf(name, spool.epoch, sequence, atMs, event);
  }

  /** The spool that the node's last session had. */
  current(node: number): Spool | undefined {
    const row = this.#statements.currentSpool.get(node);
    return row === undefined ? undefined : readSpool(row);
  }

  open(node: number, epoch: string, next: number, atMs: number): Spool {
    return readSpool(must(this.#statements.openSpool.get(node, epoch, next, atMs)));
  }

  end(spool: Spool, atMs: number): void {
    this.#statements.endSpool.run(atMs, spool.id);
  }

  skipTo(spool: Spool, cursor: number): Spool {
    this.#statements.moveCursor.run(cursor, spool.id);
    return { ...spool, cursor };
  }

  /** Forgets what was received before a time, so many at most; returns how many. */
  prune({ eventsBeforeMs, nowMs }: Retention, most: number): number {
    const hour = Math.floor(eventsBeforeMs / HOUR_MS);
    const gone = Number(this.#statements.prune.run(most, eventsBeforeMs, nowMs, hour).changes);
    // Until then it says what came before what is to be forgotten.
    if (gone === 0) this.#statements.pruneHours.run(hour);
    return gone;
  }

  #insert(
    spool: number,
    sequence: number,
    through: number,
    at: string,
    receivedAtMs: number,
    kind: string,
    eventClass: string,
    data: string,
  ): number {
    return Number(
      this.#statements.insert.run(
        spool,
        sequence,
        through,
        at,
        receivedAtMs,
        storable(kind),
        eventClass,
        data,
      ).lastInsertRowid,
    );
  }

  #markHour(receivedAtMs: number, first: number): void {
    const hour = Math.floor(receivedAtMs / HOUR_MS);
    if (hour === this.#hour) return;
    this.#statements.markHour.run(hour, first);
    this.#hour = hour;
  }
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    currentSpool: prepare(
      'SELECT spool.* FROM node JOIN spool ON spool.id = node.spool WHERE node.id = ?',
    ),
    spool: prepare('SELECT * FROM spool WHERE node = ? AND epoch = ?'),
    openSpool: prepare(
      `INSERT INTO spool (node, epoch, cursor, announced, opened_at) VALUES (?, ?, 0, ?, ?)
         ON CONFLICT (node, epoch) DO UPDATE SET
           announced = max(announced, excluded.announced), ended_at = NULL
         RETURNING *`,
    ),
    endSpool: prepare('UPDATE spool SET ended_at = ? WHERE id = ?'),
    moveCursor: prepare(
      `UPDATE spool SET cursor = ?1, announced = max(announced, ?1 + 1) WHERE id = ?2`,
    ),
    insert: prepare(
      `INSERT INTO event (spool, sequence, through, at, received_at, kind, class, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    markHour: prepare('INSERT OR IGNORE INTO event_hour (hour, first) VALUES (?, ?)'),
    lose: prepare(`UPDATE node SET lost = min(lost + ?, ${MOST_LOST}) WHERE id = ?`),
    // Arrival gives the order: the oldest are found without an index on time, and those of a clock that was ahead too.
    // Of these only: a clock that was behind has its hour among the old ones, after events that are not.
    prune: prepare(
      `DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT ?) AND (received_at < ?
         OR received_at > ? AND id < (SELECT max(first) FROM event_hour WHERE hour < ?))`,
    ),
    pruneHours: prepare('DELETE FROM event_hour WHERE hour < ?'),
  };
}
