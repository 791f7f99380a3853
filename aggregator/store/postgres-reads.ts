import type { EventRecord } from '../../shared/api.ts';
import type { SectionName } from '../../shared/report.ts';
import { Conditions } from './conditions.ts';
import { EVENT_ROWS, readEvent } from './event-row.ts';
import { pageOf } from './item-page.ts';
import { itemsAsOf, type SectionThen } from './items-as-of.ts';
import { decodePageToken } from './page-token.ts';
import { type Connections, numbered, type Query, toStoreError } from './postgres-connection.ts';
import { itemPage, outcomesOf } from './postgres-items.ts';
import { readNodes } from './postgres-nodes.ts';
import type { PostgresSections } from './postgres-sections.ts';
import { integer, text, truth } from './row.ts';
import type {
  EventQuery,
  IndexedSection,
  ItemQuery,
  ItemRow,
  NodeAsOf,
  OutcomeCount,
  Page,
  StoredSection,
  StoreReads,
} from './store.ts';
import type { StoredNode } from './stored-node.ts';

const HOUR_MS = 3_600_000;
/** Ids are given before their transactions end: an hour's first may be so much smaller than the one marked. */
const HOUR_SLACK = 10_000;
/** What is read belongs together, whatever is committed meanwhile. */
const SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** The questions the store answers; none of them writes. */
export class PostgresReads implements StoreReads {
  readonly #connections: Connections;
  readonly #sections: PostgresSections;
  readonly #replica: string;

  constructor(connections: Connections, sections: PostgresSections, replica: string) {
    this.#connections = connections;
    this.#sections = sections;
    this.#replica = replica;
  }

  nodes(): Promise<readonly StoredNode[]> {
    return this.#read((query) => readNodes(query, this.#replica));
  }

  section(uid: string, name: SectionName, asOfMs?: number): Promise<StoredSection | undefined> {
    return this.#read(async (query) => {
      const [row] = await query('SELECT id FROM node WHERE uid = $1', [uid]);
      return row && (await this.#sections.read(query, integer(row, 'id'), name, asOfMs));
    });
  }

  items(asked: ItemQuery): Promise<Page<ItemRow>> {
    return this.#read(async (query) => {
      const { section, asOfMs } = asked;
      if (asOfMs === undefined) return await itemPage(query, asked);
      return await itemsAsOf(asked, this.#sectionsAsOf(query, section, asOfMs));
    });
  }

  nodesAsOf(section: SectionName, asOfMs: number): Promise<readonly NodeAsOf[]> {
    return this.#read(async (query) => {
      const rows = await query(
        `SELECT name, bool_or(
             EXISTS (SELECT 1 FROM section
               WHERE section.node = node.id AND section.name = $2 AND since <= $1)
             OR EXISTS (SELECT 1 FROM section_history AS old
               WHERE old.node = node.id AND old.name = $2 AND since <= $1 AND until > $1)) AS known
           FROM node WHERE first_seen <= $1 AND (retired_at IS NULL OR retired_at > $1)
           GROUP BY name ORDER BY name`,
        [asOfMs, section],
      );
      return rows.map((row) => ({ name: text(row, 'name'), isKnown: truth(row, 'known') }));
    });
  }

  outcomes(section: IndexedSection, uids?: readonly string[]): Promise<readonly OutcomeCount[]> {
    return this.#read((query) => outcomesOf(query, section, uids));
  }

  events(asked: EventQuery): Promise<Page<EventRecord>> {
    const { node, kind, limit } = asked;
    const where = new Conditions();
    if (node !== undefined) {
      const spools = 'SELECT spool.id FROM node JOIN spool ON spool.node = node.id';
      where.add(`event.spool = ANY(ARRAY(${spools} WHERE node.name = ?))`, node);
    }
    if (kind !== undefined) where.add('left(event.kind, 128) = left(?, 128)', kind);
    if (kind !== undefined) where.add('event.kind = ?', kind);
    if (asked.class !== undefined) where.add('event.class = ?', asked.class);
    if (asked.sinceMs !== undefined) {
      const hour = Math.floor(asked.sinceMs / HOUR_MS);
      const first = 'SELECT min(first) FROM event_hour WHERE hour >= ?::int';
      where.add(`event.id >= (${first}) - ${HOUR_SLACK}`, hour);
      where.add('event.received_at >= ?', asked.sinceMs);
    }
    return this.#read(async (query) => {
      if (asked.after !== undefined) {
        where.add('event.id < ?', ...decodePageToken(asked.after, ['number']));
      }
      const rows = await query(
        numbered(`${EVENT_ROWS} WHERE ${where} ORDER BY event.id DESC LIMIT ?`),
        [...where.values, limit + 1],
      );
      return pageOf(rows, limit, readEvent, (row) => [integer(row, 'id')]);
    });
  }

  sizeBytes(): Promise<number> {
    return this.#read(async (query) => {
      const [row] = await query('SELECT pg_database_size(current_database()) AS size');
      return row === undefined ? 0 : integer(row, 'size');
    });
  }

  async *#sectionsAsOf(
    query: Query,
    section: IndexedSection,
    asOfMs: number,
  ): AsyncGenerator<SectionThen> {
    const nodes = await query(
      `SELECT id, name FROM node WHERE first_seen <= $1 AND (retired_at IS NULL OR retired_at > $1)
         ORDER BY name, id`,
      [asOfMs],
    );
    for (const row of nodes) {
      const then = await this.#sections.read(query, integer(row, 'id'), section, asOfMs);
      if (then !== undefined) yield { node: text(row, 'name'), items: then.items };
    }
  }

  async #read<T>(read: (query: Query) => Promise<T>): Promise<T> {
    try {
      return await this.#connections.transact(SNAPSHOT, read);
    } catch (error) {
      throw toStoreError(error);
    }
  }
}
