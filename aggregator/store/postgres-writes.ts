import type { EventRecord } from '../../shared/api.ts';
import { fenced, nodeReplaced, rolledBack, spoolEnded, unknownNode } from './event-plan.ts';
import type { Query } from './postgres-connection.ts';
import { PostgresEvents } from './postgres-events.ts';
import { pruneThings } from './postgres-index.ts';
import type { Known } from './postgres-known.ts';
import { PostgresSections } from './postgres-sections.ts';
import { integer, must, type Row, text, truth } from './row.ts';
import type {
  Applied,
  OwnEvent,
  Retention,
  SectionChange,
  SessionOpened,
  SessionStart,
  Writer,
} from './store.ts';
import type { NodeIdentity } from './stored-node.ts';
import { storable } from './text.ts';

/** More at once would keep others waiting. */
const PRUNE_AT_ONCE = 2000;
/** Of pg_try_advisory_xact_lock: one aggregator at a time forgets. */
const PRUNE_LOCK = 0x6e736550;

/**
 * The writes of the store, each to be called inside a transaction, of which each first takes the row of its node: so the
 * session is compared and used under one lock. What they throw as `StoreError` has written nothing.
 */
export class PostgresWrites {
  readonly #replica: string;
  readonly #sections: PostgresSections;
  readonly events: PostgresEvents;

  constructor(replica: string, known: Known) {
    this.#replica = replica;
    this.#sections = new PostgresSections(known);
    this.events = new PostgresEvents(known);
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#sections.forget();
    this.events.forget();
  }

  async openSession(query: Query, { node, hello, atMs }: SessionStart): Promise<SessionOpened> {
    const { spool } = hello;
    await createNode(query, node, atMs);
    const id = integer(await this.#node(query, node.uid), 'id');
    // After the row is held: whoever comes later gets the larger number.
    const session = await nextSession(query);
    const notes: EventRecord[] = [];
    const note = async (event: OwnEvent): Promise<void> => {
      notes.push(await this.events.note(query, id, node.name, atMs, event));
    };
    const replaced = await retireNamesakes(query, id, node.name, session, atMs);
    for (const uid of replaced) await note(nodeReplaced(node.uid, uid, atMs));
    const before = await this.events.current(query, id);
    if (before !== undefined && before.epoch !== spool.epoch) {
      await this.events.end(query, before, atMs);
      await note(spoolEnded(before, spool.epoch, atMs));
    }
    let current = await this.events.open(query, id, spool.epoch, spool.next, atMs);
    if (spool.first > current.cursor + 1) {
      await note(rolledBack(current, spool.first, atMs));
      current = await this.events.skipTo(query, current, spool.first - 1);
    }
    const { agent, host } = hello;
    await query(
      `UPDATE node SET session = $1, name = $2, pool = $3, spool = $4, agent_version = $5,
         host_name = $6, machine_id = $7, boot_id = $8, last_seen = $9, retired_at = NULL,
         replica = $10, changed = pg_current_xact_id() WHERE id = $11`,
      [
        session,
        node.name,
        node.pool,
        current.id,
        storable(agent.version),
        storable(host.name),
        storable(host.machineId),
        storable(host.bootId),
        atMs,
        this.#replica,
        id,
      ],
    );
    const { hashes, summary } = await this.#sections.of(query, id);
    const have = { epoch: spool.epoch, sequence: current.cursor, sections: hashes };
    return { session, have, notes, replaced, summary };
  }

  async apply(query: Query, change: SectionChange): Promise<Applied> {
    return await this.#sections.apply(query, await this.#fence(query, change), change);
  }

  async note(query: Query, uid: string, event: OwnEvent, atMs: number): Promise<EventRecord> {
    const row = await this.#node(query, uid);
    return await this.events.note(query, integer(row, 'id'), text(row, 'name'), atMs, event);
  }

  async touch(query: Query, seen: ReadonlyMap<string, number>): Promise<void> {
    await query(
      `UPDATE node SET last_seen = greatest(last_seen, held.seen) FROM (
         SELECT id, seen FROM node JOIN unnest($1::text[], $2::bigint[]) AS heard (uid, seen)
           USING (uid) ORDER BY id FOR NO KEY UPDATE OF node) AS held WHERE node.id = held.id`,
      [[...seen.keys()], [...seen.values()]],
    );
  }

  async retire(query: Query, uid: string, atMs: number): Promise<void> {
    const id = integer(await this.#node(query, uid), 'id');
    await retire(query, id, await nextSession(query), atMs);
  }

  async prune(query: Query, retention: Retention): Promise<number> {
    const [lock] = await query('SELECT pg_try_advisory_xact_lock($1) AS held', [PRUNE_LOCK]);
    if (!truth(must(lock), 'held')) return 0;
    const events = await this.events.prune(query, retention, PRUNE_AT_ONCE);
    const versions = await this.#sections.prune(query, retention.historyBeforeMs, PRUNE_AT_ONCE);
    await pruneThings(query, PRUNE_AT_ONCE);
    return events + versions;
  }

  /** A write, and one that a standby refuses. */
  async probe(query: Query): Promise<void> {
    await query('UPDATE nodeseal_schema SET version = version');
  }

  /** The node's row id, when the session may still write. */
  async #fence(query: Query, { uid, session }: Writer): Promise<number> {
    const row = await this.#node(query, uid);
    if (integer(row, 'session') !== session) throw fenced(session);
    return integer(row, 'id');
  }

  async #node(query: Query, uid: string): Promise<Row> {
    const [row] = await query(
      'SELECT id, session, name FROM node WHERE uid = $1 FOR NO KEY UPDATE',
      [uid],
    );
    if (row === undefined) throw unknownNode(uid);
    return row;
  }
}

async function createNode(query: Query, node: NodeIdentity, atMs: number): Promise<void> {
  await query(
    `INSERT INTO node (uid, name, pool, session, first_seen, last_seen)
       VALUES ($1, $2, $3, 0, $4, $4) ON CONFLICT (uid) DO NOTHING`,
    [node.uid, node.name, node.pool, atMs],
  );
}

async function nextSession(query: Query): Promise<number> {
  return integer(must((await query(`SELECT nextval('session_number') AS value`))[0]), 'value');
}

async function retireNamesakes(
  query: Query,
  id: number,
  name: string,
  session: number,
  atMs: number,
): Promise<readonly string[]> {
  const rows = await query(
    `SELECT id, uid FROM node WHERE name = $1 AND id <> $2 AND retired_at IS NULL
       ORDER BY id FOR NO KEY UPDATE`,
    [name, id],
  );
  for (const row of rows) await retire(query, integer(row, 'id'), session, atMs);
  return rows.map((row) => text(row, 'uid'));
}

async function retire(query: Query, id: number, session: number, atMs: number): Promise<void> {
  await query(
    `UPDATE node SET retired_at = $1, session = $2, replica = NULL,
       changed = pg_current_xact_id() WHERE id = $3`,
    [atMs, session, id],
  );
}
