/** One row as a database gives it; the readers below are the only place where its values get types. */
export type Row = Readonly<Record<string, unknown>>;

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new TypeError(`column ${column}: expected an integer, found ${typeof value}`);
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new TypeError(`column ${column}: expected text, found ${typeof value}`);
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`column ${column}: expected bytes, found ${typeof value}`);
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function must(row: Row | undefined): Row {
  if (row === undefined) throw new TypeError('expected a row, found none');
  return row;
}

/** A column of 0 and 1, or of the database's own truth values. */
export function truth(row: Row, column: string): boolean {
  return row[column] === true || row[column] === 1;
}
