import { createHash } from 'node:crypto';
import type { Logger } from '../../shared/log.ts';
import { type ConnectionOptions, Connections, toStoreError } from './postgres-connection.ts';
import { Known } from './postgres-known.ts';
import { PostgresLane } from './postgres-lane.ts';
import { PostgresPeers } from './postgres-peers.ts';
import { PostgresReads } from './postgres-reads.ts';
import { migratePostgres, POSTGRES_VERSION } from './postgres-schema.ts';
import { PostgresSections } from './postgres-sections.ts';
import { PostgresWrites } from './postgres-writes.ts';
import { RECORD_KINDS } from './records.ts';
import type { OnCommit } from './sqlite-commits.ts';
import { type SessionStart, type Store, StoreError } from './store.ts';
import { answer, isWrite, recordsOf, type StoreCall, storeMethods } from './store-methods.ts';

export interface PostgresOptions extends ConnectionOptions {
  /** Names this aggregator among those on the database; another each time it starts. */
  readonly replica: string;
  readonly onCommit: OnCommit;
  readonly log: Logger;
}

/** So many transactions write at once; commits that wait for the disk together cost one wait. */
const LANES = 4;
const READERS = 4;
/** Of what aggregators say to each other: no question may keep one from saying that it is there. */
const TALKERS = 2;
/** One a kind of record: a turn may hold another's. */
const RECORDERS = RECORD_KINDS.length;

/**
 * The store in PostgreSQL, which several aggregators may share. Throws `ERR_STORE_FOREIGN`, `ERR_STORE_NEWER`,
 * `ERR_STORE_OPEN`.
 */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const { replica, onCommit, log } = options;
  await using parts = new AsyncDisposableStack();
  // Of their own: a large question must not keep a commit waiting.
  const connections = (most: number): Connections =>
    parts.use(new Connections(options, most, POSTGRES_VERSION));
  const forWrites = connections(LANES);
  const forReads = connections(READERS);
  const forPeers = { talk: connections(TALKERS), records: connections(RECORDERS) };
  const known = new Known();
  const writes = new PostgresWrites(replica, known);
  const reads = new PostgresReads(forReads, new PostgresSections(known), replica);
  let peers: PostgresPeers;
  try {
    await using alone = new Connections(options, 1);
    await migratePostgres(alone);
    peers = parts.use(await PostgresPeers.open(options, forPeers, known, log));
  } catch (error) {
    const { code, message } = toStoreError(error);
    const cause = { cause: error };
    throw new StoreError(code === 'ERR_STORE_WRITE' ? 'ERR_STORE_OPEN' : code, message, cause);
  }
  const lanes = Array.from({ length: LANES }, () => new PostgresLane(forWrites, writes, onCommit));
  parts.defer(async () => {
    await Promise.all(lanes.map((lane) => lane.drain()));
  });
  const all = parts.move();
  let backlog = 0;
  let isClosed = false;
  const write = async (call: StoreCall): Promise<unknown> => {
    const records = recordsOf(call);
    backlog += records;
    try {
      const value = await lanes[laneOf(call)]?.add(call);
      peers.committed(call, value);
      return value;
    } finally {
      backlog -= records;
    }
  };
  return {
    ...storeMethods(async (call) => {
      if (isClosed) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed');
      return isWrite(call.method) ? await write(call) : await answer(reads, call);
    }),
    peers,
    get backlog() {
      return backlog;
    },
    /** Commits what waits, then closes. */
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await all.disposeAsync();
    },
  };
}

/** Writes for one node go one way, so that they keep their order. */
function laneOf({ args: [first] }: StoreCall): number {
  const uid = uidOf(first);
  return (createHash('sha256').update(uid).digest()[0] ?? 0) % LANES;
}

function uidOf(argument: unknown): string {
  if (typeof argument === 'string') return argument;
  if (typeof argument !== 'object' || argument === null) return '';
  if ('uid' in argument) return String(argument.uid);
  return 'node' in argument ? (argument as SessionStart).node.uid : '';
}
