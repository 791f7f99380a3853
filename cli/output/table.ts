import { safeText } from '../../shared/safe-text.ts';
import type { Style, Tone } from './colour.ts';
import type { Column } from './column.ts';
import { fitColumns, GAP } from './fit.ts';
import type { ListWriter } from './list-writer.ts';
import { displayWidth, pad, truncate } from './width.ts';

/** Characters of a cell on a terminal. */
const MAX_CELL = 2000;
const SHORT_DIGEST = /(sha256:[0-9a-f]{12})[0-9a-f]{52}/g;
/** So many rows are held until it is decided how wide the columns are. */
const MEASURED_ROWS = 2000;

export interface TableOptions {
  readonly wide?: boolean;
  readonly headers?: boolean;
}

/**
 * Aligned rows, NAME first. On a terminal digests are cut to 12 digits, and the columns that may give way are cut and
 * others left out until the row fits; piped and `wide` tables hold every value whole.
 */
export function tableText<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  style: Style,
  options: TableOptions = {},
): string {
  const shown = shownColumns(columns, options);
  const rows = items.map((item) => shown.map((column) => cellText(column, item, style)));
  const layout = layoutOf(rows, shown, style, options);
  const head = options.headers === false ? '' : headText(layout, style);
  return head + rowsText(rows, items, layout, style);
}

/**
 * A table of a list that comes in pieces. The first 2,000 rows decide how wide the columns are; a longer value further
 * down is whole in a pipe and cut on a terminal.
 */
export function tableWriter<Item>(
  columns: readonly Column<Item>[],
  style: Style,
  options: TableOptions = {},
): ListWriter<Item> {
  const shown = shownColumns(columns, options);
  let held: Item[] = [];
  let layout: Layout<Item> | undefined;
  const flush = (): string => {
    if (held.length === 0) return '';
    const rows = held.map((item) => shown.map((column) => cellText(column, item, style)));
    const isFirst = layout === undefined;
    layout ??= layoutOf(rows, shown, style, options);
    const head = isFirst && options.headers !== false ? headText(layout, style) : '';
    const text = head + rowsText(rows, held, layout, style);
    held = [];
    return text;
  };
  return {
    items(items) {
      for (const item of items) held.push(item);
      return layout === undefined && held.length < MEASURED_ROWS ? '' : flush();
    },
    end: flush,
  };
}

/** The columns of a table, each as it is read beside the others. */
function shownColumns<Item>(
  columns: readonly Column<Item>[],
  { wide = false }: TableOptions,
): readonly Column<Item>[] {
  if (wide) return columns;
  return columns
    .filter((column) => column.wide === undefined)
    .map(({ showAlone, ...column }) => (showAlone ? { ...column, show: showAlone } : column));
}

interface Layout<Item> {
  readonly columns: readonly Column<Item>[];
  /** Columns that are shown, by index, with their widths. */
  readonly widths: ReadonlyMap<number, number>;
  /** Values are cut to their column. */
  readonly isCut: boolean;
}

function layoutOf<Item>(
  rows: readonly (readonly string[])[],
  columns: readonly Column<Item>[],
  style: Style,
  { wide = false, headers = true }: TableOptions,
): Layout<Item> {
  const widths = columns.map((column, index) => {
    const least = headers ? column.header.length : 0;
    return rows.reduce((most, row) => Math.max(most, displayWidth(row[index] ?? '')), least);
  });
  const isCut = style.isTerminal && !wide;
  const fitted = isCut ? fitColumns(widths, columns, style.columns) : new Map(widths.entries());
  return { columns, widths: fitted, isCut };
}

function cellText<Item>(column: Column<Item>, item: Item, style: Style): string {
  const value = column.show?.(item) ?? column.value(item);
  const text = value === null || value === '' ? style.symbols.none : String(value);
  if (!style.isTerminal) return safeText(text);
  const bounded = text.length <= MAX_CELL ? text : boundedText(text, column, style);
  const safe = safeText(bounded).replace(SHORT_DIGEST, `$1${style.symbols.cut}`);
  return column.symbol === undefined ? safe : `${style.symbols[column.symbol(item)]} ${safe}`;
}

/** What is longer than any terminal was made to be a nuisance; measuring it would cost more than showing it. */
function boundedText<Item>(text: string, { shrink }: Column<Item>, style: Style): string {
  const { cut } = style.symbols;
  return shrink === 'start' ? cut + text.slice(-MAX_CELL) : text.slice(0, MAX_CELL) + cut;
}

function headText<Item>(layout: Layout<Item>, style: Style): string {
  const headers = layout.columns.map(({ header }) => header);
  return line(headers, layout, style, () => 'dim');
}

function rowsText<Item>(
  rows: readonly (readonly string[])[],
  items: readonly Item[],
  layout: Layout<Item>,
  style: Style,
): string {
  return rows
    .map((row, at) => {
      const item = items[at];
      return line(row, layout, style, (column) =>
        item === undefined || column.value(item) === null ? undefined : column.tone?.(item),
      );
    })
    .join('');
}

function line<Item>(
  cells: readonly string[],
  { columns, widths, isCut }: Layout<Item>,
  style: Style,
  toneOf: (column: Column<Item>) => Tone | undefined,
): string {
  const last = [...widths.keys()].at(-1);
  const parts = [...widths].map(([index, width]) => {
    const column = columns[index];
    if (column === undefined) return '';
    const cell = cells[index] ?? '';
    const text = isCut ? truncate(cell, width, column.shrink ?? 'end', style.symbols.cut) : cell;
    const painted = style.paint(text, toneOf(column));
    // Padding is measured without the colour; the last column has none.
    if (index === last && column.align === undefined) return painted;
    const space = ' '.repeat(pad(text, width, column.align).length - text.length);
    return column.align === 'right' ? space + painted : painted + space;
  });
  return `${parts.join(GAP)}\n`;
}
