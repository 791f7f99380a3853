import { canonicalJson, type Json, sha256 } from './canonical.ts';

/** The parts a node's state is cut into; each converges by its hash alone. */
export const SECTIONS = ['host', 'checks', 'trust', 'files', 'images', 'agent'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Keyed items of one section; an item is any JSON object. */
export type Items = ReadonlyMap<string, Json>;

/** What one section changed to: `upsert` and `remove` applied to `base` give `to`. */
export interface SectionDelta {
  readonly base: string;
  readonly to: string;
  readonly upsert: readonly (readonly [key: string, item: Json])[];
  readonly remove: readonly string[];
}

/** SHA-256 over the sorted pairs of key and hash of the item's canonical JSON. */
export function hashItems(items: Items): string {
  const pairs: string[] = [];
  // In the order of their UTF-16 code units, as canonical JSON sorts members.
  for (const key of [...items.keys()].sort()) {
    const item = items.get(key) ?? null;
    pairs.push(`[${canonicalJson(key)},"${sha256(canonicalJson(item))}"]`);
  }
  return sha256(`[${pairs.join(',')}]`);
}

/** SHA-256 over the hashes of all sections, in the order of `SECTIONS`; a missing section counts as empty. */
export function hashRoot(hashes: Readonly<Partial<Record<SectionName, string>>>): string {
  return sha256(canonicalJson(SECTIONS.map((name): Json => [name, hashes[name] ?? EMPTY_HASH])));
}

export const EMPTY_HASH: string = hashItems(new Map());

/** What leads from `before` to `after`; undefined when they are equal. */
export function diffItems(before: Items, after: Items): SectionDelta | undefined {
  const base = hashItems(before);
  const to = hashItems(after);
  if (base === to) return undefined;
  const upsert = [...after].filter(([key, item]) => {
    const old = before.get(key);
    return old === undefined || canonicalJson(old) !== canonicalJson(item);
  });
  const remove = [...before.keys()].filter((key) => !after.has(key));
  return { base, to, upsert, remove };
}
