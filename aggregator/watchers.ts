import type { WatchMessage } from '../shared/api.ts';
import type { SectionName } from '../shared/report.ts';
import { toFindingItem, toImageItem } from './section-items.ts';
import type { KeyedItems } from './store/stored-node.ts';

export type WatchListener = (message: WatchMessage) => void;

/** Who is told of changes, and how a change of a section is told. */
export class Watchers {
  readonly #listeners = new Set<WatchListener>();

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  /** What it returns ends the telling. */
  add(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(message: WatchMessage): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Findings and images of a node that were set or removed; other sections have no watchers. */
  tellItems(node: string, section: SectionName, set: KeyedItems, removed: KeyedItems): void {
    if (this.isEmpty) return;
    for (const [change, items] of [
      ['set', set],
      ['removed', removed],
    ] as const) {
      for (const [key, item] of items) {
        if (section === 'checks') {
          this.tell({ topic: 'findings', change, item: toFindingItem(node, key, item) });
        }
        if (section === 'images') {
          this.tell({ topic: 'images', change, item: toImageItem(node, key, item) });
        }
      }
    }
  }
}
