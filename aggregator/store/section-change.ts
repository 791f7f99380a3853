import { canonicalJson, type Json } from '../../shared/canonical.ts';
import { EMPTY_HASH, hashItems, type Items } from '../../shared/report.ts';
import { type ItemIndex, indexItem, keptItem } from './items.ts';
import type { Applied, IndexedSection, SectionChange, StoredSection } from './store.ts';
import type { KeyedItems, NodeSummary } from './stored-node.ts';
import { storable } from './text.ts';

/** What a change comes to, before anything is written. */
export type Plan =
  | { readonly kind: 'same' }
  | Extract<Applied, { readonly kind: 'baseUnknown' | 'mismatch' }>
  | {
      readonly kind: 'changed';
      readonly items: Items;
      readonly set: KeyedItems;
      readonly removed: KeyedItems;
    };

/** Decides on a change by what is held, of which `items` is asked only when the hashes do not decide. */
export function planChange(
  change: SectionChange,
  before: Pick<StoredSection, 'hash'> | undefined,
  old: Items,
): Plan {
  const hash = before?.hash ?? EMPTY_HASH;
  if (before !== undefined && hash === change.to) return { kind: 'same' };
  if (change.mode === 'delta' && change.base !== hash) return { kind: 'baseUnknown' };
  const items = new Map(change.mode === 'delta' ? old : []);
  for (const key of change.remove) items.delete(key);
  for (const [key, item] of change.upsert) items.set(key, item);
  const found = hashItems(items);
  if (found !== change.to) return { kind: 'mismatch', hash: found };
  return { kind: 'changed', items, ...differences(old, items, change.upsert) };
}

/** The answer to a change that has been written, or that changed nothing. */
export function applied(
  { to, upsert }: SectionChange,
  plan: Extract<Plan, { readonly kind: 'same' | 'changed' }>,
  summary: NodeSummary,
): Applied {
  const { set, removed } = plan.kind === 'changed' ? plan : { set: [], removed: [] };
  const keys = new Set(set.map(([key]) => key));
  const isAll = plan.kind === 'same' || keys.size === upsert.length;
  const unchanged = isAll ? [] : upsert.map(([key]) => key).filter((key) => !keys.has(key));
  return {
    kind: 'applied',
    hash: to,
    changed: set.length + removed.length,
    unchanged,
    removed,
    summary,
  };
}

function differences(
  old: Items,
  items: Items,
  upsert: KeyedItems,
): { readonly set: KeyedItems; readonly removed: KeyedItems } {
  if (old.size === 0) return { set: [...items], removed: [] };
  return {
    set: upsert.filter(([key, item]) => !isSame(old.get(key), item)),
    removed: [...old].filter(([key]) => !items.has(key)),
  };
}

/** Items that changed from one state of a section to another. */
export function compareItems(
  old: Items,
  items: Items,
): { readonly set: KeyedItems; readonly removed: KeyedItems } {
  return differences(old, items, [...items]);
}

/** Most items come back with their members in the order they had. */
function isSame(old: Json | undefined, item: Json): boolean {
  if (old === undefined) return false;
  return JSON.stringify(old) === JSON.stringify(item) || canonicalJson(old) === canonicalJson(item);
}

/** A row of the index that is there. */
export interface IndexRow {
  readonly thing: number;
  readonly subject: string;
  readonly rank: number;
  /** The item stands in it. */
  readonly isKept: boolean;
}

/** A row to be written. */
type IndexWrite = ItemIndex & {
  readonly key: string;
  /** The item itself, JSON, where the index keeps it. */
  readonly item: string | null;
};

/** How the index of a section follows its items: rows by the key they are kept under. */
export interface IndexChange {
  readonly write: readonly IndexWrite[];
  /** Rows that go, with the key they were under. */
  readonly remove: readonly (IndexRow & { readonly key: string })[];
  /** Ranks of all rows afterwards. */
  readonly ranks: readonly number[];
}

/**
 * `rows` are those of this section of this node, `set` the items that changed. Rows that say the same as before are not
 * written again.
 */
export function planIndex(
  section: IndexedSection,
  rows: ReadonlyMap<string, IndexRow>,
  set: KeyedItems,
  removed: KeyedItems,
): IndexChange {
  const after = new Map<string, ItemIndex>(rows);
  const write = new Map<string, IndexWrite>();
  const remove: (IndexRow & { readonly key: string })[] = [];
  const drop = (key: string): void => {
    after.delete(key);
    write.delete(key);
    const row = rows.get(key);
    if (row !== undefined) remove.push({ ...row, key });
  };
  for (const [key] of removed) drop(storable(key));
  for (const [ownKey, item] of set) {
    const key = storable(ownKey);
    const index = indexItem(section, ownKey, item);
    const row = rows.get(key);
    if (index === undefined) {
      drop(key);
      continue;
    }
    after.set(key, index);
    // A key that could not be kept as it is stands in the section alone.
    const kept = key === ownKey ? keptItem(section, index.rank, item) : null;
    const isSameThing = row?.subject === index.subject;
    const isSame = isSameThing && row.rank === index.rank;
    if (isSame && kept === null && !row.isKept) continue;
    if (row !== undefined && !isSameThing) remove.push({ ...row, key });
    write.set(key, { ...index, key, item: kept });
  }
  return {
    write: [...write.values()],
    remove,
    ranks: [...after.values()].map(({ rank }) => rank),
  };
}
