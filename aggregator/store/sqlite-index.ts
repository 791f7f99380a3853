import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { integer, text, truth } from './row.ts';
import { type IndexRow, planIndex } from './section-change.ts';
import type { IndexedSection } from './store.ts';
import type { KeyedItems } from './stored-node.ts';
import { type Tally, tallyOf } from './summary.ts';

/** Things known by heart; more are looked up again. */
const REMEMBERED = 50_000;

/** The index over the items of all nodes: integers only, so that a node's whole state is a few pages of it. */
export class SqliteIndex {
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #things = new Map<string, number>();

  constructor(database: DatabaseSync) {
    this.#statements = prepareAll(database);
  }

  /** Brings the rows of a section to its items; answers with what all rows add up to. */
  follow(
    node: number,
    section: IndexedSection,
    set: KeyedItems,
    removed: KeyedItems,
    isKnown: boolean,
  ): Tally {
    const rows = isKnown ? this.#rows(node, section) : new Map<string, IndexRow>();
    const change = planIndex(section, rows, set, removed);
    for (const { thing, key, subject } of change.remove) {
      this.#statements.remove.run(node, section, thing);
      if (Number(this.#statements.forgetThing.run(thing, thing).changes) === 0) continue;
      this.#things.delete(nameOf(section, key, subject));
    }
    for (const { key, subject, rank, item } of change.write) {
      const thing = this.#thing(section, key, subject);
      this.#statements.write.run(node, section, thing, rank, item);
    }
    return tallyOf(change.ranks);
  }

  #rows(node: number, section: IndexedSection): ReadonlyMap<string, IndexRow> {
    return new Map(
      this.#statements.rows.all(node, section).map((row) => [
        text(row, 'key'),
        {
          thing: integer(row, 'thing'),
          subject: text(row, 'subject'),
          rank: integer(row, 'rank'),
          isKept: truth(row, 'is_kept'),
        },
      ]),
    );
  }

  /** What was looked up in a transaction that was rolled back may not be there. */
  forget(): void {
    this.#things.clear();
  }

  #thing(section: IndexedSection, key: string, subject: string): number {
    const name = nameOf(section, key, subject);
    const known = this.#things.get(name);
    if (known !== undefined) return known;
    const row = this.#statements.thing.get(section, key, subject);
    if (row !== undefined) {
      if (this.#things.size >= REMEMBERED) this.#things.clear();
      const id = integer(row, 'id');
      this.#things.set(name, id);
      return id;
    }
    return Number(this.#statements.keepThing.run(section, key, subject).lastInsertRowid);
  }
}

function nameOf(section: IndexedSection, key: string, subject: string): string {
  return `${section}\0${key}\0${subject}`;
}

function prepareAll(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    rows: prepare(
      `SELECT thing.key, thing.subject, item.thing, item.rank,
           item.item IS NOT NULL AS is_kept
         FROM item JOIN thing ON thing.id = item.thing WHERE item.node = ? AND item.section = ?`,
    ),
    thing: prepare('SELECT id FROM thing WHERE section = ? AND key = ? AND subject = ?'),
    keepThing: prepare('INSERT INTO thing (section, key, subject) VALUES (?, ?, ?)'),
    // The column `variant` is of earlier versions, and empty; a migration would write every row anew for it.
    write: prepare(
      `INSERT INTO item (node, section, thing, rank, variant, item) VALUES (?, ?, ?, ?, '', ?)
         ON CONFLICT (node, section, thing) DO UPDATE SET
           rank = excluded.rank, item = excluded.item`,
    ),
    forgetThing: prepare(
      'DELETE FROM thing WHERE id = ? AND NOT EXISTS (SELECT 1 FROM item WHERE thing = ?)',
    ),
    remove: prepare('DELETE FROM item WHERE node = ? AND section = ? AND thing = ?'),
  };
}
