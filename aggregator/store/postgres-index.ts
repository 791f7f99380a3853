import { createHash } from 'node:crypto';
import type { Query } from './postgres-connection.ts';
import { blob, integer, text, truth } from './row.ts';
import { type IndexChange, type IndexRow, planIndex } from './section-change.ts';
import type { IndexedSection } from './store.ts';
import type { KeyedItems } from './stored-node.ts';
import { type Tally, tallyOf } from './summary.ts';

/** Things known by heart; more are looked up again. */
const REMEMBERED = 50_000;

interface Thing {
  readonly digest: Buffer;
  readonly section: IndexedSection;
  readonly key: string;
  readonly subject: string;
}

/** The index over the items of all nodes, as in `SqliteIndex`, a few statements a section. */
export class PostgresIndex {
  /** By digest in hex. One that is gone meanwhile makes a write fail, after which all are forgotten. */
  readonly #things = new Map<string, number>();

  forget(): void {
    this.#things.clear();
  }

  async follow(
    query: Query,
    node: number,
    section: IndexedSection,
    set: KeyedItems,
    removed: KeyedItems,
    isKnown: boolean,
  ): Promise<Tally> {
    const rows = isKnown ? await rowsOf(query, node, section) : new Map<string, IndexRow>();
    const change = planIndex(section, rows, set, removed);
    if (change.remove.length > 0) {
      await query('DELETE FROM item WHERE node = $1 AND section = $2 AND thing = ANY($3)', [
        node,
        section,
        change.remove.map(({ thing }) => thing),
      ]);
    }
    if (change.write.length > 0) await this.#write(query, node, section, change);
    return tallyOf(change.ranks);
  }

  async #write(
    query: Query,
    node: number,
    section: IndexedSection,
    { write }: IndexChange,
  ): Promise<void> {
    const things = write.map(({ key, subject }) => thingOf(section, key, subject));
    const ids = await this.#learn(query, things);
    await query(
      // The column `variant` is of earlier versions, and empty: those may still run on the same database.
      `INSERT INTO item (node, section, thing, rank, variant, item)
         SELECT $1, $2, row.thing, row.rank, '', row.item
           FROM unnest($3::int[], $4::smallint[], $5::text[]) AS row (thing, rank, item)
         ON CONFLICT (node, section, thing) DO UPDATE SET
           rank = excluded.rank, item = excluded.item`,
      [
        node,
        section,
        things.map(({ digest }) => ids.get(digest.toString('hex'))),
        write.map(({ rank }) => rank),
        write.map(({ item }) => item),
      ],
    );
  }

  /** Ids by digest in hex. Held apart from what is remembered, which another connection's failure may clear meanwhile. */
  async #learn(query: Query, things: readonly Thing[]): Promise<ReadonlyMap<string, number>> {
    if (this.#things.size >= REMEMBERED) this.#things.clear();
    const ids = new Map<string, number>();
    for (const { digest } of things) {
      const id = this.#things.get(digest.toString('hex'));
      if (id !== undefined) ids.set(digest.toString('hex'), id);
    }
    const unknown = (): readonly Thing[] =>
      things.filter(({ digest }) => !ids.has(digest.toString('hex')));
    await this.#find(query, unknown(), ids);
    // In one order, so that two aggregators cannot wait for each other.
    const missing = unknown().toSorted((a, b) => Buffer.compare(a.digest, b.digest));
    if (missing.length === 0) return ids;
    await query(
      `INSERT INTO thing (digest, section, key, subject)
         SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[])
         ON CONFLICT (digest) DO NOTHING`,
      [
        missing.map(({ digest }) => digest),
        missing.map(({ section }) => section),
        missing.map(({ key }) => key),
        missing.map(({ subject }) => subject),
      ],
    );
    await this.#find(query, missing, ids);
    return ids;
  }

  async #find(query: Query, things: readonly Thing[], ids: Map<string, number>): Promise<void> {
    if (things.length === 0) return;
    const digests = things.map(({ digest }) => digest);
    const found = await query('SELECT id, digest FROM thing WHERE digest = ANY($1)', [digests]);
    for (const row of found) {
      const [digest, id] = [Buffer.from(blob(row, 'digest')).toString('hex'), integer(row, 'id')];
      ids.set(digest, id);
      this.#things.set(digest, id);
    }
  }
}

/** Forgets things that no item is about, so many at most; returns how many. */
export async function pruneThings(query: Query, most: number): Promise<number> {
  const gone = await query(
    `DELETE FROM thing WHERE id IN (
       SELECT id FROM thing WHERE NOT EXISTS (SELECT 1 FROM item WHERE item.thing = thing.id)
         LIMIT $1) RETURNING 1 AS one`,
    [most],
  );
  return gone.length;
}

async function rowsOf(
  query: Query,
  node: number,
  section: IndexedSection,
): Promise<ReadonlyMap<string, IndexRow>> {
  const rows = await query(
    `SELECT thing.key, thing.subject, item.thing, item.rank,
         item.item IS NOT NULL AS is_kept
       FROM item JOIN thing ON thing.id = item.thing WHERE item.node = $1 AND item.section = $2`,
    [node, section],
  );
  return new Map(
    rows.map((row) => [
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

function thingOf(section: IndexedSection, key: string, subject: string): Thing {
  const digest = createHash('sha256').update(`${section}\0${key}\0${subject}`).digest();
  return { digest, section, key, subject };
}
