import { canonicalJson, type Json } from '../shared/canonical.ts';
import type { Hashes } from '../shared/protocol.ts';
import {
  EMPTY_HASH,
  hashItems,
  hashRoot,
  type Items,
  SECTIONS,
  type SectionName,
} from '../shared/report.ts';

export interface Section {
  readonly hash: string;
  readonly items: Items;
}

/** An item that would not fit a frame is replaced by one that says so. */
const MAX_ITEM_BYTES = 262_144;
const EMPTY: Section = { hash: EMPTY_HASH, items: new Map() };

/** What the agent knows of its node now, section by section, as it is to stand at the aggregator. */
export class NodeState {
  readonly #sections = new Map<SectionName, Section>();
  readonly #listeners = new Set<(name: SectionName) => void>();

  section(name: SectionName): Section {
    return this.#sections.get(name) ?? EMPTY;
  }

  get hashes(): Hashes {
    return Object.fromEntries(SECTIONS.map((name) => [name, this.section(name).hash]));
  }

  get rootHash(): string {
    return hashRoot(this.hashes);
  }

  /** Puts new items in place of a section's; false when they say the same. */
  replace(name: SectionName, items: Items): boolean {
    const bounded: Items = new Map([...items].map(([key, item]) => [key, boundedItem(item)]));
    const hash = hashItems(bounded);
    if (hash === this.section(name).hash) return false;
    this.#sections.set(name, { hash, items: bounded });
    for (const listener of this.#listeners) listener(name);
    return true;
  }

  /** Told after a section changed; the returned function ends it. */
  onChange(listener: (name: SectionName) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function boundedItem(item: Json): Json {
  const bytes = Buffer.byteLength(canonicalJson(item));
  return bytes <= MAX_ITEM_BYTES ? item : { tooLarge: true, bytes };
}
