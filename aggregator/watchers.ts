import type { WatchMessage } from '../shared/api.ts';
import type { SectionName } from '../shared/report.ts';
import { toFindingItem, toImageItem } from './section-items.ts';
import type { KeyedItems } from './store/store.ts';

export type WatchListener = (message: WatchMessage) => void;

/** Who is told of changes, and how a change of a section is told. */
export class Watchers {
  readonly #listeners = new Set<WatchListener>();

  /** What it returns ends the telling. */
  add(listener: WatchListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(message: WatchMessage): void {
    for (const listener of this.#listeners) listener(message);
  }

  /** Items of a node's section that were set or removed; only of sections that are watched. */
  tellItems(
    node: string,
    section: SectionName,
    applied: { readonly set: KeyedItems; readonly removed: KeyedItems },
  ): void {
    if (this.#listeners.size === 0) return;
    for (const [change, items] of [
      ['set', applied.set],
      ['removed', applied.removed],
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
