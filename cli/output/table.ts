import type { Style } from './colour.ts';
import type { Column } from './column.ts';
import { safeText } from './safe.ts';
import { displayWidth, pad, truncate } from './width.ts';

const GAP = '  ';
/** No column is cut below this. */
const NARROWEST = 8;
/** Characters of a cell on a terminal. */
const MAX_CELL = 2000;
const SHORT_DIGEST = /(sha256:[0-9a-f]{12})[0-9a-f]{52}/g;

export interface TableOptions {
  readonly wide?: boolean;
  readonly headers?: boolean;
}

/**
 * Aligned rows, NAME first. On a terminal digests are cut to 12 digits and the columns that may give way are cut
 * until the row fits; piped and `wide` tables hold every value whole.
 */
export function tableText<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  style: Style,
  { wide = false, headers = true }: TableOptions = {},
): string {
  const shown = columns.filter((column) => wide || column.wide === undefined);
  const rows = items.map((item) => shown.map((column) => cellText(column, item, style)));
  const widths = shown.map((column, index) => {
    const cells = rows.map((row) => displayWidth(row[index] ?? ''));
    return cells.reduce((a, b) => Math.max(a, b), headers ? column.header.length : 0);
  });
  if (style.isTerminal && !wide) fit(widths, shown, style.columns);
  const lines = rows.map((row, at) => {
    const item = items[at];
    return line(row, shown, widths, style, (column) =>
      item === undefined || column.value(item) === null ? undefined : column.tone?.(item),
    );
  });
  if (headers)
    lines.unshift(
      line(
        shown.map(({ header }) => header),
        shown,
        widths,
        style,
        () => 'dim',
      ),
    );
  return lines.map((text) => `${text}\n`).join('');
}

function cellText<Item>(column: Column<Item>, item: Item, style: Style): string {
  const value = column.show?.(item) ?? column.value(item);
  const text = value === null || value === '' ? style.symbols.none : String(value);
  if (!style.isTerminal) return safeText(text);
  const bounded = text.length <= MAX_CELL ? text : boundedText(text, column, style);
  return safeText(bounded).replace(SHORT_DIGEST, `$1${style.symbols.cut}`);
}

/** What is longer than any terminal was made to be a nuisance; measuring it would cost more than showing it. */
function boundedText<Item>(text: string, { shrink }: Column<Item>, style: Style): string {
  const { cut } = style.symbols;
  return shrink === 'start' ? cut + text.slice(-MAX_CELL) : text.slice(0, MAX_CELL) + cut;
}

/** Takes columns away from the widest that may give way, until the row fits or none can give more. */
function fit<Item>(widths: number[], columns: readonly Column<Item>[], total: number): void {
  const gaps = GAP.length * (columns.length - 1);
  for (;;) {
    const excess = widths.reduce((sum, width) => sum + width, gaps) - total;
    if (excess <= 0) return;
    let widest = -1;
    columns.forEach((column, index) => {
      const width = widths[index] ?? 0;
      if (column.shrink === undefined || width <= floor(column)) return;
      if (width > (widths[widest] ?? 0)) widest = index;
    });
    const column = columns[widest];
    if (column === undefined) return;
    const width = widths[widest] ?? 0;
    const next = secondWidest(widths, columns, widest);
    widths[widest] = Math.max(floor(column), width - excess, Math.min(next, width - 1));
  }
}

function floor<Item>(column: Column<Item>): number {
  return Math.max(NARROWEST, column.header.length);
}

function secondWidest<Item>(
  widths: readonly number[],
  columns: readonly Column<Item>[],
  widest: number,
): number {
  return widths.reduce((best, width, index) => {
    const counts = index !== widest && columns[index]?.shrink !== undefined;
    return counts ? Math.max(best, width) : best;
  }, 0);
}

function line<Item>(
  cells: readonly string[],
  columns: readonly Column<Item>[],
  widths: readonly number[],
  style: Style,
  toneOf: (column: Column<Item>) => ReturnType<NonNullable<Column<Item>['tone']>>,
): string {
  const parts = columns.map((column, index) => {
    const width = widths[index] ?? 0;
    const text = truncate(cells[index] ?? '', width, column.shrink ?? 'end', style.symbols.cut);
    const painted = style.paint(text, toneOf(column));
    // Padding is measured without the colour; the last column has none.
    if (index === columns.length - 1 && column.align === undefined) return painted;
    const blanks = pad(text, width, column.align).length - text.length;
    const space = ' '.repeat(blanks);
    return column.align === 'right' ? space + painted : painted + space;
  });
  return parts.join(GAP);
}
