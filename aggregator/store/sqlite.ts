import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../shared/clock.ts';
import { type OnCommit, SqliteCommits } from './sqlite-commits.ts';
import { SqliteReads } from './sqlite-reads.ts';
import { holdDatabase, openDatabase } from './sqlite-schema.ts';
import { SqliteWrites } from './sqlite-writes.ts';
import { type Store, StoreError } from './store.ts';
import { answer, isWrite, recordsOf, storeMethods } from './store-methods.ts';

export interface SqliteOptions {
  /** Folder must exist; the file is created. */
  readonly path: string;
  readonly clock: Clock;
  readonly onCommit?: OnCommit;
}

/**
 * The embedded store in the thread that calls it. Throws `ERR_STORE_IN_USE`, `ERR_STORE_FOREIGN`, `ERR_STORE_NEWER`
 * and `ERR_STORE_OPEN`.
 */
export function openSqlite({ path, clock, onCommit }: SqliteOptions): Store {
  const lock = holdDatabase(path);
  let database: DatabaseSync;
  try {
    database = openDatabase(path);
  } catch (error) {
    lock.close();
    throw error;
  }
  const reads = new SqliteReads(database);
  const writes = new SqliteWrites(database);
  const commits = new SqliteCommits(database, clock, onCommit, () => writes.forget());
  let isClosed = false;
  return {
    ...storeMethods(async (call) => {
      if (isClosed) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed');
      if (!isWrite(call.method)) return await answer(reads, call);
      return await commits.add(recordsOf(call), () => answer(writes, call));
    }),
    get backlog() {
      return commits.backlog;
    },
    /** Commits what waits, then closes. */
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      commits.drain();
      database.close();
      lock.close();
    },
  };
}
