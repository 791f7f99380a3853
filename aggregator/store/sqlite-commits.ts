import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { StoreError } from './store.ts';

/** One write that waits for the next commit. */
interface Waiting {
  readonly records: number;
  readonly write: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Told of each commit: how long it took, in seconds, and how many records it held. */
export type OnCommit = (seconds: number, records: number) => void;

/** Work of one transaction, before other things have their turn. */
const BUDGET_MS = 20;

/**
 * Group commit: writes that arrive in one turn of the event loop are committed in one transaction (WAL,
 * synchronous=FULL), so that a burst costs one fsync and a single write waits for nobody.
 */
export class SqliteCommits {
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #onCommit: OnCommit | undefined;
  readonly #onRollback: () => void;
  #waiting: Waiting[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  backlog = 0;

  constructor(
    database: DatabaseSync,
    clock: Clock,
    onCommit: OnCommit | undefined,
    onRollback: () => void,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#onCommit = onCommit;
    this.#onRollback = onRollback;
  }

  /** Resolves with what `write` returns when that is committed. */
  add(records: number, write: () => unknown): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ records, write, resolve, reject });
    this.backlog += records;
    this.#scheduled ??= setImmediate(() => this.#commit());
    return promise;
  }

  /** Commits what waits. */
  drain(): void {
    while (this.#waiting.length > 0) this.#commit();
    clearImmediate(this.#scheduled);
  }

  /** Takes what waits, as much as fits the time, and commits it; the rest has its turn after other work. */
  #commit(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const startedMs = this.#clock.monotonicMs();
    const taken: Waiting[] = [];
    let outcomes: readonly (() => void)[];
    try {
      const hasTime = (): boolean => this.#clock.monotonicMs() - startedMs < BUDGET_MS;
      outcomes = this.#transact(waiting, taken, hasTime);
    } catch (cause) {
      this.#onRollback();
      const error = new StoreError('ERR_STORE_WRITE', `commit: ${messageOf(cause)}`, { cause });
      outcomes = taken.map((each) => () => each.reject(error));
    }
    this.#waiting = waiting.slice(taken.length);
    if (this.#waiting.length > 0) this.#scheduled = setImmediate(() => this.#commit());
    const records = taken.reduce((sum, each) => sum + each.records, 0);
    this.backlog -= records;
    this.#onCommit?.((this.#clock.monotonicMs() - startedMs) / 1000, records);
    for (const settle of outcomes) settle();
  }

  #transact(
    waiting: readonly Waiting[],
    taken: Waiting[],
    hasTime: () => boolean,
  ): readonly (() => void)[] {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const outcomes = this.#write(waiting, taken, hasTime) ?? this.#writeAgain(taken);
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      // When not even the transaction could begin, all that waits has failed alike.
      if (taken.length === 0) taken.push(...waiting);
      throw error;
    }
  }

  /** Undefined when one failed in a way nobody foresaw, which may have left half of it. */
  #write(
    waiting: readonly Waiting[],
    taken: Waiting[],
    hasTime: () => boolean,
  ): readonly (() => void)[] | undefined {
    const outcomes: (() => void)[] = [];
    try {
      for (const each of waiting) {
        if (taken.length > 0 && !hasTime()) break;
        taken.push(each);
        outcomes.push(outcomeOf(each));
      }
      return outcomes;
    } catch (error) {
      // SQLite itself ends the transaction when the disk is full.
      if (!this.#database.isTransaction) throw error;
      return undefined;
    }
  }

  /**
   * From the start, each so that it can be undone alone: a record nobody foresaw must not fail those of other nodes.
   * Only then, since inside a savepoint SQLite first copies each page that is changed, beyond 64 KiB to a file.
   */
  #writeAgain(taken: readonly Waiting[]): readonly (() => void)[] {
    this.#database.exec('ROLLBACK; BEGIN IMMEDIATE');
    this.#onRollback();
    return taken.map((each) => this.#writeAlone(each));
  }

  #writeAlone(each: Waiting): () => void {
    this.#database.exec('SAVEPOINT one');
    try {
      const outcome = outcomeOf(each);
      this.#database.exec('RELEASE one');
      return outcome;
    } catch (error) {
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO one; RELEASE one');
      this.#onRollback();
      const failed = new StoreError('ERR_STORE_WRITE', messageOf(error), { cause: error });
      return () => each.reject(failed);
    }
  }
}

/** What a write refuses as `StoreError` it refuses before it has written anything. Throws what nobody foresaw. */
function outcomeOf({ write, resolve, reject }: Waiting): () => void {
  try {
    const value = write();
    return () => resolve(value);
  } catch (error) {
    if (error instanceof StoreError) return () => reject(error);
    throw error;
  }
}
