import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTables } from '../conformance/table.ts';

/** Inputs of one conformance table; none where the tables are not. `Input` is what the table's `about` says. */
export async function tableInputs<Input>(
  conformance: string | undefined,
  kind: string,
): Promise<readonly { readonly id: string; readonly input: Input; readonly expect: unknown }[]> {
  if (conformance === undefined) return [];
  const tables = await readTables(join(conformance, 'cases'));
  const cases = tables.find((table) => table.kind === kind)?.cases ?? [];
  return cases.map(({ id, input, expect }) => ({ id, input: input as Input, expect }));
}

/** A file of the tables; empty when it is not there, as some cases want it. */
export async function tableFile(conformance: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(join(conformance, path));
  } catch {
    return new Uint8Array();
  }
}
