import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { SqliteStore } from './sqlite.ts';
import { type Store, StoreError, type StoreErrorCode } from './store.ts';

/* The program of the store's thread; the other side is sqlite-thread.ts, which takes types from here only. */

/** What of the store is asked over the thread's border: everything that answers. */
export type StoreMethod = Exclude<keyof Store, 'backlog' | typeof Symbol.asyncDispose>;

/** To the thread. */
export interface ThreadRequest {
  readonly id: number;
  readonly method: StoreMethod;
  readonly args: readonly unknown[];
}
/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ThreadError }
  | { readonly kind: 'commit'; readonly seconds: number; readonly records: number }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ThreadError };
export interface ThreadError {
  readonly code: StoreErrorCode;
  readonly message: string;
}

const port = parentPort;
if (port === null) throw new TypeError('this is the program of a thread');
const post = (message: ThreadMessage): void => port.postMessage(message);

try {
  const store = new SqliteStore({
    path: String(workerData),
    clock: systemClock,
    onCommit: (seconds, records) => post({ kind: 'commit', seconds, records }),
  });
  port.on('message', (request: ThreadRequest | 'close') => {
    if (request === 'close') void close(store);
    else void answer(store, request);
  });
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'failed', error: toThreadError(error) });
}

async function answer(store: SqliteStore, { id, method, args }: ThreadRequest): Promise<void> {
  try {
    // The asking side is typed by the same interface.
    const ask = store[method].bind(store) as (...args: readonly unknown[]) => Promise<unknown>;
    post({ kind: 'value', id, value: await ask(...args) });
  } catch (error) {
    post({ kind: 'error', id, error: toThreadError(error) });
  }
}

async function close(store: SqliteStore): Promise<void> {
  await store[Symbol.asyncDispose]();
  // Answers to what was committed last are on their way before the port closes.
  setImmediate(() => port?.close());
}

/** Errors lose their class over the border; what is not the store's own is its failure to write or read. */
function toThreadError(error: unknown): ThreadError {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: 'ERR_STORE_WRITE', message: messageOf(error) };
}
