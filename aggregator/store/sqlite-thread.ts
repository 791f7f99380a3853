import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EventRecord } from '../../shared/api.ts';
import type { SectionName } from '../../shared/report.ts';
import type { StoreMethod, ThreadError, ThreadMessage, ThreadRequest } from './sqlite-worker.ts';
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

export interface SqliteThreadOptions {
  readonly path: string;
  /** Told of each commit: how long it took, in seconds, and how many records it held. */
  readonly onCommit?: (seconds: number, records: number) => void;
}

interface Asked {
  readonly records: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** In a build the same module is JavaScript. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js',
  import.meta.url,
);

/**
 * The embedded store in a thread of its own: neither an fsync nor a large question stops the event loop that keeps
 * the agents' connections.
 */
export class SqliteThreadStore implements Store {
  readonly #options: SqliteThreadOptions;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #opening: Promise<Worker> | undefined;
  #nextId = 1;
  #closed = false;
  backlog = 0;

  private constructor(options: SqliteThreadOptions) {
    this.#options = options;
  }

  /** Throws as `SqliteStore` does. */
  static async open(options: SqliteThreadOptions): Promise<SqliteThreadStore> {
    const store = new SqliteThreadStore(options);
    await store.#start();
    return store;
  }

  openSession(start: SessionStart): Promise<SessionOpened> {
    return this.#ask('openSession', 1, start);
  }
  append(batch: EventBatch): Promise<Cursor> {
    return this.#ask('append', batch.events.length, batch);
  }
  apply(change: SectionChange): Promise<Applied> {
    return this.#ask('apply', 1, change);
  }
  note(uid: string, event: OwnEvent): Promise<EventRecord> {
    return this.#ask('note', 1, uid, event);
  }
  touch(seen: ReadonlyMap<string, number>): Promise<void> {
    return this.#ask('touch', 1, seen);
  }
  retire(uid: string, atMs: number): Promise<void> {
    return this.#ask('retire', 1, uid, atMs);
  }
  prune(beforeMs: number): Promise<number> {
    return this.#ask('prune', 1, beforeMs);
  }
  probe(): Promise<void> {
    return this.#ask('probe', 1);
  }
  nodes(): Promise<readonly StoredNode[]> {
    return this.#ask('nodes', 0);
  }
  section(uid: string, name: SectionName, asOfMs?: number): Promise<StoredSection | undefined> {
    return this.#ask('section', 0, uid, name, asOfMs);
  }
  items(query: ItemQuery): Promise<Page<ItemRow>> {
    return this.#ask('items', 0, query);
  }
  outcomes(section: IndexedSection): Promise<readonly OutcomeCount[]> {
    return this.#ask('outcomes', 0, section);
  }
  variants(section: IndexedSection, key: string): Promise<readonly Variant[]> {
    return this.#ask('variants', 0, section, key);
  }
  events(query: EventQuery): Promise<Page<EventRecord>> {
    return this.#ask('events', 0, query);
  }
  sizeBytes(): Promise<number> {
    return this.#ask('sizeBytes', 0);
  }

  /** Commits what waits, then ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = once(worker, 'exit');
    worker.postMessage('close');
    await ended;
  }

  async #ask<M extends StoreMethod>(
    method: M,
    records: number,
    ...args: Parameters<Store[M]>
  ): Promise<Awaited<ReturnType<Store[M]>>> {
    if (this.#closed) throw closed('the store is closed');
    this.backlog += records;
    try {
      const worker = this.#worker ?? (await this.#start());
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const request: ThreadRequest = { id: this.#nextId++, method, args };
      this.#asked.set(request.id, { records, resolve, reject });
      worker.postMessage(request);
      // The thread answers with what the store's method of this name gave.
      return (await promise) as Awaited<ReturnType<Store[M]>>;
    } finally {
      this.backlog -= records;
    }
  }

  /** A thread that ended by itself is started again by the next question. */
  #start(): Promise<Worker> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Worker> {
    const worker = new Worker(PROGRAM, { workerData: this.#options.path });
    const { promise, resolve, reject } = Promise.withResolvers<Worker>();
    let why = 'ended';
    worker.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      const error = closed(`the store's thread: ${why}`);
      reject(error);
      for (const asked of this.#asked.values()) asked.reject(error);
      this.#asked.clear();
    });
    worker.on('message', (message: ThreadMessage) => {
      switch (message.kind) {
        case 'ready':
          this.#worker = worker;
          resolve(worker);
          break;
        case 'failed':
          reject(toError(message.error));
          break;
        case 'commit':
          this.#options.onCommit?.(message.seconds, message.records);
          break;
        case 'value':
          this.#take(message.id)?.resolve(message.value);
          break;
        case 'error':
          this.#take(message.id)?.reject(toError(message.error));
          break;
      }
    });
    return await promise;
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}

function toError({ code, message }: ThreadError): StoreError {
  return new StoreError(code, message);
}

function closed(message: string): StoreError {
  return new StoreError('ERR_STORE_CLOSED', message);
}
