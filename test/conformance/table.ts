import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One question with its confirmed answer. */
export interface ConformanceCase {
  readonly id: string;
  readonly input: unknown;
  readonly expect: Readonly<Record<string, unknown>>;
  readonly note?: string;
}
export interface ConformanceTable {
  readonly kind: string;
  readonly cases: readonly ConformanceCase[];
}

/** Every `.json` table of a folder, sorted by name; throws for a file that is no table. */
export async function readTables(folder: string): Promise<readonly ConformanceTable[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map((name) => readTable(join(folder, name))));
}

async function readTable(file: string): Promise<ConformanceTable> {
  const table: unknown = JSON.parse(await readFile(file, 'utf8'));
  if (!isTable(table))
    throw new Error(`${file}: expected a table of the format trust-conformance/1`);
  return table;
}

function isTable(value: unknown): value is ConformanceTable {
  const table = value as Partial<Record<string, unknown>> | null;
  return (
    table?.['format'] === 'trust-conformance/1' &&
    typeof table['kind'] === 'string' &&
    Array.isArray(table['cases']) &&
    table['cases'].every(
      (item) => typeof item?.id === 'string' && typeof item.expect === 'object' && 'input' in item,
    )
  );
}
