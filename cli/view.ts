import type { Coverage } from '../shared/api.ts';

/** One change: what an item is now, or that it is gone. */
export interface Change<Item> {
  readonly change: 'set' | 'removed';
  readonly item: Item;
}

/** What a person or a program sees of a list that is followed. */
export interface View<Item> {
  /** True when something was shown once. */
  readonly isShown: boolean;
  /** When the aggregator received the newest event that was told, RFC 3339; undefined of other items. */
  readonly lastReceivedAt: string | undefined;
  /** The whole list, at the beginning and whenever the connection was made again; the newest event last. */
  start(items: readonly Item[], coverage: Coverage | undefined): void;
  apply(change: Change<Item>): void;
  /** The connection is gone; it will be made again. */
  lost(why: string): void;
  /** Leaves the terminal as it was. */
  close(): void;
}

/** Events that are kept on a screen, and told at the beginning. */
export const KEPT_EVENTS = 200;
