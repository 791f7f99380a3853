import type { DatabaseSync } from 'node:sqlite';
import type { Json } from '../../shared/canonical.ts';
import type { Items } from '../../shared/report.ts';
import { Conditions } from './conditions.ts';
import { type ItemPlace, keptRow, pageOf, placeAfter } from './item-page.ts';
import { bySubject, meaningOf, ranksOf } from './items.ts';
import { integer, type Row, text } from './row.ts';
import { itemOf } from './section-body.ts';
import type { SqliteSections } from './sqlite-sections.ts';
import type { IndexedSection, ItemQuery, ItemRow, OutcomeCount, Page } from './store.ts';

const COLUMNS = `item.node, item.rank, item.item, node.name, thing.subject, thing.key`;

/** Questions over the items of all nodes: found by the index, read from the sections. */
export class SqliteItems {
  readonly #database: DatabaseSync;
  readonly #sections: SqliteSections;

  constructor(database: DatabaseSync, sections: SqliteSections) {
    this.#database = database;
    this.#sections = sections;
  }

  page(query: ItemQuery): Page<ItemRow> {
    const { section, limit } = query;
    const after = placeAfter(query.after);
    const ranks = ranksOf(section, query.outcomes, query.severities).filter(
      (rank) => after === undefined || rank >= after[0],
    );
    const isNarrow = query.node !== undefined || query.subject !== undefined;
    const rows = isNarrow
      ? this.#narrow(query, ranks, after)
      : this.#byRank(section, ranks, after, limit + 1);
    const found = rows.map((row) => ({ row, place: placeOf(row) }));
    const read = this.#reader(section);
    const { rows: shown, ...next } = pageOf(
      found,
      limit,
      ({ row }) => read(row),
      ({ place }) => place,
    );
    return { rows: shown.filter((row) => row !== undefined), ...next };
  }

  /** Of one node or one subject: few enough to be sorted. */
  #narrow(
    { section, node, subject, limit }: ItemQuery,
    ranks: readonly number[],
    after: ItemPlace | undefined,
  ): readonly Row[] {
    const where = new Conditions();
    where.add('item.section = ?', section);
    where.add('thing.section = ?', section);
    where.add('node.retired_at IS NULL');
    where.addAnyOf('item.rank', ranks);
    if (node !== undefined) where.add('node.name = ?', node);
    if (subject !== undefined) where.add('thing.subject = ?', subject);
    if (after !== undefined) {
      where.add('(item.rank, node.name, thing.subject, thing.key) > (?, ?, ?, ?)', ...after);
    }
    return this.#database
      .prepare(
        `SELECT ${COLUMNS} FROM item JOIN node ON node.id = item.node
           JOIN thing ON thing.id = item.thing WHERE ${where}
           ORDER BY item.rank, node.name, thing.subject, thing.key LIMIT ?`,
      )
      .all(...where.values, limit + 1);
  }

  /**
   * Of all nodes: rank by rank, and within one node by node in the order of their names, so that no more is read than
   * the page holds. CROSS JOIN keeps SQLite at this order.
   */
  #byRank(
    section: IndexedSection,
    ranks: readonly number[],
    after: ItemPlace | undefined,
    most: number,
  ): readonly Row[] {
    const isAny = this.#database.prepare(
      'SELECT 1 FROM item WHERE section = ? AND rank = ? LIMIT 1',
    );
    const rows: Row[] = [];
    for (const rank of ranks) {
      if (rows.length >= most) break;
      if (isAny.get(section, rank) === undefined) continue;
      const where = new Conditions();
      where.add('node.retired_at IS NULL');
      if (rank === after?.[0]) {
        where.add('node.name >= ?', after[1]);
        where.add('(node.name, thing.subject, thing.key) > (?, ?, ?)', ...after.slice(1));
      }
      where.add('item.section = ?', section);
      where.add('item.rank = ?', rank);
      const found = this.#database
        .prepare(
          `SELECT ${COLUMNS} FROM node CROSS JOIN item ON item.node = node.id
             CROSS JOIN thing ON thing.id = item.thing WHERE ${where}
             ORDER BY node.name, thing.subject, thing.key LIMIT ?`,
        )
        .all(...where.values, most - rows.length);
      rows.push(...found);
    }
    return rows;
  }

  outcomes(section: IndexedSection, uids?: readonly string[]): readonly OutcomeCount[] {
    const groups = this.#database
      .prepare(
        `SELECT thing.subject, item.rank, count(DISTINCT item.node) AS nodes, min(item.node) AS node
           FROM item JOIN node ON node.id = item.node JOIN thing ON thing.id = item.thing
           WHERE item.section = ?1 AND node.retired_at IS NULL
             AND (?2 IS NULL OR node.uid IN (SELECT value FROM json_each(?2)))
           GROUP BY thing.subject, item.rank ORDER BY item.rank, thing.subject`,
      )
      .all(section, uids === undefined ? null : JSON.stringify(uids));
    const samples = new Map<number, ReadonlyMap<string, Json>>();
    return groups.map((row) => {
      const node = integer(row, 'node');
      const ofNode = samples.get(node) ?? bySubject(section, this.#items(node, section));
      samples.set(node, ofNode);
      const [subject, rank] = [text(row, 'subject'), integer(row, 'rank')];
      const sample = ofNode.get(`${rank} ${subject}`) ?? null;
      return { subject, ...meaningOf(section, rank), nodes: integer(row, 'nodes'), sample };
    });
  }

  /** Reads rows' items where the index keeps them, else from their sections, each section once. */
  #reader(section: IndexedSection): (row: Row) => ItemRow | undefined {
    const sections = new Map<number, Items>();
    return (row) => {
      const kept = keptRow(row);
      if (kept !== undefined) return kept;
      const node = integer(row, 'node');
      const items = sections.get(node) ?? this.#items(node, section);
      sections.set(node, items);
      const found = itemOf(items, text(row, 'key'));
      return found && { node: text(row, 'name'), key: found[0], item: found[1] };
    };
  }

  #items(node: number, section: IndexedSection): Items {
    return this.#sections.read(node, section)?.items ?? new Map();
  }
}

function placeOf(row: Row): ItemPlace {
  return [integer(row, 'rank'), text(row, 'name'), text(row, 'subject'), text(row, 'key')];
}
