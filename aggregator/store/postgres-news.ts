import { SECTIONS } from '../../shared/report.ts';
import { readEvent } from './event-row.ts';
import type { PeerListener, SectionElsewhere } from './peers.ts';
import type { Query } from './postgres-connection.ts';
import type { Known } from './postgres-known.ts';
import { readNodes } from './postgres-nodes.ts';
import { blob, integer, must, type Row, text } from './row.ts';
import { decodeItemsBeside } from './section-body.ts';
import { compareItems } from './section-change.ts';
import type { StoredNode } from './store.ts';

/** Of one look; the rest is found at the next. */
const MOST_EVENTS = 2000;

/**
 * What other aggregators changed since the last look. Every change carries the number of its transaction; a look takes
 * those from the oldest transaction that was still under way at the look before, so that none is missed, and what is
 * known already is no news.
 */
export class PostgresNews {
  readonly #replica: string;
  readonly #known: Known;
  #from = '0';
  #heardMs = 0;

  constructor(replica: string, known: Known) {
    this.#replica = replica;
    this.#known = known;
  }

  /** How things stand. */
  async begin(query: Query): Promise<void> {
    this.#from = await oldestOpen(query);
    const [heard] = await query('SELECT coalesce(max(last_seen), 0) AS heard FROM node');
    this.#heardMs = integer(must(heard), 'heard');
    for (const row of await query('SELECT id, cursor FROM spool')) {
      this.#known.cursor(integer(row, 'id'), integer(row, 'cursor'));
    }
    const sections = await query(
      'SELECT node, name, hash FROM section JOIN body ON body.id = section.body',
    );
    for (const row of sections) {
      this.#known.section(integer(row, 'node'), text(row, 'name'), text(row, 'hash'));
    }
  }

  /** Reads what is new; the answer tells it. */
  async read(query: Query, listener: PeerListener): Promise<() => void> {
    const next = await oldestOpen(query);
    const nodes = await readNodes(query, this.#replica, this.#from);
    const isWatched = listener.isWatched();
    const sections = await this.#sections(query, nodes, isWatched);
    const events = await this.#events(query, isWatched);
    const heard = await this.#heard(query);
    this.#from = next;
    return () => {
      if (nodes.length > 0) listener.nodes(nodes);
      if (heard.size > 0) listener.heard(heard);
      for (const section of sections) listener.section(section);
      for (const row of events) listener.event(text(row, 'uid'), readEvent(row));
    };
  }

  async #heard(query: Query): Promise<ReadonlyMap<string, number>> {
    const rows = await query('SELECT uid, last_seen FROM node WHERE last_seen > $1', [
      this.#heardMs,
    ]);
    const heard = new Map(rows.map((row) => [text(row, 'uid'), integer(row, 'last_seen')]));
    for (const atMs of heard.values()) this.#heardMs = Math.max(this.#heardMs, atMs);
    return heard;
  }

  async #sections(
    query: Query,
    nodes: readonly StoredNode[],
    isWatched: boolean,
  ): Promise<readonly SectionElsewhere[]> {
    const changes: SectionElsewhere[] = [];
    if (nodes.length === 0) return changes;
    const ids = await query('SELECT id, uid FROM node WHERE uid = ANY($1)', [
      nodes.map(({ uid }) => uid),
    ]);
    const idOf = new Map(ids.map((row) => [text(row, 'uid'), integer(row, 'id')]));
    for (const { uid, sections } of nodes) {
      for (const section of SECTIONS) {
        const hash = sections[section];
        const id = idOf.get(uid);
        if (hash === undefined || id === undefined) continue;
        const before = this.#known.section(id, section, hash);
        if (before === hash || !isWatched) continue;
        const items = await itemsOf(query, hash);
        changes.push({ uid, section, ...compareItems(await itemsOf(query, before), items) });
      }
    }
    return changes;
  }

  async #events(query: Query, isWatched: boolean): Promise<readonly Row[]> {
    const spools = await query('SELECT id, cursor FROM spool WHERE changed >= $1::xid8', [
      this.#from,
    ]);
    const from: [spool: number, known: number][] = [];
    for (const row of spools) {
      const [id, cursor] = [integer(row, 'id'), integer(row, 'cursor')];
      const known = this.#known.cursor(id, cursor);
      if (cursor > known) from.push([id, known]);
    }
    if (from.length === 0 || !isWatched) return [];
    return await query(
      `SELECT event.*, spool.epoch, node.name AS node_name, node.uid
         FROM unnest($1::int[], $2::bigint[]) AS after (spool, known)
         JOIN event ON event.spool = after.spool AND event.sequence > after.known
         JOIN spool ON spool.id = event.spool JOIN node ON node.id = spool.node
         ORDER BY event.id LIMIT $3`,
      [from.map(([spool]) => spool), from.map(([, known]) => known), MOST_EVENTS],
    );
  }
}

/** Of the transactions that were under way, the oldest: all before it are over and can be seen. */
async function oldestOpen(query: Query): Promise<string> {
  const [row] = await query('SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS oldest');
  return text(must(row), 'oldest');
}

/** Items of a body; none when it is not kept any more. */
async function itemsOf(query: Query, hash: string | undefined) {
  if (hash === undefined) return new Map();
  const [row] = await query('SELECT data FROM body WHERE hash = $1', [hash]);
  return row === undefined ? new Map() : await decodeItemsBeside(blob(row, 'data'));
}
