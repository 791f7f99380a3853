import * as v from 'valibot';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { RecordChanges, Records } from '../store/records.ts';
import { StoreError } from '../store/store.ts';
import { InTurn } from './in-turn.ts';

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

/** The list is one record. */
const KEY = '';

/**
 * Who is let in no more. Held against every session once a second, so that an entry cuts off what is connected; a list
 * that cannot be read leaves what was read before in force.
 */
export class DenyList {
  readonly #records: Records;
  readonly #log: Logger;
  readonly #turns = new InTurn();
  #entries: readonly Denied[] = [];
  #keys = new Set<string>();

  private constructor(records: Records, log: Logger) {
    this.#records = records;
    this.#log = log;
  }

  /** Throws when there is a list that cannot be read: starting without it would let the revoked back in. */
  static async open(records: Records, log: Logger): Promise<DenyList> {
    const list = new DenyList(records, log);
    list.#learn(await records.changes());
    return list;
  }

  isDenied(kind: Denied['kind'], value: string): boolean {
    return this.#keys.has(keyOf({ kind, value }));
  }

  async add(entry: Denied): Promise<void> {
    await this.#change((entries) => {
      return this.isDenied(entry.kind, entry.value) ? undefined : [...entries, entry];
    });
  }

  /** Whether there was such an entry. */
  async remove(kind: Denied['kind'], value: string): Promise<boolean> {
    return await this.#change((entries) => {
      const key = keyOf({ kind, value });
      return this.#keys.has(key) ? entries.filter((entry) => keyOf(entry) !== key) : undefined;
    });
  }

  /** Looks whether the list was changed by hand or elsewhere; cheap when it was not. */
  async reload(): Promise<void> {
    await this.#turns.run(async () => {
      try {
        this.#learn(await this.#records.changes());
      } catch (error) {
        // That the database is away is said elsewhere.
        if (error instanceof StoreError) return;
        const [path, reason] = [this.#records.place(KEY), messageOf(error)];
        this.#log.error({ path, reason }, 'deny list cannot be read: the last one holds');
      }
    });
  }

  /** True when there was something to change. */
  #change(change: (entries: readonly Denied[]) => readonly Denied[] | undefined): Promise<boolean> {
    return this.#turns.run(async () => {
      const changed = await this.#records.inTurn(
        (changes) => this.#learn(changes),
        async (writer) => {
          const entries = change(this.#entries);
          if (entries !== undefined) await writer.keep(KEY, JSON.stringify(entries, undefined, 1));
          return entries;
        },
      );
      if (changed !== undefined) this.#use(changed);
      return changed !== undefined;
    });
  }

  #learn(changes: RecordChanges): void {
    const text = changes.get(KEY);
    if (text !== undefined) this.#use(v.parse(schema, JSON.parse(text ?? '[]')));
  }

  #use(entries: readonly Denied[]): void {
    this.#entries = entries;
    this.#keys = new Set(entries.map(keyOf));
  }
}

function keyOf({ kind, value }: Pick<Denied, 'kind' | 'value'>): string {
  return `${kind} ${value}`;
}
