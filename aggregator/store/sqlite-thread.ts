import type { EventRecord } from '../../shared/api.ts';
import type { SectionName } from '../../shared/report.ts';
import type { ReadMethod } from './sqlite-worker.ts';
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
import type { StoreMethod } from './store-crossing.ts';
import { StoreThread } from './store-thread.ts';

export interface SqliteThreadOptions {
  readonly path: string;
  /** Told of each commit: how long it took, in seconds, and how many records it held. */
  readonly onCommit?: (seconds: number, records: number) => void;
}

type Answer<M extends StoreMethod> = Promise<Awaited<ReturnType<Store[M]>>>;

/**
 * The embedded store in threads of its own, one that writes and one that reads: neither an fsync nor a large question
 * stops the event loop that keeps the agents' connections, and no question keeps a commit waiting.
 */
export class SqliteThreadStore implements Store {
  readonly #writer: StoreThread;
  readonly #reader: StoreThread;
  #closed = false;
  backlog = 0;

  private constructor({ path, onCommit }: SqliteThreadOptions) {
    const told = onCommit ?? (() => {});
    this.#writer = new StoreThread({ path, mode: 'write' }, told);
    this.#reader = new StoreThread({ path, mode: 'read' }, told);
  }

  /** Throws as `SqliteStore` does. */
  static async open(options: SqliteThreadOptions): Promise<SqliteThreadStore> {
    const store = new SqliteThreadStore(options);
    // The writer makes what the reader opens.
    await store.#writer.start();
    await store.#reader.start();
    return store;
  }

  openSession(start: SessionStart): Promise<SessionOpened> {
    return this.#write('openSession', 1, start);
  }
  append(batch: EventBatch): Promise<Cursor> {
    return this.#write('append', batch.events.length, batch);
  }
  apply(change: SectionChange): Promise<Applied> {
    return this.#write('apply', 1, change);
  }
  note(uid: string, event: OwnEvent): Promise<EventRecord> {
    return this.#write('note', 1, uid, event);
  }
  touch(seen: ReadonlyMap<string, number>): Promise<void> {
    return this.#write('touch', 1, seen);
  }
  retire(uid: string, atMs: number): Promise<void> {
    return this.#write('retire', 1, uid, atMs);
  }
  prune(beforeMs: number): Promise<number> {
    return this.#write('prune', 1, beforeMs);
  }
  probe(): Promise<void> {
    return this.#write('probe', 1);
  }

  nodes(): Promise<readonly StoredNode[]> {
    return this.#read('nodes');
  }
  section(uid: string, name: SectionName, asOfMs?: number): Promise<StoredSection | undefined> {
    return this.#read('section', uid, name, asOfMs);
  }
  items(query: ItemQuery): Promise<Page<ItemRow>> {
    return this.#read('items', query);
  }
  outcomes(section: IndexedSection): Promise<readonly OutcomeCount[]> {
    return this.#read('outcomes', section);
  }
  variants(section: IndexedSection, key: string): Promise<readonly Variant[]> {
    return this.#read('variants', section, key);
  }
  events(query: EventQuery): Promise<Page<EventRecord>> {
    return this.#read('events', query);
  }
  sizeBytes(): Promise<number> {
    return this.#read('sizeBytes');
  }

  /** Commits what waits, then ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#reader.close();
    await this.#writer.close();
  }

  async #write<M extends Exclude<StoreMethod, ReadMethod>>(
    method: M,
    records: number,
    ...args: Parameters<Store[M]>
  ): Answer<M> {
    this.#assertOpen();
    this.backlog += records;
    try {
      // The thread answers with what the store's method of this name gave.
      return (await this.#writer.ask(method, args)) as Awaited<Answer<M>>;
    } finally {
      this.backlog -= records;
    }
  }

  async #read<M extends ReadMethod>(method: M, ...args: Parameters<Store[M]>): Answer<M> {
    this.#assertOpen();
    // As above.
    return (await this.#reader.ask(method, args)) as Awaited<Answer<M>>;
  }

  #assertOpen(): void {
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed');
  }
}
