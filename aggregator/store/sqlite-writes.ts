import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import { fenced, nodeReplaced, rolledBack, spoolEnded, unknownNode } from './event-plan.ts';
import { integer, must, type Row, text } from './row.ts';
import { SqliteEvents } from './sqlite-events.ts';
import { SqliteSections } from './sqlite-sections.ts';
import type {
  Applied,
  Cursor,
  EventBatch,
  OwnEvent,
  Retention,
  SectionChange,
  SessionOpened,
  SessionStart,
  StoreWrites,
  Writer,
} from './store.ts';
import type { Answers } from './store-methods.ts';
import type { NodeIdentity } from './stored-node.ts';

/** More at once would keep others waiting. */
const PRUNE_AT_ONCE = 2000;

/**
 * The writes of the store, each to be called inside a transaction. They look before they write: what they throw as
 * `StoreError` has written nothing, so the other writes of the same transaction can go on.
 */
export class SqliteWrites implements Answers<StoreWrites> {
  readonly #sections: SqliteSections;
  readonly #events: SqliteEvents;
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(database: DatabaseSync) {
    this.#sections = new SqliteSections(database);
    this.#events = new SqliteEvents(database);
    this.#statements = prepareAll(database);
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#sections.forget();
    this.#events.forget();
  }

  openSession({ node, hello, atMs }: SessionStart): SessionOpened {
    const { nextSession, startSession } = this.#statements;
    const { spool } = hello;
    const session = integer(must(nextSession.get()), 'value');
    const known = this.#statements.node.get(node.uid);
    const id = known === undefined ? this.#createNode(node, atMs) : integer(known, 'id');
    const notes: EventRecord[] = [];
    const note = (event: OwnEvent): void => {
      notes.push(this.#events.note(id, node.name, atMs, event));
    };
    const replaced = this.#retireNamesakes(id, node, session, atMs);
    for (const uid of replaced) note(nodeReplaced(node.uid, uid, atMs));
    const before = this.#events.current(id);
    if (before !== undefined && before.epoch !== spool.epoch) {
      this.#events.end(before, atMs);
      note(spoolEnded(before, spool.epoch, atMs));
    }
    let current = this.#events.open(id, spool.epoch, spool.next, atMs);
    if (spool.first > current.cursor + 1) {
      note(rolledBack(current, spool.first, atMs));
      current = this.#events.skipTo(current, spool.first - 1);
    }
    const { agent, host } = hello;
    startSession.run(
      session,
      node.name,
      node.pool,
      current.id,
      agent.version,
      host.name,
      host.machineId,
      host.bootId,
      atMs,
      id,
    );
    const { hashes, summary } = this.#sections.of(id);
    const have = { epoch: spool.epoch, sequence: current.cursor, sections: hashes };
    return { session, have, notes, replaced, summary };
  }

  append(batch: EventBatch): Cursor {
    return this.#events.append(this.#fence(batch), batch);
  }

  apply(change: SectionChange): Applied {
    return this.#sections.apply(this.#fence(change), change);
  }

  note(uid: string, event: OwnEvent, atMs: number): EventRecord {
    const row = this.#node(uid);
    return this.#events.note(integer(row, 'id'), text(row, 'name'), atMs, event);
  }

  touch(seen: ReadonlyMap<string, number>): void {
    for (const [uid, atMs] of seen) this.#statements.touch.run(atMs, uid);
  }

  retire(uid: string, atMs: number): void {
    const id = integer(this.#node(uid), 'id');
    const session = integer(must(this.#statements.nextSession.get()), 'value');
    this.#statements.retire.run(atMs, session, id);
  }

  prune(retention: Retention): number {
    const events = this.#events.prune(retention, PRUNE_AT_ONCE);
    return events + this.#sections.prune(retention.historyBeforeMs, PRUNE_AT_ONCE);
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

  #createNode({ uid, name, pool }: NodeIdentity, atMs: number): number {
    return Number(this.#statements.createNode.run(uid, name, pool, atMs, atMs).lastInsertRowid);
  }

  /** The node's row id, when the session may still write. */
  #fence({ uid, session }: Writer): number {
    const row = this.#node(uid);
    if (integer(row, 'session') !== session) throw fenced(session);
    return integer(row, 'id');
  }

  #node(uid: string): Row {
    const row = this.#statements.node.get(uid);
    if (row === undefined) throw unknownNode(uid);
    return row;
  }
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
    touch: prepare('UPDATE node SET last_seen = max(last_seen, ?) WHERE uid = ?'),
    probe: prepare(`UPDATE counter SET value = value WHERE name = 'session'`),
    retire: prepare('UPDATE node SET retired_at = ?, session = ? WHERE id = ?'),
  };
}
