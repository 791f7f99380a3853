import type { DatabaseSync } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import type { SectionName } from '../../shared/report.ts';
import { Conditions } from './conditions.ts';
import { EVENT_ROWS, readEvent } from './event-row.ts';
import { pageOf } from './item-page.ts';
import { itemsAsOf, type SectionThen } from './items-as-of.ts';
import { byNode, readNode } from './node-row.ts';
import { decodePageToken } from './page-token.ts';
import { integer, type Row, text } from './row.ts';
import { SqliteItems } from './sqlite-items.ts';
import { SqliteSections } from './sqlite-sections.ts';
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
import type { Answers } from './store-methods.ts';
import type { StoredNode } from './stored-node.ts';

const HOUR_MS = 3_600_000;

/** The questions the store answers; none of them writes. */
export class SqliteReads implements Answers<StoreReads> {
  readonly #database: DatabaseSync;
  readonly #sections: SqliteSections;
  readonly #items: SqliteItems;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sections = new SqliteSections(database);
    this.#items = new SqliteItems(database, this.#sections);
  }

  nodes(): readonly StoredNode[] {
    return this.#snapshot(() => {
      const sections = byNode(
        this.#database
          .prepare(
            'SELECT node, name, hash, tally FROM section JOIN body ON body.id = section.body',
          )
          .iterate(),
      );
      const rows = this.#database.prepare('SELECT * FROM node ORDER BY name, id').all();
      return rows.map((row) => readNode(row, sections.get(integer(row, 'id')) ?? [], false));
    });
  }

  section(uid: string, name: SectionName, asOfMs?: number): StoredSection | undefined {
    const row = this.#database.prepare('SELECT id FROM node WHERE uid = ?').get(uid);
    return row === undefined ? undefined : this.#sections.read(integer(row, 'id'), name, asOfMs);
  }

  async items(query: ItemQuery): Promise<Page<ItemRow>> {
    const { asOfMs } = query;
    if (asOfMs === undefined) return this.#snapshot(() => this.#items.page(query));
    return await itemsAsOf(query, this.#sectionsAsOf(query.section, asOfMs));
  }

  nodesAsOf(section: SectionName, asOfMs: number): readonly NodeAsOf[] {
    const names = new Map<string, boolean>();
    for (const row of this.#nodesAsOf(asOfMs)) {
      const [name, id] = [text(row, 'name'), integer(row, 'id')];
      const isKnown = this.#sections.isKnown(id, section, asOfMs);
      names.set(name, isKnown || names.get(name) === true);
    }
    return [...names].map(([name, isKnown]) => ({ name, isKnown }));
  }

  outcomes(section: IndexedSection, uids?: readonly string[]): readonly OutcomeCount[] {
    return this.#snapshot(() => this.#items.outcomes(section, uids));
  }

  events(query: EventQuery): Page<EventRecord> {
    const where = new Conditions();
    if (query.kind !== undefined) where.add('event.kind = ?', query.kind);
    if (query.class !== undefined) where.add('event.class = ?', query.class);
    if (query.sinceMs !== undefined) {
      const hour = Math.floor(query.sinceMs / HOUR_MS);
      where.add('event.id >= (SELECT min(first) FROM event_hour WHERE hour >= ?)', hour);
      where.add('event.received_at >= ?', query.sinceMs);
    }
    if (query.after !== undefined) {
      where.add('event.id < ?', ...decodePageToken(query.after, ['number']));
    }
    const rows =
      query.node === undefined
        ? this.#eventRows(where, 'event.id', query.limit)
        : this.#eventRowsOf(query.node, where, query.limit);
    return pageOf(rows, query.limit, readEvent, (row) => [integer(row, 'id')]);
  }

  sizeBytes(): number {
    const [pages] = this.#database.prepare('PRAGMA page_count').all();
    const [size] = this.#database.prepare('PRAGMA page_size').all();
    return Number(pages?.['page_count']) * Number(size?.['page_size']);
  }

  /** What is read belongs together, whatever another connection commits meanwhile. */
  #snapshot<T>(read: () => T): T {
    this.#database.exec('BEGIN');
    try {
      return read();
    } finally {
      this.#database.exec('COMMIT');
    }
  }

  #nodesAsOf(asOfMs: number): readonly Row[] {
    return this.#database
      .prepare(
        `SELECT id, name FROM node WHERE first_seen <= ? AND (retired_at IS NULL OR retired_at > ?)
           ORDER BY name, id`,
      )
      .all(asOfMs, asOfMs);
  }

  *#sectionsAsOf(section: IndexedSection, asOfMs: number): Generator<SectionThen> {
    for (const row of this.#nodesAsOf(asOfMs)) {
      const then = this.#sections.read(integer(row, 'id'), section, asOfMs);
      if (then !== undefined) yield { node: text(row, 'name'), items: then.items };
    }
  }

  /** Several nodes may have had one name, each several spools: each gives its newest, and of those the newest are taken. */
  #eventRowsOf(name: string, where: Conditions, limit: number): readonly Row[] {
    return this.#database
      .prepare('SELECT spool.id FROM node JOIN spool ON spool.node = node.id WHERE node.name = ?')
      .all(name)
      .flatMap((spool) => {
        const ofSpool = where.and('event.spool = ?', integer(spool, 'id'));
        return this.#eventRows(ofSpool, 'event.sequence', limit);
      })
      .sort((a, b) => integer(b, 'id') - integer(a, 'id'))
      .slice(0, limit + 1);
  }

  #eventRows(where: Conditions, order: string, limit: number): readonly Row[] {
    return this.#database
      .prepare(`${EVENT_ROWS} WHERE ${where} ORDER BY ${order} DESC LIMIT ?`)
      .all(...where.values, limit + 1);
  }
}
