import type { List } from '../../shared/api.ts';

/** What a list says beside its items. */
export type ListFrame = Omit<List<string, never>, 'items'>;

/** Turns a list that comes in pieces into text, so that it is never held whole. */
export interface ListWriter<Item> {
  /** The text of some more items; '' when it is held back for now. */
  items(items: readonly Item[]): string;
  /** What stands behind the last item. */
  end(frame: ListFrame): string;
}
