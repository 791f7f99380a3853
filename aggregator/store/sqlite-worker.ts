import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { SqliteStore } from './sqlite.ts';
import { SqliteReads } from './sqlite-reads.ts';
import { openToRead } from './sqlite-schema.ts';
import { StoreError, type StoreErrorCode } from './store.ts';
import { type Crossing, fromCrossing, type StoreMethod, toCrossing } from './store-crossing.ts';

/* The program of the store's threads; the other side, store-thread.ts, takes types from here only. */

export interface ThreadData {
  readonly path: string;
  /** Who writes also holds the database; who reads sees what is committed. */
  readonly mode: 'write' | 'read';
}

/** What only reads. */
export type ReadMethod = StoreMethod & keyof SqliteReads;

/** To the thread. */
export interface ThreadRequest {
  readonly id: number;
  readonly method: StoreMethod;
  readonly args: Crossing;
}
/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ThreadError }
  | { readonly kind: 'commit'; readonly seconds: number; readonly records: number }
  | { readonly kind: 'value'; readonly id: number; readonly value: Crossing }
  | { readonly kind: 'error'; readonly id: number; readonly error: ThreadError };
export interface ThreadError {
  readonly code: StoreErrorCode;
  readonly message: string;
}

/** What this thread answers from. */
interface Answering {
  answer(method: StoreMethod, args: readonly unknown[]): unknown;
  close(): Promise<void>;
}
type AnyMethod = (...args: readonly unknown[]) => unknown;

const port = parentPort;
if (port === null) throw new TypeError('this is the program of a thread');
const post = (message: ThreadMessage): void => port.postMessage(message);

try {
  // Given by store-thread.ts.
  const { path, mode } = workerData as ThreadData;
  const answering = mode === 'write' ? writing(path) : reading(path);
  port.on('message', (request: ThreadRequest | 'close') => {
    if (request === 'close') void close(answering);
    else void answer(answering, request);
  });
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'failed', error: toThreadError(error) });
}

function writing(path: string): Answering {
  const store = new SqliteStore({
    path,
    clock: systemClock,
    onCommit: (seconds, records) => post({ kind: 'commit', seconds, records }),
  });
  return {
    // The asking side is typed by the same interface.
    answer: (method, args) => (store[method].bind(store) as AnyMethod)(...args),
    close: () => store[Symbol.asyncDispose](),
  };
}

function reading(path: string): Answering {
  const database = openToRead(path);
  const reads = new SqliteReads(database);
  return {
    // As above; the asking side sends what only reads here.
    answer: (method, args) => (reads[method as ReadMethod].bind(reads) as AnyMethod)(...args),
    close: async () => database.close(),
  };
}

async function answer(answering: Answering, { id, method, args }: ThreadRequest): Promise<void> {
  try {
    // As it was called on the other side, with arguments in a list.
    const given = fromCrossing(args) as readonly unknown[];
    const value = await answering.answer(method, given);
    post({ kind: 'value', id, value: toCrossing(method, value) });
  } catch (error) {
    post({ kind: 'error', id, error: toThreadError(error) });
  }
}

async function close(answering: Answering): Promise<void> {
  await answering.close();
  // Answers to what was committed last are on their way before the port closes.
  setImmediate(() => port?.close());
}

/** Errors lose their class over the border; what is not the store's own is its failure to write or read. */
function toThreadError(error: unknown): ThreadError {
  if (error instanceof StoreError) return { code: error.code, message: error.message };
  return { code: 'ERR_STORE_WRITE', message: messageOf(error) };
}
