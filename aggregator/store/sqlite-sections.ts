import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { SectionName } from '../../shared/report.ts';
import { type SectionsOf, sectionsOf } from './node-row.ts';
import { blob, integer, type Row, text } from './row.ts';
import { decodeItems, encodeItems } from './section-body.ts';
import { applied, type Plan, planChange } from './section-change.ts';
import { SqliteIndex } from './sqlite-index.ts';
import { type Applied, INDEXED_SECTIONS, type SectionChange, type StoredSection } from './store.ts';
import type { Tally } from './summary.ts';

/** Superseded versions kept of one section, so that one that changes all the time cannot fill the disk. */
const HISTORY_VERSIONS = 200;

/** Sections in the database: one compressed body each, and an index of those asked over all nodes. */
export class SqliteSections {
  readonly #index: SqliteIndex;
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(database: DatabaseSync) {
    this.#index = new SqliteIndex(database);
    this.#statements = prepareAll(database);
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#index.forget();
  }

  of(node: number): SectionsOf {
    return sectionsOf(this.#statements.ofNode.all(node));
  }

  /** To be called inside a transaction. */
  apply(node: number, change: SectionChange): Applied {
    const row = this.#statements.section.get(node, change.section);
    const before = row === undefined ? undefined : { hash: text(row, 'hash') };
    const isNeeded = row !== undefined && before?.hash !== change.to;
    const old = isNeeded ? decodeItems(this.#body(row)) : new Map();
    const plan = planChange(change, before, old);
    if (plan.kind === 'baseUnknown' || plan.kind === 'mismatch') return plan;
    if (plan.kind === 'changed') this.#write(node, change, plan, row !== undefined);
    return applied(change, plan, this.of(node).summary);
  }

  /** Whether something is known of the section for a time. */
  isKnown(node: number, name: SectionName, asOfMs: number): boolean {
    return this.#row(node, name, asOfMs) !== undefined;
  }

  read(node: number, name: SectionName, asOfMs?: number): StoredSection | undefined {
    const row = this.#row(node, name, asOfMs);
    if (row === undefined) return undefined;
    const items = decodeItems(this.#body(row));
    return { hash: text(row, 'hash'), asOfMs: integer(row, 'as_of'), items };
  }

  #row(node: number, name: SectionName, asOfMs: number | undefined): Row | undefined {
    const current = this.#statements.section.get(node, name);
    const isCurrent = current !== undefined && integer(current, 'since') <= (asOfMs ?? Infinity);
    if (isCurrent || asOfMs === undefined) return current;
    return this.#statements.sectionAsOf.get(node, name, asOfMs, asOfMs);
  }

  #body(row: Row): Uint8Array {
    const found = this.#statements.body.get(integer(row, 'body'));
    if (found === undefined) throw new TypeError('a section without its body');
    return blob(found, 'data');
  }

  #write(
    node: number,
    change: SectionChange,
    { items, set, removed }: Plan & { readonly kind: 'changed' },
    isKnown: boolean,
  ): void {
    const { section, to, asOfMs, receivedAtMs } = change;
    const { keepSection, capHistory, writeSection } = this.#statements;
    if (isKnown) {
      keepSection.run(receivedAtMs, node, section);
      this.#dropBodies(capHistory.all(node, section, node, section, HISTORY_VERSIONS));
    }
    const indexed = INDEXED_SECTIONS.find((known) => known === section);
    const tally: Tally =
      indexed === undefined ? [] : this.#index.follow(node, indexed, set, removed, isKnown);
    const body = this.#bodyOf(to) ?? this.#keepBody(to, encodeItems(items));
    writeSection.run(node, section, body, asOfMs, receivedAtMs, JSON.stringify(tally));
  }

  /** Forgets versions that were superseded before a time, so many at most; returns how many. */
  prune(beforeMs: number, most: number): number {
    const gone = this.#statements.pruneHistory.all(beforeMs, most);
    this.#dropBodies(gone);
    return gone.length;
  }

  #dropBodies(versions: readonly Row[]): void {
    for (const body of new Set(versions.map((row) => integer(row, 'body')))) {
      this.#statements.dropBody.run(body, body, body);
    }
  }

  #bodyOf(hash: string): number | undefined {
    const row = this.#statements.bodyOf.get(hash);
    return row === undefined ? undefined : integer(row, 'id');
  }

  #keepBody(hash: string, data: Uint8Array): number {
    return Number(this.#statements.keepBody.run(hash, data).lastInsertRowid);
  }
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    ofNode: prepare(
      `SELECT name, hash, tally FROM section JOIN body ON body.id = section.body WHERE node = ?`,
    ),
    section: prepare(
      `SELECT body, hash, as_of, since FROM section JOIN body ON body.id = section.body
         WHERE node = ? AND name = ?`,
    ),
    sectionAsOf: prepare(
      `SELECT body, hash, as_of FROM section_history JOIN body ON body.id = section_history.body
         WHERE node = ? AND name = ? AND since <= ? AND until > ? ORDER BY until LIMIT 1`,
    ),
    body: prepare('SELECT data FROM body WHERE id = ?'),
    bodyOf: prepare('SELECT id FROM body WHERE hash = ?'),
    keepBody: prepare('INSERT INTO body (hash, data) VALUES (?, ?)'),
    keepSection: prepare(
      `INSERT INTO section_history (node, name, body, as_of, since, until)
         SELECT node, name, body, as_of, since, ? FROM section WHERE node = ? AND name = ?`,
    ),
    capHistory: prepare(
      `DELETE FROM section_history WHERE node = ? AND name = ? AND until < (
         SELECT until FROM section_history WHERE node = ? AND name = ?
           ORDER BY until DESC LIMIT 1 OFFSET ?) RETURNING body`,
    ),
    pruneHistory: prepare(
      `DELETE FROM section_history
         WHERE id IN (SELECT id FROM section_history WHERE until < ? LIMIT ?) RETURNING body`,
    ),
    dropBody: prepare(
      `DELETE FROM body WHERE id = ?
         AND NOT EXISTS (SELECT 1 FROM section WHERE body = ?)
         AND NOT EXISTS (SELECT 1 FROM section_history WHERE body = ?)`,
    ),
    writeSection: prepare(
      `INSERT INTO section (node, name, body, as_of, since, tally) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (node, name) DO UPDATE SET
           body = excluded.body, as_of = excluded.as_of, since = excluded.since,
           tally = excluded.tally`,
    ),
  };
}
