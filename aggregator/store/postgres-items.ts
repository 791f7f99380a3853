import type { Json } from '../../shared/canonical.ts';
import type { Items } from '../../shared/report.ts';
import { Conditions } from './conditions.ts';
import { type ItemPlace, keptRow, pageOf, placeAfter } from './item-page.ts';
import { bySubject, meaningOf, ranksOf } from './items.ts';
import { numbered, type Query } from './postgres-connection.ts';
import { blob, integer, type Row, text } from './row.ts';
import { decodeItemsBeside, itemOf } from './section-body.ts';
import type { IndexedSection, ItemQuery, ItemRow, OutcomeCount, Page } from './store.ts';

const COLUMNS = 'item.node, item.rank, item.item, node.name, thing.subject, thing.key';
const ORDER = 'item.rank, node.name, thing.subject, thing.key';

/** Questions over the items of all nodes, in a transaction that sees one state: found by the index, read from sections. */
export async function itemPage(query: Query, asked: ItemQuery): Promise<Page<ItemRow>> {
  const { section, limit } = asked;
  const after = placeAfter(asked.after);
  const ranks = ranksOf(section, asked.outcomes, asked.severities).filter(
    (rank) => after === undefined || rank >= after[0],
  );
  const isNarrow = asked.node !== undefined || asked.subject !== undefined;
  const rows: Row[] = [];
  // Rank by rank over all nodes: no more is sorted than the page holds.
  for (const some of isNarrow ? [ranks] : ranks.map((rank) => [rank])) {
    if (rows.length > limit) break;
    if (some.length > 0) {
      rows.push(...(await found(query, asked, some, after, limit + 1 - rows.length)));
    }
  }
  const others = rows.slice(0, limit).filter((row) => row['item'] === null);
  const sections = await sectionsFor(query, section, others);
  const read = (row: Row): ItemRow | undefined => keptRow(row) ?? readItem(row, sections);
  const { rows: shown, ...next } = pageOf(rows, limit, read, placeOf);
  return { rows: shown.filter((row) => row !== undefined), ...next };
}

async function found(
  query: Query,
  { section, node, subject }: ItemQuery,
  ranks: readonly number[],
  after: ItemPlace | undefined,
  most: number,
): Promise<readonly Row[]> {
  const where = new Conditions();
  where.add('item.section = ?', section);
  where.add('node.retired_at IS NULL');
  where.addAnyOf('item.rank', ranks);
  if (node !== undefined) where.add('node.name = ?', node);
  if (subject !== undefined) where.add('thing.subject = ?', subject);
  if (after !== undefined) where.add(`(${ORDER}) > (?, ?, ?, ?)`, ...after);
  return await query(
    numbered(
      `SELECT ${COLUMNS} FROM item JOIN node ON node.id = item.node
         JOIN thing ON thing.id = item.thing WHERE ${where} ORDER BY ${ORDER} LIMIT ?`,
    ),
    [...where.values, most],
  );
}

export async function outcomesOf(
  query: Query,
  section: IndexedSection,
  uids?: readonly string[],
): Promise<readonly OutcomeCount[]> {
  const groups = await query(
    `SELECT thing.subject, item.rank, count(DISTINCT item.node) AS nodes, min(item.node) AS node
       FROM item JOIN node ON node.id = item.node JOIN thing ON thing.id = item.thing
       WHERE item.section = $1 AND node.retired_at IS NULL
         AND ($2::text[] IS NULL OR node.uid = ANY($2))
       GROUP BY thing.subject, item.rank ORDER BY item.rank, thing.subject`,
    [section, uids ?? null],
  );
  const sections = await sectionsFor(query, section, groups);
  const samples = new Map<number, ReadonlyMap<string, Json>>();
  return groups.map((row) => {
    const node = integer(row, 'node');
    const ofNode = samples.get(node) ?? bySubject(section, sections.get(node) ?? new Map());
    samples.set(node, ofNode);
    const [subject, rank] = [text(row, 'subject'), integer(row, 'rank')];
    const sample = ofNode.get(`${rank} ${subject}`) ?? null;
    return { subject, ...meaningOf(section, rank), nodes: integer(row, 'nodes'), sample };
  });
}

/** The sections of the nodes of some rows. */
async function sectionsFor(
  query: Query,
  section: IndexedSection,
  rows: readonly Row[],
): Promise<ReadonlyMap<number, Items>> {
  const nodes = [...new Set(rows.map((row) => integer(row, 'node')))];
  if (nodes.length === 0) return new Map();
  const bodies = await query(
    `SELECT section.node, body.data FROM section JOIN body ON body.id = section.body
       WHERE section.name = $1 AND section.node = ANY($2)`,
    [section, nodes],
  );
  const sections = new Map<number, Items>();
  for (const row of bodies) {
    sections.set(integer(row, 'node'), await decodeItemsBeside(blob(row, 'data')));
  }
  return sections;
}

function readItem(row: Row, sections: ReadonlyMap<number, Items>): ItemRow | undefined {
  const item = itemOf(sections.get(integer(row, 'node')) ?? new Map(), text(row, 'key'));
  return item && { node: text(row, 'name'), key: item[0], item: item[1] };
}

function placeOf(row: Row): ItemPlace {
  return [integer(row, 'rank'), text(row, 'name'), text(row, 'subject'), text(row, 'key')];
}
