import type { SectionName } from '../../shared/report.ts';
import { type SectionsOf, sectionsOf } from './node-row.ts';
import type { Query } from './postgres-connection.ts';
import { PostgresIndex } from './postgres-index.ts';
import type { Known } from './postgres-known.ts';
import { blob, integer, must, type Row, text } from './row.ts';
import { decodeItemsBeside, encodeItemsBeside } from './section-body.ts';
import { applied, type Plan, planChange } from './section-change.ts';
import { type Applied, INDEXED_SECTIONS, type SectionChange, type StoredSection } from './store.ts';
import type { Tally } from './summary.ts';

/** Superseded versions kept of one section, so that one that changes all the time cannot fill the disk. */
const HISTORY_VERSIONS = 200;

/** Sections in the database: one compressed body each, and an index of those asked over all nodes. */
export class PostgresSections {
  readonly #known: Known;
  readonly #index = new PostgresIndex();

  constructor(known: Known) {
    this.#known = known;
  }

  /** To be called when a transaction was rolled back. */
  forget(): void {
    this.#index.forget();
  }

  async of(query: Query, node: number): Promise<SectionsOf> {
    const rows = await query(
      'SELECT name, hash, tally FROM section JOIN body ON body.id = section.body WHERE node = $1',
      [node],
    );
    return sectionsOf(rows);
  }

  /** To be called inside a transaction that holds the node. */
  async apply(query: Query, node: number, change: SectionChange): Promise<Applied> {
    const [row] = await query(
      `SELECT body, hash FROM section JOIN body ON body.id = section.body
         WHERE node = $1 AND name = $2`,
      [node, change.section],
    );
    const before = row === undefined ? undefined : { hash: text(row, 'hash') };
    const isNeeded = row !== undefined && before?.hash !== change.to;
    const old = isNeeded ? await this.#items(query, row) : new Map();
    const plan = planChange(change, before, old);
    if (plan.kind === 'baseUnknown' || plan.kind === 'mismatch') return plan;
    if (plan.kind === 'changed') await this.#write(query, node, change, plan, row !== undefined);
    const { summary } = await this.of(query, node);
    return applied(change, plan, summary);
  }

  async read(
    query: Query,
    node: number,
    name: SectionName,
    asOfMs?: number,
  ): Promise<StoredSection | undefined> {
    const [row] = await query(
      asOfMs === undefined
        ? `SELECT data, hash, as_of FROM section JOIN body ON body.id = body
             WHERE node = $1 AND name = $2`
        : AS_OF,
      [node, name, ...(asOfMs === undefined ? [] : [asOfMs])],
    );
    if (row === undefined) return undefined;
    const items = await decodeItemsBeside(blob(row, 'data'));
    return { hash: text(row, 'hash'), asOfMs: integer(row, 'as_of'), items };
  }

  /** Forgets versions that were superseded before a time, so many at most; returns how many. */
  async prune(query: Query, beforeMs: number, most: number): Promise<number> {
    const gone = await query(
      `DELETE FROM section_history WHERE id IN (
         SELECT id FROM section_history WHERE until < $1 LIMIT $2) RETURNING body`,
      [beforeMs, most],
    );
    await dropBodies(query, gone);
    return gone.length;
  }

  async #items(query: Query, row: Row): Promise<StoredSection['items']> {
    const [found] = await query('SELECT data FROM body WHERE id = $1', [integer(row, 'body')]);
    return await decodeItemsBeside(blob(must(found), 'data'));
  }

  async #write(
    query: Query,
    node: number,
    change: SectionChange,
    { items, set, removed }: Plan & { readonly kind: 'changed' },
    isKnown: boolean,
  ): Promise<void> {
    const { section, to, asOfMs, receivedAtMs } = change;
    if (isKnown) await keepVersion(query, node, section, receivedAtMs);
    const indexed = INDEXED_SECTIONS.find((known) => known === section);
    const tally: Tally =
      indexed === undefined
        ? []
        : await this.#index.follow(query, node, indexed, set, removed, isKnown);
    const body =
      (await bodyOf(query, to)) ?? (await keepBody(query, to, await encodeItemsBeside(items)));
    // As with events: known as our own before it can come back as news.
    this.#known.section(node, section, to);
    await query(
      `WITH changed AS (UPDATE node SET changed = pg_current_xact_id() WHERE id = $1)
       INSERT INTO section (node, name, body, as_of, since, tally) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (node, name) DO UPDATE SET
           body = excluded.body, as_of = excluded.as_of, since = excluded.since,
           tally = excluded.tally`,
      [node, section, body, asOfMs, receivedAtMs, JSON.stringify(tally)],
    );
  }
}

/** The version in force at a time, current or superseded: node, name, time. */
const AS_OF = `
  SELECT data, hash, as_of FROM (
    SELECT body, as_of, since FROM section WHERE node = $1 AND name = $2 AND since <= $3
    UNION ALL
    (SELECT body, as_of, since FROM section_history
      WHERE node = $1 AND name = $2 AND since <= $3 AND until > $3 ORDER BY until LIMIT 1)
  ) AS version JOIN body ON body.id = version.body ORDER BY since DESC LIMIT 1`;

async function keepVersion(
  query: Query,
  node: number,
  section: SectionName,
  untilMs: number,
): Promise<void> {
  await query(
    `INSERT INTO section_history (node, name, body, as_of, since, until)
       SELECT node, name, body, as_of, since, $3 FROM section WHERE node = $1 AND name = $2`,
    [node, section, untilMs],
  );
  const gone = await query(
    `DELETE FROM section_history WHERE node = $1 AND name = $2 AND until < (
       SELECT until FROM section_history WHERE node = $1 AND name = $2
         ORDER BY until DESC LIMIT 1 OFFSET $3) RETURNING body`,
    [node, section, HISTORY_VERSIONS],
  );
  await dropBodies(query, gone);
}

/** Another aggregator that has begun to use one of them makes this transaction fail; it is then tried again. */
async function dropBodies(query: Query, versions: readonly Row[]): Promise<void> {
  if (versions.length === 0) return;
  await query(
    `DELETE FROM body WHERE id = ANY($1)
       AND NOT EXISTS (SELECT 1 FROM section WHERE section.body = body.id)
       AND NOT EXISTS (SELECT 1 FROM section_history WHERE section_history.body = body.id)`,
    [[...new Set(versions.map((row) => integer(row, 'body')))]],
  );
}

async function bodyOf(query: Query, hash: string): Promise<number | undefined> {
  const [row] = await query('SELECT id FROM body WHERE hash = $1', [hash]);
  return row && integer(row, 'id');
}

async function keepBody(query: Query, hash: string, data: Uint8Array): Promise<number> {
  const [row] = await query(
    'INSERT INTO body (hash, data) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING RETURNING id',
    [hash, data],
  );
  // Another aggregator was first.
  if (row === undefined)
    return integer(must((await query('SELECT id FROM body WHERE hash = $1', [hash]))[0]), 'id');
  return integer(row, 'id');
}
