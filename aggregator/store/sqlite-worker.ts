import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { openSqlite } from './sqlite.ts';
import { SqliteReads } from './sqlite-reads.ts';
import { openToRead } from './sqlite-schema.ts';
import { StoreError, type StoreErrorCode } from './store.ts';
import { type Crossing, fromCrossing, toCrossing } from './store-crossing.ts';
import { answer, type StoreCall, type StoreMethod } from './store-methods.ts';

/* The program of the store's threads; the other side, store-thread.ts, takes types from here only. */

export interface ThreadData {
  readonly path: string;
  /** Who writes also holds the database; who reads sees what is committed. */
  readonly mode: 'write' | 'read';
}

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
  answer(call: StoreCall): unknown;
  close(): Promise<void>;
}

const port = parentPort;
if (port === null) throw new TypeError('this is the program of a thread');
const post = (message: ThreadMessage): void => port.postMessage(message);

try {
  // Given by store-thread.ts.
  const { path, mode } = workerData as ThreadData;
  const answering = mode === 'write' ? writing(path) : reading(path);
  port.on('message', (request: ThreadRequest | 'close') => {
    if (request === 'close') void close(answering);
    else void reply(answering, request);
  });
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'failed', error: toThreadError(error) });
}

function writing(path: string): Answering {
  const onCommit = (seconds: number, records: number): void =>
    post({ kind: 'commit', seconds, records });
  const store = openSqlite({ path, clock: systemClock, onCommit });
  return {
    answer: (call) => answer(store, call),
    close: async () => await store[Symbol.asyncDispose](),
  };
}

function reading(path: string): Answering {
  const database = openToRead(path);
  const reads = new SqliteReads(database);
  return { answer: (call) => answer(reads, call), close: async () => database.close() };
}

async function reply(answering: Answering, { id, method, args }: ThreadRequest): Promise<void> {
  try {
    // As it was called on the other side, with arguments in a list.
    const given = fromCrossing(args) as readonly unknown[];
    const value = await answering.answer({ method, args: given });
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
