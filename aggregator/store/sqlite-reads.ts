import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { EVENT_CLASSES } from '../../shared/protocol.ts';
import type { SectionName } from '../../shared/report.ts';
import { SEVERITIES } from '../../shared/results.ts';
import { decodePageToken, encodePageToken } from './page-token.ts';
import { integer, integerOrNull, type Row, text, textOrNull } from './sqlite-row.ts';
import { SqliteSections } from './sqlite-sections.ts';
import type {
  EventQuery,
  IndexedSection,
  ItemQuery,
  ItemRow,
  OutcomeCount,
  Page,
  StoredNode,
  StoredSection,
  Variant,
} from './store.ts';
import { type OutcomeTally, summarize } from './summary.ts';

/** The questions the store answers; none of them writes. */
export class SqliteReads {
  readonly #database: DatabaseSync;
  readonly #sections: SqliteSections;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sections = new SqliteSections(database);
  }

  nodes(): readonly StoredNode[] {
    const tallies = new Map<number, OutcomeTally[]>();
    const grouped = this.#database.prepare(
      'SELECT node, section, outcome, count(*) AS count FROM item GROUP BY node, section, outcome',
    );
    for (const row of grouped.iterate()) {
      const node = integer(row, 'node');
      const ofNode = tallies.get(node) ?? [];
      tallies.set(node, ofNode);
      const [section, outcome] = [text(row, 'section'), text(row, 'outcome')];
      ofNode.push({ section, outcome, count: integer(row, 'count') });
    }
    const rows = this.#database.prepare('SELECT * FROM node ORDER BY name, id').all();
    return rows.map((row) => {
      const id = integer(row, 'id');
      return {
        uid: text(row, 'uid'),
        name: text(row, 'name'),
        pool: text(row, 'pool'),
        session: integer(row, 'session'),
        agentVersion: textOrNull(row, 'agent_version'),
        hostName: textOrNull(row, 'host_name'),
        machineId: textOrNull(row, 'machine_id'),
        bootId: textOrNull(row, 'boot_id'),
        firstSeenMs: integer(row, 'first_seen'),
        lastSeenMs: integer(row, 'last_seen'),
        retiredAtMs: integerOrNull(row, 'retired_at'),
        sections: this.#sections.hashes(id),
        summary: summarize(tallies.get(id) ?? []),
        lost: integer(row, 'lost'),
      };
    });
  }

  section(uid: string, name: SectionName, asOfMs?: number): StoredSection | undefined {
    const row = this.#database.prepare('SELECT id FROM node WHERE uid = ?').get(uid);
    return row === undefined ? undefined : this.#sections.read(integer(row, 'id'), name, asOfMs);
  }

  items(query: ItemQuery): Page<ItemRow> {
    const where = new Conditions();
    where.add('item.section = ?', query.section);
    where.add('node.retired_at IS NULL');
    if (query.node !== undefined) where.add('item.node_name = ?', query.node);
    if (query.subject !== undefined) where.add('item.subject = ?', query.subject);
    where.addAnyOf('item.outcome', query.outcomes);
    where.addAnyOf('item.severity', query.severities);
    if (query.after !== undefined) {
      const after = decodePageToken(query.after, ['number', 'string', 'string', 'number']);
      where.add('(item.rank, item.node_name, item.subject, item.id) > (?, ?, ?, ?)', ...after);
    }
    const rows = this.#database
      .prepare(
        `SELECT item.* FROM item JOIN node ON node.id = item.node WHERE ${where}
           ORDER BY item.rank, item.node_name, item.subject, item.id LIMIT ?`,
      )
      .all(...where.values, query.limit + 1);
    return page(rows, query.limit, readItem, (row) => [
      integer(row, 'rank'),
      text(row, 'node_name'),
      text(row, 'subject'),
      integer(row, 'id'),
    ]);
  }

  outcomes(section: IndexedSection): readonly OutcomeCount[] {
    return this.#database
      .prepare(
        `SELECT subject, outcome, severity, count(DISTINCT item.node) AS nodes, min(rank) AS rank, body
           FROM item JOIN node ON node.id = item.node
           WHERE section = ? AND retired_at IS NULL
           GROUP BY subject, outcome, severity ORDER BY rank, subject`,
      )
      .all(section)
      .map((row) => ({
        subject: text(row, 'subject'),
        outcome: text(row, 'outcome'),
        severity: SEVERITIES.find((known) => known === row['severity']) ?? '',
        nodes: integer(row, 'nodes'),
        sample: readJson(row, 'body'),
      }));
  }

  variants(section: IndexedSection, key: string): readonly Variant[] {
    const rows = this.#database
      .prepare(
        `SELECT body, json_group_array(node_name ORDER BY node_name) AS nodes FROM item
           JOIN node ON node.id = item.node
           WHERE section = ? AND subject = ? AND key = subject AND retired_at IS NULL
           GROUP BY body ORDER BY count(*) DESC, body`,
      )
      .all(section, key);
    // What json_group_array made of a column of text.
    return rows.map((row) => ({
      item: readJson(row, 'body'),
      nodes: readJson(row, 'nodes') as string[],
    }));
  }

  events(query: EventQuery): Page<EventRecord> {
    const where = new Conditions();
    if (query.kind !== undefined) where.add('event.kind = ?', query.kind);
    if (query.class !== undefined) where.add('event.class = ?', query.class);
    if (query.sinceMs !== undefined) {
      // Arrival is by id, and time nearly so: the bound keeps the search from going through all that is older. The
      // plus makes SQLite look in the index on time, not through the table in the order of id.
      where.add('event.id >= (SELECT min(+id) FROM event WHERE received_at >= ?)', query.sinceMs);
      where.add('event.received_at >= ?', query.sinceMs);
    }
    if (query.after !== undefined) {
      where.add('event.id < ?', ...decodePageToken(query.after, ['number']));
    }
    const rows =
      query.node === undefined
        ? this.#eventRows(where, query.limit)
        : this.#eventRowsOf(query.node, where, query.limit);
    return page(rows, query.limit, readEvent, (row) => [integer(row, 'id')]);
  }

  /** Several nodes may have had one name: for each the index gives its newest, and of those the newest are taken. */
  #eventRowsOf(name: string, where: Conditions, limit: number): readonly Row[] {
    return this.#database
      .prepare('SELECT id FROM node WHERE name = ?')
      .all(name)
      .flatMap((node) => this.#eventRows(where.and('event.node = ?', integer(node, 'id')), limit))
      .sort((a, b) => integer(b, 'id') - integer(a, 'id'))
      .slice(0, limit + 1);
  }

  #eventRows(where: Conditions, limit: number): readonly Row[] {
    return this.#database
      .prepare(
        `SELECT event.*, spool.epoch, node.name AS node_name FROM event
           JOIN spool ON spool.id = event.spool JOIN node ON node.id = event.node
           WHERE ${where} ORDER BY event.id DESC LIMIT ?`,
      )
      .all(...where.values, limit + 1);
  }

  sizeBytes(): number {
    const [pages] = this.#database.prepare('PRAGMA page_count').all();
    const [size] = this.#database.prepare('PRAGMA page_size').all();
    return Number(pages?.['page_count']) * Number(size?.['page_size']);
  }
}

/** Conditions of a WHERE clause; values never become part of the text. */
class Conditions {
  readonly #conditions: string[] = ['1 = 1'];
  readonly values: SQLInputValue[] = [];

  add(condition: string, ...values: readonly SQLInputValue[]): void {
    this.#conditions.push(condition);
    this.values.push(...values);
  }

  /** These conditions and one more. */
  and(condition: string, ...values: readonly SQLInputValue[]): Conditions {
    const both = new Conditions();
    for (const each of this.#conditions) both.add(each);
    both.values.push(...this.values);
    both.add(condition, ...values);
    return both;
  }

  addAnyOf(column: string, values: readonly string[] | undefined): void {
    if (values === undefined) return;
    this.add(`${column} IN (${values.map(() => '?').join(', ')})`, ...values);
  }

  toString(): string {
    return this.#conditions.join(' AND ');
  }
}

/** One row more than asked for was read, to know whether there is a next page. */
function page<T>(
  rows: readonly Row[],
  limit: number,
  read: (row: Row) => T,
  place: (row: Row) => readonly (string | number)[],
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? encodePageToken(place(last)) : undefined;
  return { rows: shown.map(read), ...(next === undefined ? {} : { next }) };
}

function readItem(row: Row): ItemRow {
  return { node: text(row, 'node_name'), key: text(row, 'key'), item: readJson(row, 'body') };
}

function readEvent(row: Row): EventRecord {
  return {
    node: text(row, 'node_name'),
    epoch: text(row, 'epoch'),
    sequence: integer(row, 'sequence'),
    at: text(row, 'at'),
    receivedAt: rfc3339(integer(row, 'received_at')),
    kind: text(row, 'kind'),
    class: EVENT_CLASSES.find((known) => known === row['class']) ?? 'high',
    // Written from an object of JSON members.
    data: readJson(row, 'data') as EventRecord['data'],
  };
}

function readJson(row: Row, column: string): Json {
  // What this program wrote with JSON.stringify.
  return JSON.parse(text(row, column)) as Json;
}
