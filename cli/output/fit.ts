import type { Column } from './column.ts';

/** Blanks between two columns. */
export const GAP = '  ';
/** No column is cut below this, unless it says so or is alone. */
const NARROWEST = 8;

/**
 * The columns that stay on a terminal of `total` columns, by index, with their widths: first the widest of those that may
 * give way give way, then columns go, and what is left of the first is cut to the line.
 */
export function fitColumns<Item>(
  widths: readonly number[],
  columns: readonly Column<Item>[],
  total: number,
): ReadonlyMap<number, number> {
  const left = new Set(columns.keys());
  for (;;) {
    const fitted = shrunk(widths, columns, left, total);
    if (widthOf(fitted) <= total) return fitted;
    if (left.size === 1) return new Map([[0, total]]);
    left.delete(firstToGo(columns, left));
  }
}

function firstToGo<Item>(columns: readonly Column<Item>[], left: ReadonlySet<number>): number {
  const order = (index: number): number => columns[index]?.drop ?? 1000 - index;
  // The first column says what the row is about.
  return [...left].slice(1).reduce((a, b) => (order(b) < order(a) ? b : a));
}

/** Takes width away from the widest that may give way, until the row fits or none can give more. */
function shrunk<Item>(
  widths: readonly number[],
  columns: readonly Column<Item>[],
  left: ReadonlySet<number>,
  total: number,
): ReadonlyMap<number, number> {
  const fitted = new Map([...left].map((index) => [index, widths[index] ?? 0]));
  for (;;) {
    const excess = widthOf(fitted) - total;
    if (excess <= 0) return fitted;
    const givers = [...fitted].filter(([index, width]) => width > leastOf(columns[index]));
    const [first, second] = givers.toSorted(([, a], [, b]) => b - a);
    if (first === undefined) return fitted;
    const [widest, width] = first;
    const next = Math.max(leastOf(columns[widest]), width - excess, second?.[1] ?? 0);
    fitted.set(widest, Math.min(width - 1, next));
  }
}

function leastOf<Item>(column: Column<Item> | undefined): number {
  if (column?.shrink === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(column.least ?? NARROWEST, column.header.length);
}

function widthOf(widths: ReadonlyMap<number, number>): number {
  const gaps = GAP.length * (widths.size - 1);
  return [...widths.values()].reduce((sum, width) => sum + width, gaps);
}
