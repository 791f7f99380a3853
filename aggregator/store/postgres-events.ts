import type { EventRecord } from '../../shared/api.ts';
import {
  fenced,
  gap,
  MOST_LOST,
  type PlacedEvent,
  placeEvents,
  type Spool,
  unknownNode,
} from './event-plan.ts';
import { readSpool, recordOf } from './event-row.ts';
import type { Query } from './postgres-connection.ts';
import type { Known } from './postgres-known.ts';
import { integer, must, type Row, text } from './row.ts';
import {
  AGGREGATOR_EPOCH,
  type Cursor,
  type EventBatch,
  type OwnEvent,
  type Retention,
  StoreError,
} from './store.ts';
import { storable } from './text.ts';

const HOUR_MS = 3_600_000;

/** What one of several batches came to. */
export type Appended = { readonly cursor: Cursor } | { readonly error: StoreError };

/** Rows of `event`, and what goes with them, column by column. */
interface Rows {
  readonly spools: number[];
  readonly events: PlacedEvent[];
  readonly receivedAtMs: number[];
  readonly lost: Map<number, number>;
  readonly cursors: Map<number, number>;
}

/** Spools and their events; to be called inside a transaction. */
export class PostgresEvents {
  readonly #known: Known;
  #hour = -1;

  constructor(known: Known) {
    this.#known = known;
  }

  /** Batches of many nodes in a few statements, in their order; one that is refused does not disturb the others. */
  async appendAll(query: Query, batches: readonly EventBatch[]): Promise<readonly Appended[]> {
    const uids = [...new Set(batches.map(({ uid }) => uid))];
    // In one order, so that two aggregators cannot wait for each other.
    const nodes = await query(
      'SELECT id, uid, session FROM node WHERE uid = ANY($1) ORDER BY id FOR NO KEY UPDATE',
      [uids],
    );
    const byUid = new Map(nodes.map((row) => [text(row, 'uid'), row]));
    const spoolRows = await query(
      'SELECT id, node, epoch, cursor, announced FROM spool WHERE node = ANY($1) AND epoch = ANY($2)',
      [nodes.map((row) => integer(row, 'id')), [...new Set(batches.map(({ epoch }) => epoch))]],
    );
    const spools = new Map(
      spoolRows.map((row) => [`${integer(row, 'node')} ${text(row, 'epoch')}`, readSpool(row)]),
    );
    const rows = emptyRows();
    const appended = batches.map((batch): Appended => {
      try {
        return { cursor: place(batch, byUid.get(batch.uid), spools, rows) };
      } catch (error) {
        if (error instanceof StoreError) return { error };
        throw error;
      }
    });
    await this.#insert(query, rows);
    return appended;
  }

  /** A record of the aggregator's own. */
  async note(
    query: Query,
    node: number,
    name: string,
    atMs: number,
    event: OwnEvent,
  ): Promise<EventRecord> {
    const spool = await this.open(query, node, AGGREGATOR_EPOCH, 1, atMs);
    const sequence = spool.cursor + 1;
    const rows = emptyRows();
    rows.spools.push(spool.id);
    const numbers = { sequence, throughSequence: sequence };
    const json = JSON.stringify(event.data);
    rows.events.push({ sequence, event: { ...event, ...numbers, data: json } });
    rows.receivedAtMs.push(atMs);
    rows.lost.set(node, event.lost);
    rows.cursors.set(spool.id, sequence);
    await this.#insert(query, rows);
    return recordOf(name, spool.epoch, sequence, atMs, event);
  }

  /** The spool that the node's last session had. */
  async current(query: Query, node: number): Promise<Spool | undefined> {
    const [row] = await query(
      'SELECT spool.* FROM node JOIN spool ON spool.id = node.spool WHERE node.id = $1',
      [node],
    );
    return row && readSpool(row);
  }

  async open(
    query: Query,
    node: number,
    epoch: string,
    next: number,
    atMs: number,
  ): Promise<Spool> {
    const [row] = await query(
      `INSERT INTO spool (node, epoch, cursor, announced, opened_at) VALUES ($1, $2, 0, $3, $4)
         ON CONFLICT (node, epoch) DO UPDATE SET
           announced = greatest(spool.announced, excluded.announced), ended_at = NULL
         RETURNING *`,
      [node, epoch, next, atMs],
    );
    return readSpool(must(row));
  }

  async end(query: Query, spool: Spool, atMs: number): Promise<void> {
    await query('UPDATE spool SET ended_at = $1 WHERE id = $2', [atMs, spool.id]);
  }

  async skipTo(query: Query, spool: Spool, cursor: number): Promise<Spool> {
    this.#known.cursor(spool.id, cursor);
    await query(
      `UPDATE spool SET cursor = $1::bigint, announced = greatest(announced, $1::bigint + 1),
         changed = pg_current_xact_id() WHERE id = $2`,
      [cursor, spool.id],
    );
    return { ...spool, cursor };
  }

  /** Forgets what was received before a time, so many at most; returns how many. */
  async prune(query: Query, { eventsBeforeMs, nowMs }: Retention, most: number): Promise<number> {
    const hour = Math.floor(eventsBeforeMs / HOUR_MS);
    // Arrival gives the order, also of those that a clock that was ahead gave its time. Of these only: a clock that was
    // behind has its hour among the old ones, after events that are not.
    const gone = await query(
      `DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT $1) AND (received_at < $2
         OR received_at > $3 AND id < (SELECT max(first) FROM event_hour WHERE hour < $4))
         RETURNING 1 AS one`,
      [most, eventsBeforeMs, nowMs, hour],
    );
    // Until then it says what came before what is to be forgotten.
    if (gone.length === 0) await query('DELETE FROM event_hour WHERE hour < $1', [hour]);
    return gone.length;
  }

  async #insert(
    query: Query,
    { spools, events, receivedAtMs, lost, cursors }: Rows,
  ): Promise<void> {
    if (events.length === 0) return;
    // Told before the commit: what comes back as news from the database must be known as our own.
    for (const [spool, cursor] of cursors) this.#known.cursor(spool, cursor);
    const losses = [...lost].filter(([, count]) => count > 0);
    const [row] = await query(
      `WITH stored AS (
         INSERT INTO event (spool, sequence, through, at, received_at, kind, class, data)
           SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
             $6::text[], $7::text[], $8::text[]) RETURNING id),
       moved AS (
         UPDATE spool SET cursor = at.cursor, announced = greatest(announced, at.cursor + 1),
             changed = pg_current_xact_id()
           FROM unnest($9::int[], $10::bigint[]) AS at (spool, cursor) WHERE spool.id = at.spool),
       lost AS (
         UPDATE node SET lost = least(node.lost + less.lost, ${MOST_LOST}),
             changed = pg_current_xact_id()
           FROM unnest($11::int[], $12::bigint[]) AS less (node, lost) WHERE node.id = less.node)
       SELECT min(id) AS first FROM stored`,
      [
        spools,
        events.map(({ sequence }) => sequence),
        events.map(({ event }) => event.throughSequence),
        events.map(({ event }) => event.at),
        receivedAtMs,
        events.map(({ event }) => storable(event.kind)),
        events.map(({ event }) => event.class),
        events.map(({ event }) => event.data),
        [...cursors.keys()],
        [...cursors.values()],
        losses.map(([node]) => node),
        losses.map(([, count]) => count),
      ],
    );
    await this.#markHour(query, Math.max(...receivedAtMs), integer(must(row), 'first'));
  }

  async #markHour(query: Query, receivedAtMs: number, first: number): Promise<void> {
    const hour = Math.floor(receivedAtMs / HOUR_MS);
    if (hour === this.#hour) return;
    await query('INSERT INTO event_hour VALUES ($1, $2) ON CONFLICT DO NOTHING', [hour, first]);
    this.#hour = hour;
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#hour = -1;
  }
}

function place(
  batch: EventBatch,
  node: Row | undefined,
  spools: Map<string, Spool>,
  rows: Rows,
): Cursor {
  if (node === undefined) throw unknownNode(batch.uid);
  if (integer(node, 'session') !== batch.session) throw fenced(batch.session);
  const id = integer(node, 'id');
  const spool = spools.get(`${id} ${batch.epoch}`);
  if (spool === undefined) throw gap(batch.epoch, 'no session announced it');
  const { events, cursor, lost } = placeEvents(batch, spool.cursor);
  if (events.length === 0) return { sequence: cursor, before: spool.cursor };
  for (const event of events) {
    rows.events.push(event);
    rows.spools.push(spool.id);
    rows.receivedAtMs.push(batch.receivedAtMs);
  }
  rows.lost.set(id, Math.min((rows.lost.get(id) ?? 0) + lost, MOST_LOST));
  rows.cursors.set(spool.id, cursor);
  spools.set(`${id} ${batch.epoch}`, { ...spool, cursor });
  return { sequence: cursor, before: spool.cursor };
}

function emptyRows(): Rows {
  return { spools: [], events: [], receivedAtMs: [], lost: new Map(), cursors: new Map() };
}
