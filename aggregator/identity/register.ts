import type { RecordChanges, Records } from '../store/records.ts';
import { InTurn } from './in-turn.ts';

/** How a kind of record is read. Throws for a text that is none. */
export type ReadRecord<T> = (text: string, key: string) => T;

/** Changes a register, in a turn. */
export interface RegisterWriter<T> {
  keep(key: string, value: T): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Records that were read, held in memory: what is asked for at every connection waits for no disk and no database. */
export class Register<T> {
  readonly #records: Records;
  readonly #read: ReadRecord<T>;
  readonly #refuse: (place: string, error: unknown) => void;
  readonly #turns = new InTurn();
  readonly #values = new Map<string, T>();
  #refreshing: Promise<void> | undefined;

  /** `refuse` is told of records that cannot be read; they are as if they were not there. */
  constructor(
    records: Records,
    read: ReadRecord<T>,
    refuse: (place: string, error: unknown) => void,
  ) {
    this.#records = records;
    this.#read = read;
    this.#refuse = refuse;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  values(): readonly T[] {
    return [...this.#values.values()];
  }

  /** Runs changes one after the other, of all aggregators; memory follows when they hold. */
  change<Result>(change: (writer: RegisterWriter<T>) => Promise<Result>): Promise<Result> {
    return this.#turns.run(() => this.#change(change));
  }

  /** Looks what was changed by hand or elsewhere; cheap when nothing was. */
  reload(): Promise<void> {
    return this.#turns.run(async () => this.#learn(await this.#records.changes()));
  }

  /**
   * For who did not find what he looked for: learns what other aggregators have kept up to now. Throws `StoreError` when
   * that cannot be known, so that nobody is taken for unknown who is not.
   */
  refresh(): Promise<void> {
    if (!this.#records.isShared) return Promise.resolve();
    // One that has not begun yet is for everybody who waits.
    this.#refreshing ??= this.#turns.run(async () => {
      this.#refreshing = undefined;
      this.#learn(await this.#records.changes());
    });
    return this.#refreshing;
  }

  async #change<Result>(change: (writer: RegisterWriter<T>) => Promise<Result>): Promise<Result> {
    const written = new Map<string, T | undefined>();
    const result = await this.#records.inTurn(
      (changes) => this.#learn(changes),
      (writer) =>
        change({
          keep: async (key, value) => {
            await writer.keep(key, JSON.stringify(value));
            written.set(key, value);
          },
          remove: async (key) => {
            await writer.remove(key);
            written.set(key, undefined);
          },
        }),
    );
    for (const [key, value] of written) {
      if (value === undefined) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    return result;
  }

  #learn(changes: RecordChanges): void {
    for (const [key, text] of changes) {
      if (text === null) {
        this.#values.delete(key);
        continue;
      }
      try {
        this.#values.set(key, this.#read(text, key));
      } catch (error) {
        this.#values.delete(key);
        this.#refuse(this.#records.place(key), error);
      }
    }
  }
}
