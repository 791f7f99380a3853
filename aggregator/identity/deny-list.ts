import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { InTurn } from './in-turn.ts';
import { writePrivateFile } from './token-file.ts';

/** A node, by uid, or one certificate, by serial number, that is let in no more however good its credential is. */
export interface Denied {
  readonly kind: 'uid' | 'serial';
  readonly value: string;
  /** Of the node, for people. */
  readonly name: string;
  /** RFC 3339. */
  readonly at: string;
  /** Who revoked it. */
  readonly by: string;
}

const schema: v.GenericSchema<unknown, readonly Denied[]> = v.array(
  v.strictObject({
    kind: v.picklist(['uid', 'serial']),
    value: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
    name: v.string(),
    at: v.pipe(v.string(), v.isoTimestamp()),
    by: v.string(),
  }),
);

/**
 * `denied.json` in the state directory. Held against every session once a second, so that an entry cuts off what is
 * connected; a file that cannot be read leaves what was read before in force.
 */
export class DenyList {
  readonly #file: string;
  readonly #log: Logger;
  readonly #changes = new InTurn();
  #entries: readonly Denied[] = [];
  #keys = new Set<string>();
  #readAtMs: number | undefined;

  private constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /** Throws when there is a list that cannot be read: starting without it would let the revoked back in. */
  static async open(stateDir: string, log: Logger): Promise<DenyList> {
    const list = new DenyList(join(stateDir, 'denied.json'), log);
    await list.#read();
    return list;
  }

  isDenied(kind: Denied['kind'], value: string): boolean {
    return this.#keys.has(keyOf({ kind, value }));
  }

  add(entry: Denied): Promise<void> {
    return this.#changes.run(async () => {
      if (this.isDenied(entry.kind, entry.value)) return;
      await this.#keep([...this.#entries, entry]);
    });
  }

  /** Whether there was such an entry. */
  remove(kind: Denied['kind'], value: string): Promise<boolean> {
    return this.#changes.run(async () => {
      if (!this.isDenied(kind, value)) return false;
      await this.#keep(this.#entries.filter((entry) => keyOf(entry) !== keyOf({ kind, value })));
      return true;
    });
  }

  /** Looks whether the file was changed by hand; cheap when it was not. */
  async reload(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      const reason = messageOf(error);
      this.#log.error({ path: this.#file, reason }, 'deny list cannot be read: the last one holds');
    }
  }

  async #read(): Promise<void> {
    const mtimeMs = await mtimeOf(this.#file);
    if (mtimeMs === this.#readAtMs) return;
    this.#readAtMs = mtimeMs;
    const text = mtimeMs === undefined ? '[]' : await readFile(this.#file, 'utf8');
    this.#use(v.parse(schema, JSON.parse(text)));
  }

  async #keep(entries: readonly Denied[]): Promise<void> {
    await writePrivateFile(this.#file, `${JSON.stringify(entries, undefined, 1)}\n`);
    this.#use(entries);
  }

  #use(entries: readonly Denied[]): void {
    this.#entries = entries;
    this.#keys = new Set(entries.map(keyOf));
  }
}

function keyOf({ kind, value }: Pick<Denied, 'kind' | 'value'>): string {
  return `${kind} ${value}`;
}

async function mtimeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
