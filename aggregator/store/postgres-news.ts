import { SECTIONS } from '../../shared/report.ts';
import { readEvent } from './event-row.ts';
import type { PeerListener, SectionElsewhere } from './peers.ts';
import type { Query } from './postgres-connection.ts';
import type { Known } from './postgres-known.ts';
import { connectedElsewhere, readNodes } from './postgres-nodes.ts';
import { blob, integer, must, type Row, text } from './row.ts';
import { decodeItemsBeside } from './section-body.ts';
import { compareItems } from './section-change.ts';
import type { StoredNode } from './stored-node.ts';

/** Of one look; the rest is found at the next. */
const MOST_EVENTS = 2000;
/** As often as an aggregator writes when its nodes were heard. */
const LIST_MS = 10_000;

interface NewSection {
  readonly node: number;
  readonly hash: string;
  readonly change: SectionElsewhere;
}
interface NewSpool {
  readonly id: number;
  readonly cursor: number;
  readonly known: number;
}

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
  #listedMs = Number.NEGATIVE_INFINITY;

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

  /** Reads what is new; the answer tells it, and only then it is known. */
  async read(query: Query, listener: PeerListener): Promise<() => void> {
    const next = await oldestOpen(query);
    const isWatched = listener.isWatched();
    const nodes = await readNodes(query, this.#replica, this.#from);
    const sections = await this.#sections(query, nodes, isWatched);
    const spools = await this.#spools(query);
    const events = isWatched ? await eventsAfter(query, spools) : [];
    const heard = await this.#heard(query);
    return () => {
      if (nodes.length > 0) listener.nodes(nodes);
      if (heard.size > 0) listener.heard(heard);
      for (const { node, hash, change } of sections) {
        this.#known.section(node, change.section, hash);
        if (isWatched) listener.section(change);
      }
      for (const row of events) {
        this.#known.cursor(integer(row, 'spool'), integer(row, 'through'));
        listener.event(text(row, 'uid'), readEvent(row));
      }
      // There may be more of them: then the next look begins where this one did.
      if (events.length >= MOST_EVENTS) return;
      for (const { id, cursor } of spools) this.#known.cursor(id, cursor);
      this.#from = next;
    };
  }

  /**
   * What was written since the last look, by whichever clock is ahead; and every few seconds all that are connected to
   * another that is there, since the clock of another may be behind.
   */
  async #heard(query: Query): Promise<ReadonlyMap<string, number>> {
    const isDue = performance.now() - this.#listedMs >= LIST_MS;
    const newer = await query('SELECT uid, last_seen FROM node WHERE last_seen > $1', [
      this.#heardMs,
    ]);
    const connected = isDue ? await connectedElsewhere(query, this.#replica) : [];
    if (isDue) this.#listedMs = performance.now();
    const heard = new Map(
      [...connected, ...newer].map((row) => [text(row, 'uid'), integer(row, 'last_seen')]),
    );
    for (const atMs of heard.values()) this.#heardMs = Math.max(this.#heardMs, atMs);
    return heard;
  }

  async #sections(
    query: Query,
    nodes: readonly StoredNode[],
    isWatched: boolean,
  ): Promise<readonly NewSection[]> {
    const found: NewSection[] = [];
    if (nodes.length === 0) return found;
    const ids = await query('SELECT id, uid FROM node WHERE uid = ANY($1)', [
      nodes.map(({ uid }) => uid),
    ]);
    const idOf = new Map(ids.map((row) => [text(row, 'uid'), integer(row, 'id')]));
    for (const { uid, sections } of nodes) {
      const node = idOf.get(uid);
      for (const section of SECTIONS) {
        const hash = sections[section];
        if (hash === undefined || node === undefined) continue;
        const before = this.#known.hashOf(node, section);
        if (before === hash) continue;
        const [old, items] = isWatched
          ? [await itemsOf(query, before), await itemsOf(query, hash)]
          : [new Map(), new Map()];
        found.push({ node, hash, change: { uid, section, ...compareItems(old, items) } });
      }
    }
    return found;
  }

  async #spools(query: Query): Promise<readonly NewSpool[]> {
    const rows = await query('SELECT id, cursor FROM spool WHERE changed >= $1::xid8', [
      this.#from,
    ]);
    return rows
      .map((row) => ({ id: integer(row, 'id'), cursor: integer(row, 'cursor') }))
      .map((spool) => ({ ...spool, known: this.#known.cursorOf(spool.id) }))
      .filter(({ cursor, known }) => cursor > known);
  }
}

async function eventsAfter(query: Query, spools: readonly NewSpool[]): Promise<readonly Row[]> {
  if (spools.length === 0) return [];
  return await query(
    `SELECT event.*, spool.epoch, node.name AS node_name, node.uid
       FROM unnest($1::int[], $2::bigint[]) AS after (spool, known)
       JOIN event ON event.spool = after.spool AND event.sequence > after.known
       JOIN spool ON spool.id = event.spool JOIN node ON node.id = spool.node
       ORDER BY event.id LIMIT $3`,
    [spools.map(({ id }) => id), spools.map(({ known }) => known), MOST_EVENTS],
  );
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
