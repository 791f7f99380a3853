import { csvRow } from '../../shared/csv.ts';
import type { Column } from './column.ts';

/** Every column of every item; what is done to cells stands with `csvRow`. */
export function csvText<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  { headers = true }: { readonly headers?: boolean } = {},
): string {
  const rows = items.map((item) => csvRow(columns.map((column) => column.value(item))));
  return [...(headers ? [csvRow(columns.map(({ key }) => key))] : []), ...rows].join('');
}
