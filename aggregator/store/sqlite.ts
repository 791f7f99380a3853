import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventRecord } from '../../shared/api.ts';
import type { Clock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { SectionName } from '../../shared/report.ts';
import { SqliteReads } from './sqlite-reads.ts';
import { holdDatabase, openDatabase } from './sqlite-schema.ts';
import { SqliteWrites } from './sqlite-writes.ts';
import {
  type Applied,
  type Cursor,
  type EventBatch,
  type EventQuery,
  type IndexedSection,
  type ItemQuery,
  type ItemRow,
  type OutcomeCount,
  type OwnEvent,
  type Page,
  type SectionChange,
  type SessionOpened,
  type SessionStart,
  type Store,
  type StoredNode,
  type StoredSection,
  StoreError,
  type Variant,
} from './store.ts';

/** One write that waits for the next commit. */
interface Waiting {
  readonly records: number;
  readonly write: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Work of one transaction, before other things have their turn. */
const BUDGET_MS = 20;

export interface SqliteOptions {
  /** Folder must exist; the file is created. */
  readonly path: string;
  readonly clock: Clock;
  /** Told of each commit: how long it took, in seconds, and how many records it held. */
  readonly onCommit?: (seconds: number, records: number) => void;
}

/**
 * The embedded store. Writes that arrive in one turn of the event loop are committed in one transaction (WAL,
 * synchronous=FULL), so that a burst costs one fsync and a single write waits for nobody.
 */
export class SqliteStore implements Store {
  readonly #lock: DatabaseSync;
  readonly #database: DatabaseSync;
  readonly #reads: SqliteReads;
  readonly #writes: SqliteWrites;
  readonly #savepoint: StatementSync;
  readonly #undo: StatementSync;
  readonly #release: StatementSync;
  readonly #options: SqliteOptions;
  #waiting: Waiting[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #closed = false;
  backlog = 0;

  constructor(options: SqliteOptions) {
    this.#options = options;
    this.#lock = holdDatabase(options.path);
    try {
      this.#database = openDatabase(options.path);
    } catch (error) {
      this.#lock.close();
      throw error;
    }
    this.#reads = new SqliteReads(this.#database);
    this.#writes = new SqliteWrites(this.#database);
    this.#savepoint = this.#database.prepare('SAVEPOINT one');
    this.#undo = this.#database.prepare('ROLLBACK TO one');
    this.#release = this.#database.prepare('RELEASE one');
  }

  openSession(start: SessionStart): Promise<SessionOpened> {
    return this.#write(1, () => this.#writes.openSession(start));
  }
  append(batch: EventBatch): Promise<Cursor> {
    return this.#write(batch.events.length, () => this.#writes.append(batch));
  }
  apply(change: SectionChange): Promise<Applied> {
    return this.#write(1, () => this.#writes.apply(change));
  }
  note(uid: string, event: OwnEvent): Promise<EventRecord> {
    return this.#write(1, () => this.#writes.note(uid, event, this.#options.clock.nowMs()));
  }
  touch(seen: ReadonlyMap<string, number>): Promise<void> {
    return this.#write(1, () => this.#writes.touch(seen));
  }
  retire(uid: string, atMs: number): Promise<void> {
    return this.#write(1, () => this.#writes.retire(uid, atMs));
  }
  prune(beforeMs: number): Promise<number> {
    return this.#write(1, () => this.#writes.prune(beforeMs));
  }
  probe(): Promise<void> {
    return this.#write(1, () => this.#writes.probe());
  }

  nodes(): Promise<readonly StoredNode[]> {
    return this.#read((reads) => reads.nodes());
  }
  section(uid: string, name: SectionName, asOfMs?: number): Promise<StoredSection | undefined> {
    return this.#read((reads) => reads.section(uid, name, asOfMs));
  }
  items(query: ItemQuery): Promise<Page<ItemRow>> {
    return this.#read((reads) => reads.items(query));
  }
  outcomes(section: IndexedSection): Promise<readonly OutcomeCount[]> {
    return this.#read((reads) => reads.outcomes(section));
  }
  variants(section: IndexedSection, key: string): Promise<readonly Variant[]> {
    return this.#read((reads) => reads.variants(section, key));
  }
  events(query: EventQuery): Promise<Page<EventRecord>> {
    return this.#read((reads) => reads.events(query));
  }
  sizeBytes(): Promise<number> {
    return this.#read((reads) => reads.sizeBytes());
  }

  /** Commits what waits, then closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#waiting.length > 0) this.#commit();
    clearImmediate(this.#scheduled);
    this.#database.close();
    this.#lock.close();
  }

  async #read<T>(read: (reads: SqliteReads) => T): Promise<T> {
    this.#assertOpen();
    return read(this.#reads);
  }

  async #write<T>(records: number, write: () => T): Promise<T> {
    this.#assertOpen();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ records, write, resolve, reject });
    this.backlog += records;
    this.#scheduled ??= setImmediate(() => this.#commit());
    // What `write` returns is what it is resolved with.
    return (await promise) as T;
  }

  /** Takes what waits, as much as fits the time, and commits it; the rest has its turn after other work. */
  #commit(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    const { clock, onCommit } = this.#options;
    const startedMs = clock.monotonicMs();
    const taken: Waiting[] = [];
    let outcomes: readonly (() => void)[];
    try {
      outcomes = this.#transact(waiting, taken, () => clock.monotonicMs() - startedMs < BUDGET_MS);
    } catch (cause) {
      const error = new StoreError('ERR_STORE_WRITE', `commit: ${messageOf(cause)}`, { cause });
      outcomes = taken.map((each) => () => each.reject(error));
    }
    this.#waiting = waiting.slice(taken.length);
    if (this.#waiting.length > 0) this.#scheduled = setImmediate(() => this.#commit());
    const records = taken.reduce((sum, each) => sum + each.records, 0);
    this.backlog -= records;
    onCommit?.((clock.monotonicMs() - startedMs) / 1000, records);
    for (const settle of outcomes) settle();
  }

  #transact(
    waiting: readonly Waiting[],
    taken: Waiting[],
    hasTime: () => boolean,
  ): readonly (() => void)[] {
    const outcomes: (() => void)[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const each of waiting) {
        if (taken.length > 0 && !hasTime()) break;
        taken.push(each);
        outcomes.push(this.#writeOne(each));
      }
      this.#database.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      // When not even the transaction could begin, all that waits has failed alike.
      if (taken.length === 0) taken.push(...waiting);
      throw error;
    }
  }

  /** What one write makes fail undoes that one: a record nobody foresaw must not fail those of other nodes. */
  #writeOne({ write, resolve, reject }: Waiting): () => void {
    this.#savepoint.run();
    try {
      const value = write();
      this.#release.run();
      return () => resolve(value);
    } catch (error) {
      // SQLite itself ends the transaction when the disk is full.
      if (!this.#database.isTransaction) throw error;
      this.#undo.run();
      this.#release.run();
      if (error instanceof StoreError) return () => reject(error);
      const failed = new StoreError('ERR_STORE_WRITE', messageOf(error), { cause: error });
      return () => reject(failed);
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed');
  }
}
