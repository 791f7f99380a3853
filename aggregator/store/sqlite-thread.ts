import type { OnCommit } from './sqlite-commits.ts';
import { type Store, StoreError } from './store.ts';
import { isWrite, recordsOf, storeMethods } from './store-methods.ts';
import { StoreThread } from './store-thread.ts';

export interface SqliteThreadOptions {
  readonly path: string;
  readonly onCommit?: OnCommit;
}

/**
 * The embedded store in threads of its own, one that writes and one that reads: neither an fsync nor a large question
 * stops the event loop that keeps the agents' connections, and no question keeps a commit waiting. Throws as
 * `openSqlite` does.
 */
export async function openSqliteThreads({ path, onCommit }: SqliteThreadOptions): Promise<Store> {
  const told = onCommit ?? (() => {});
  const writer = new StoreThread({ path, mode: 'write' }, told);
  const reader = new StoreThread({ path, mode: 'read' }, told);
  // The writer makes what the reader opens.
  await writer.start();
  try {
    await reader.start();
  } catch (error) {
    await writer.close();
    throw error;
  }
  let backlog = 0;
  let isClosed = false;
  return {
    ...storeMethods(async (call) => {
      if (isClosed) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed');
      if (!isWrite(call.method)) return await reader.ask(call);
      const records = recordsOf(call);
      backlog += records;
      try {
        return await writer.ask(call);
      } finally {
        backlog -= records;
      }
    }),
    get backlog() {
      return backlog;
    },
    /** Commits what waits, then ends the threads. */
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await reader.close();
      await writer.close();
    },
  };
}
