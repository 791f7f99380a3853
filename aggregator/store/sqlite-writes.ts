import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { integer, type Row, text, textOrNull } from './sqlite-row.ts';
import { SqliteSections } from './sqlite-sections.ts';
import {
  AGGREGATOR_EPOCH,
  type Applied,
  type Cursor,
  type EventBatch,
  type NodeIdentity,
  type OwnEvent,
  type SectionChange,
  type SessionOpened,
  type SessionStart,
  StoreError,
  type Writer,
} from './store.ts';

/** More at once would keep others waiting. */
const PRUNE_AT_ONCE = 2000;

/** One life of a spool. */
interface Spool {
  readonly id: number;
  readonly epoch: string;
  readonly cursor: number;
  readonly announced: number;
}

/**
 * The writes of the store, each to be called inside a transaction. They look before they write: what they throw as
 * `StoreError` has written nothing, so the other writes of the same transaction can go on.
 */
export class SqliteWrites {
  readonly #sections: SqliteSections;
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(database: DatabaseSync) {
    this.#sections = new SqliteSections(database);
    this.#statements = prepareAll(database);
  }

  openSession({ node, hello, atMs }: SessionStart): SessionOpened {
    const statements = this.#statements;
    const { spool } = hello;
    const known = statements.node.get(node.uid);
    const session = integer(must(statements.nextSession.get()), 'value');
    const id = known === undefined ? this.#createNode(node, atMs) : integer(known, 'id');
    if (known !== undefined && text(known, 'name') !== node.name) {
      statements.renameItems.run(node.name, id);
    }
    const notes: EventRecord[] = [];
    const replaced = this.#retireNamesakes(id, node, session, atMs);
    for (const uid of replaced) notes.push(this.#noteReplaced(id, node, uid, atMs));
    const before = statements.currentSpool.get(id);
    if (before !== undefined && text(before, 'epoch') !== spool.epoch) {
      notes.push(this.#endSpool(id, node.name, readSpool(before), spool.epoch, atMs));
    }
    let current = this.#openSpool(id, spool.epoch, spool.next, atMs);
    if (spool.first > current.cursor + 1) {
      notes.push(
        this.#note(id, node.name, atMs, {
          at: rfc3339(atMs),
          kind: 'serverRollback',
          class: 'high',
          lost: spool.first - 1 - current.cursor,
          data: {
            epoch: spool.epoch,
            fromSequence: current.cursor + 1,
            throughSequence: spool.first - 1,
            count: spool.first - 1 - current.cursor,
          },
        }),
      );
      current = { ...current, cursor: spool.first - 1 };
      statements.moveCursor.run(current.cursor, current.id);
    }
    statements.startSession.run(
      session,
      node.name,
      node.pool,
      current.id,
      hello.agent.version,
      hello.host.name,
      hello.host.machineId,
      hello.host.bootId,
      atMs,
      id,
    );
    const sections = this.#sections.hashes(id);
    const have = { epoch: spool.epoch, sequence: current.cursor, sections };
    return { session, have, notes, replaced };
  }

  append(batch: EventBatch): Cursor {
    const statements = this.#statements;
    const id = this.#fence(batch);
    const row = statements.spool.get(id, batch.epoch);
    if (row === undefined) {
      throw new StoreError('ERR_STORE_GAP', `epoch ${batch.epoch}: no session announced it`);
    }
    const spool = readSpool(row);
    this.#assertNoGap(batch, spool.cursor);
    let { cursor } = spool;
    for (const event of batch.events) {
      if (event.throughSequence <= cursor) continue;
      // A range that begins before the cursor counts from the cursor on.
      const sequence = Math.max(event.sequence, cursor + 1);
      statements.insertEvent.run(
        id,
        spool.id,
        sequence,
        event.throughSequence,
        event.at,
        batch.receivedAtMs,
        event.kind,
        event.class,
        JSON.stringify(event.data),
      );
      if (event.lost > 0) this.#lose(id, event.lost);
      cursor = event.throughSequence;
    }
    if (cursor > spool.cursor) statements.moveCursor.run(cursor, spool.id);
    return { sequence: cursor, before: spool.cursor };
  }

  apply(change: SectionChange): Applied {
    const row = this.#node(change);
    return this.#sections.apply(integer(row, 'id'), text(row, 'name'), change);
  }

  note(uid: string, event: OwnEvent, atMs: number): EventRecord {
    const row = this.#statements.node.get(uid);
    if (row === undefined) throw unknownNode(uid);
    return this.#note(integer(row, 'id'), text(row, 'name'), atMs, event);
  }

  touch(seen: ReadonlyMap<string, number>): void {
    for (const [uid, atMs] of seen) this.#statements.touch.run(atMs, uid);
  }

  retire(uid: string, atMs: number): void {
    const row = this.#statements.node.get(uid);
    if (row === undefined) throw unknownNode(uid);
    const id = integer(row, 'id');
    const session = integer(must(this.#statements.nextSession.get()), 'value');
    this.#statements.retire.run(atMs, session, id);
  }

  prune(beforeMs: number): number {
    const { pruneEvents, pruneHistory } = this.#statements;
    const events = Number(pruneEvents.run(PRUNE_AT_ONCE, beforeMs).changes);
    return events + Number(pruneHistory.run(beforeMs, PRUNE_AT_ONCE).changes);
  }

  /** A write that leaves everything as it is. */
  probe(): void {
    this.#statements.probe.run();
  }

  #retireNamesakes(id: number, node: NodeIdentity, session: number, atMs: number): string[] {
    const { namesakes, retire } = this.#statements;
    return namesakes.all(node.name, id).map((row) => {
      retire.run(atMs, session, integer(row, 'id'));
      return text(row, 'uid');
    });
  }

  #noteReplaced(id: number, node: NodeIdentity, uid: string, atMs: number): EventRecord {
    return this.#note(id, node.name, atMs, {
      at: rfc3339(atMs),
      kind: 'nodeReplaced',
      class: 'medium',
      lost: 0,
      data: { uid: node.uid, replaces: uid },
    });
  }

  #createNode(node: NodeIdentity, atMs: number): number {
    const { uid, name, pool } = node;
    return Number(this.#statements.createNode.run(uid, name, pool, atMs, atMs).lastInsertRowid);
  }

  #openSpool(node: number, epoch: string, next: number, atMs: number): Spool {
    return readSpool(must(this.#statements.openSpool.get(node, epoch, next, atMs)));
  }

  /** Whether the last records of a spool were received is known only as far as it had announced them. */
  #endSpool(node: number, name: string, spool: Spool, next: string, atMs: number): EventRecord {
    const missing = Math.max(0, spool.announced - 1 - spool.cursor);
    this.#statements.endSpool.run(atMs, spool.id);
    return this.#note(node, name, atMs, {
      at: rfc3339(atMs),
      kind: missing > 0 ? 'epochLost' : 'epochChanged',
      class: missing > 0 ? 'high' : 'low',
      lost: missing,
      data: { epoch: spool.epoch, afterSequence: spool.cursor, count: missing, newEpoch: next },
    });
  }

  #note(node: number, name: string, atMs: number, event: OwnEvent): EventRecord {
    const statements = this.#statements;
    const spool = this.#openSpool(node, AGGREGATOR_EPOCH, 1, atMs);
    const sequence = spool.cursor + 1;
    const { at, kind, data, lost } = event;
    const body = JSON.stringify(data);
    statements.insertEvent.run(
      node,
      spool.id,
      sequence,
      sequence,
      at,
      atMs,
      kind,
      event.class,
      body,
    );
    statements.moveCursor.run(sequence, spool.id);
    if (lost > 0) this.#lose(node, lost);
    const receivedAt = rfc3339(atMs);
    return {
      node: name,
      epoch: spool.epoch,
      sequence,
      receivedAt,
      at,
      kind,
      class: event.class,
      data,
    };
  }

  #lose(node: number, count: number): void {
    this.#statements.lose.run(count, node);
  }

  #fence(writer: Writer): number {
    return integer(this.#node(writer), 'id');
  }

  #node(writer: Writer): Row {
    const row = this.#statements.node.get(writer.uid);
    if (row === undefined) throw unknownNode(writer.uid);
    if (integer(row, 'session') !== writer.session) {
      throw new StoreError('ERR_STORE_FENCED', `session ${writer.session}: a newer one exists`);
    }
    return row;
  }

  #assertNoGap(batch: EventBatch, cursor: number): void {
    let next = cursor + 1;
    for (const { sequence, throughSequence } of batch.events) {
      if (sequence > next || throughSequence < sequence) {
        const found = `${sequence} to ${throughSequence}`;
        throw new StoreError(
          'ERR_STORE_GAP',
          `epoch ${batch.epoch}: expected ${next}, got ${found}`,
        );
      }
      next = Math.max(next, throughSequence + 1);
    }
  }
}

function readSpool(row: Row): Spool {
  return {
    id: integer(row, 'id'),
    epoch: textOrNull(row, 'epoch') ?? '',
    cursor: integer(row, 'cursor'),
    announced: integer(row, 'announced'),
  };
}

function must(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError('expected a row, found none');
  return row;
}

function unknownNode(uid: string): StoreError {
  return new StoreError('ERR_STORE_UNKNOWN_NODE', `uid ${uid}: no such node`);
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    node: prepare('SELECT id, session, name FROM node WHERE uid = ?'),
    namesakes: prepare(
      'SELECT id, uid FROM node WHERE name = ? AND id <> ? AND retired_at IS NULL',
    ),
    nextSession: prepare(
      `UPDATE counter SET value = value + 1 WHERE name = 'session' RETURNING value`,
    ),
    createNode: prepare(
      'INSERT INTO node (uid, name, pool, session, first_seen, last_seen) VALUES (?, ?, ?, 0, ?, ?)',
    ),
    startSession: prepare(
      `UPDATE node SET session = ?, name = ?, pool = ?, spool = ?, agent_version = ?, host_name = ?,
         machine_id = ?, boot_id = ?, last_seen = ?, retired_at = NULL WHERE id = ?`,
    ),
    renameItems: prepare('UPDATE item SET node_name = ? WHERE node = ?'),
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
    insertEvent: prepare(
      `INSERT OR IGNORE INTO event
         (node, spool, sequence, through, at, received_at, kind, class, data)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    lose: prepare('UPDATE node SET lost = lost + ? WHERE id = ?'),
    touch: prepare('UPDATE node SET last_seen = max(last_seen, ?) WHERE uid = ?'),
    probe: prepare(`UPDATE counter SET value = value WHERE name = 'session'`),
    retire: prepare('UPDATE node SET retired_at = ?, session = ? WHERE id = ?'),
    // Arrival gives the order: the oldest are found without an index on time.
    pruneEvents: prepare(
      `DELETE FROM event
         WHERE id IN (SELECT id FROM event ORDER BY id LIMIT ?) AND received_at < ?`,
    ),
    pruneHistory: prepare(
      `DELETE FROM section_history
         WHERE rowid IN (SELECT rowid FROM section_history WHERE until < ? LIMIT ?)`,
    ),
  };
}
