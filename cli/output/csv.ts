import type { Column, Value } from './column.ts';
import { safeText } from './safe.ts';

/** A cell that begins so is run as a formula by spreadsheets (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

/** Every column of every item, RFC 4180 with a line feed; text that a spreadsheet would run begins with `'`. */
export function csvText<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  { headers = true }: { readonly headers?: boolean } = {},
): string {
  const rows = items.map((item) => columns.map((column) => cell(column.value(item))));
  if (headers) rows.unshift(columns.map(({ key }) => key));
  return rows.map((row) => `${row.join(',')}\n`).join('');
}

function cell(value: Value): string {
  if (typeof value !== 'string') return value === null ? '' : String(value);
  const text = safeText(FORMULA.test(value) ? `'${value}` : value);
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
