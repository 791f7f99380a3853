import { readFile, rm, stat } from 'node:fs/promises';
import type { RecordChanges, Records, RecordWriter } from '../store/records.ts';
import { writePrivateFile } from './token-file.ts';

/** The one record of a kind that has but one, as a file, which may be changed by hand. */
export class RecordFile implements Records {
  readonly isShared = false;
  readonly #file: string;
  #readAtMs: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async changes(): Promise<RecordChanges> {
    const mtimeMs = await mtimeOf(this.#file);
    if (mtimeMs === this.#readAtMs) return new Map();
    this.#readAtMs = mtimeMs;
    return new Map([['', mtimeMs === undefined ? null : await readFile(this.#file, 'utf8')]]);
  }

  inTurn<T>(
    _learn: (changes: RecordChanges) => void,
    change: (writer: RecordWriter) => Promise<T>,
  ): Promise<T> {
    return change({
      keep: (_key, text) => writePrivateFile(this.#file, `${text}\n`),
      remove: () => rm(this.#file, { force: true }),
    });
  }

  place(): string {
    return this.#file;
  }
}

async function mtimeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
