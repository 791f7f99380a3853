import type { Symbols, Tone } from './colour.ts';

export type Value = string | number | boolean | null;

/** One column of a list, for every format that has columns. */
export interface Column<Item> {
  /** Upper-case, without blanks. */
  readonly header: string;
  /** Name in CSV, lowerCamelCase. */
  readonly key: string;
  /** The exact value: what CSV holds and, without `show`, the table. */
  readonly value: (item: Item) => Value;
  /** What people read in place of the value: `4s` for a time. */
  readonly show?: (item: Item) => string;
  /** What they read instead where the wide columns are left out, and some of those say a part of it. */
  readonly showAlone?: (item: Item) => string;
  /** Stands before the word on a terminal, so that colour is never alone; in a pipe the word is enough. */
  readonly symbol?: (item: Item) => keyof Symbols;
  readonly tone?: (item: Item) => Tone | undefined;
  readonly align?: 'right';
  /** Only in `-o wide`; CSV has every column. */
  readonly wide?: true;
  /** How the column gives way on a terminal that is too narrow; without it the column keeps its width. */
  readonly shrink?: 'start' | 'end';
  /** So many columns of text are left of one that gives way; by default 8. */
  readonly least?: number;
  /** Where giving way is not enough, columns go: those with the lowest number first, then from the right. */
  readonly drop?: number;
}

/** How the items of one kind are shown. */
export interface Presentation<Item> {
  /** Singular, for `-o name` and for messages: `node`. */
  readonly resource: string;
  readonly columns: readonly Column<Item>[];
  nameOf(item: Item): string;
}
