import { chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../../shared/folder.ts';
import type { RecordChanges, Records, RecordWriter } from '../store/records.ts';
import { writePrivateFile } from './token-file.ts';

const PRIVATE_FOLDER = 0o700;
const SUFFIX = '.json';

/** Records as files `<key>.json` of a folder (0700), which may be added and removed by hand. */
export class RecordFolder implements Records {
  readonly isShared = false;
  readonly #folder: string;
  /** Keys that were read or written. */
  #known = new Set<string>();
  #readAtMs: number | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<RecordFolder> {
    await ensureFolder(folder);
    // Also when somebody made it before us.
    await chmod(folder, PRIVATE_FOLDER);
    return new RecordFolder(folder);
  }

  /** All of them when one was added or removed. */
  async changes(): Promise<RecordChanges> {
    const { mtimeMs } = await stat(this.#folder);
    const changes = new Map<string, string | null>();
    if (mtimeMs === this.#readAtMs) return changes;
    for (const key of this.#known) changes.set(key, null);
    for (const file of await readdir(this.#folder)) {
      if (!file.endsWith(SUFFIX)) continue;
      const key = file.slice(0, -SUFFIX.length);
      // One that cannot be read says nothing, and is refused by who reads it.
      changes.set(key, await readFile(join(this.#folder, file), 'utf8').catch(() => ''));
    }
    this.#known = new Set([...changes].filter(([, text]) => text !== null).map(([key]) => key));
    this.#readAtMs = mtimeMs;
    return changes;
  }

  /** Nobody else writes here: what was changed by hand is found by `changes`. */
  inTurn<T>(
    _learn: (changes: RecordChanges) => void,
    change: (writer: RecordWriter) => Promise<T>,
  ): Promise<T> {
    return change({
      keep: async (key, text) => {
        this.#known.add(key);
        await writePrivateFile(this.place(key), `${text}\n`);
      },
      remove: (key) => rm(this.place(key), { force: true }),
    });
  }

  place(key: string): string {
    return join(this.#folder, `${key}${SUFFIX}`);
  }
}
