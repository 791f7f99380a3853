import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import { canonicalJson, type Json } from '../../shared/canonical.ts';
import type { Hashes } from '../../shared/protocol.ts';
import { EMPTY_HASH, hashItems, SECTIONS, type SectionName } from '../../shared/report.ts';
import { indexItem } from './items.ts';
import { blob, integer, text } from './sqlite-row.ts';
import {
  type Applied,
  INDEXED_SECTIONS,
  type IndexedSection,
  type KeyedItems,
  type NodeSummary,
  type SectionChange,
  type StoredSection,
} from './store.ts';
import { summarize } from './summary.ts';

/** Superseded versions kept of one section, so that one that changes all the time cannot fill the disk. */
const HISTORY_VERSIONS = 200;

/**
 * Sections in the database: one compressed blob each, which is the truth, and for those asked over all nodes one
 * row an item. To be called inside a transaction.
 */
export class SqliteSections {
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(database: DatabaseSync) {
    this.#statements = prepareAll(database);
  }

  hashes(node: number): Hashes {
    const hashes: Partial<Record<SectionName, string>> = {};
    for (const row of this.#statements.hashes.all(node)) {
      const name = SECTIONS.find((known) => known === text(row, 'name'));
      if (name !== undefined) hashes[name] = text(row, 'hash');
    }
    return hashes;
  }

  apply(node: number, nodeName: string, change: SectionChange): Applied {
    const before = this.read(node, change.section);
    const hash = before?.hash ?? EMPTY_HASH;
    const applied = (set: KeyedItems, removed: KeyedItems): Applied => {
      return { kind: 'applied', hash: change.to, set, removed, summary: this.summary(node) };
    };
    if (before !== undefined && hash === change.to) return applied([], []);
    if (change.mode === 'delta' && change.base !== hash) return { kind: 'baseUnknown' };

    const old = before?.items ?? new Map<string, Json>();
    const items = new Map(change.mode === 'delta' ? old : []);
    for (const key of change.remove) items.delete(key);
    for (const [key, item] of change.upsert) items.set(key, item);
    const found = hashItems(items);
    if (found !== change.to) return { kind: 'mismatch', hash: found };

    const set = change.upsert.filter(([key, item]) => {
      const was = old.get(key);
      return was === undefined || canonicalJson(was) !== canonicalJson(item);
    });
    const removed = [...old].filter(([key]) => !items.has(key));
    this.#write(node, change, before, items);
    const section = INDEXED_SECTIONS.find((indexed) => indexed === change.section);
    if (section !== undefined) this.#index(node, nodeName, section, set, removed);
    return applied(set, removed);
  }

  read(node: number, name: SectionName, asOfMs?: number): StoredSection | undefined {
    const current = this.#statements.section.get(node, name);
    const row =
      asOfMs === undefined || (current !== undefined && integer(current, 'since') <= asOfMs)
        ? current
        : this.#statements.sectionAsOf.get(node, name, asOfMs, asOfMs);
    if (row === undefined) return undefined;
    const pairs: unknown = JSON.parse(gunzipSync(blob(row, 'body')).toString());
    return {
      hash: text(row, 'hash'),
      asOfMs: integer(row, 'as_of'),
      // Written by #write below.
      items: new Map(pairs as [string, Json][]),
    };
  }

  summary(node: number): NodeSummary {
    return summarize(
      this.#statements.tallies.all(node).map((row) => ({
        section: text(row, 'section'),
        outcome: text(row, 'outcome'),
        count: integer(row, 'count'),
      })),
    );
  }

  #write(
    node: number,
    change: SectionChange,
    before: StoredSection | undefined,
    items: ReadonlyMap<string, Json>,
  ): void {
    const { section, to, asOfMs, receivedAtMs } = change;
    if (before !== undefined) {
      this.#statements.keepSection.run(receivedAtMs, node, section);
      this.#statements.capHistory.run(node, section, node, section, HISTORY_VERSIONS);
    }
    const body = gzipSync(JSON.stringify([...items]), { level: 1 });
    this.#statements.writeSection.run(node, section, to, asOfMs, receivedAtMs, body);
  }

  #index(
    node: number,
    nodeName: string,
    section: IndexedSection,
    set: KeyedItems,
    removed: KeyedItems,
  ): void {
    for (const [key] of removed) this.#statements.removeItem.run(node, section, key);
    for (const [key, item] of set) {
      const index = indexItem(section, key, item);
      if (index === undefined) {
        this.#statements.removeItem.run(node, section, key);
        continue;
      }
      const { subject, outcome, severity, rank } = index;
      const body = JSON.stringify(item);
      const { writeItem } = this.#statements;
      writeItem.run(node, section, key, rank, nodeName, subject, outcome, severity, body);
    }
  }
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    hashes: prepare('SELECT name, hash FROM section WHERE node = ?'),
    section: prepare('SELECT hash, as_of, since, body FROM section WHERE node = ? AND name = ?'),
    sectionAsOf: prepare(
      `SELECT hash, as_of, body FROM section_history
         WHERE node = ? AND name = ? AND since <= ? AND until > ? ORDER BY until LIMIT 1`,
    ),
    keepSection: prepare(
      `INSERT INTO section_history (node, name, as_of, since, until, hash, body)
         SELECT node, name, as_of, since, ?, hash, body FROM section WHERE node = ? AND name = ?`,
    ),
    capHistory: prepare(
      `DELETE FROM section_history WHERE node = ? AND name = ? AND until < (
         SELECT until FROM section_history WHERE node = ? AND name = ?
           ORDER BY until DESC LIMIT 1 OFFSET ?)`,
    ),
    writeSection: prepare(
      `INSERT INTO section (node, name, hash, as_of, since, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (node, name) DO UPDATE SET
           hash = excluded.hash, as_of = excluded.as_of, since = excluded.since, body = excluded.body`,
    ),
    writeItem: prepare(
      `INSERT INTO item (node, section, key, rank, node_name, subject, outcome, severity, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (node, section, key) DO UPDATE SET
           rank = excluded.rank, node_name = excluded.node_name, subject = excluded.subject,
           outcome = excluded.outcome, severity = excluded.severity, body = excluded.body`,
    ),
    removeItem: prepare('DELETE FROM item WHERE node = ? AND section = ? AND key = ?'),
    tallies: prepare(
      'SELECT section, outcome, count(*) AS count FROM item WHERE node = ? GROUP BY section, outcome',
    ),
  };
}
