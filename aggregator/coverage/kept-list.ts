import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { NAME, writePrivateFile } from '../identity/token-file.ts';
import type { ExpectedNode } from './expected.ts';

/** The last good list of a source on disk: a restart while the source is away does not shrink what is expected. */
export interface KeptList {
  /** Milliseconds since 1970. */
  readonly asOfMs: number;
  readonly nodes: readonly ExpectedNode[];
}

const name = v.pipe(v.string(), v.regex(NAME));
const schema: v.GenericSchema<unknown, KeptList> = v.object({
  asOfMs: v.number(),
  nodes: v.array(
    v.object({
      name,
      pool: name,
      uid: v.exactOptional(v.string()),
      conditions: v.exactOptional(v.array(v.string())),
    }),
  ),
});

/** Undefined when there is none, or one that is damaged: the next good list replaces it. */
export async function readKeptList(file: string): Promise<KeptList | undefined> {
  try {
    return v.parse(schema, JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

export async function keepList(file: string, list: KeptList): Promise<void> {
  await writePrivateFile(file, JSON.stringify(list));
}
