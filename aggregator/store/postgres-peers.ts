import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { PeerAnswer, PeerCommand, PeerListener, Peers } from './peers.ts';
import { PostgresCommands } from './postgres-commands.ts';
import {
  CHANNEL,
  type ConnectionOptions,
  type Connections,
  connectAlone,
  type Query,
} from './postgres-connection.ts';
import type { Known } from './postgres-known.ts';
import { PostgresLeader } from './postgres-leader.ts';
import { PostgresNews } from './postgres-news.ts';
import { REPLICA_GONE } from './postgres-nodes.ts';
import { PostgresRecords } from './postgres-records.ts';
import type { RecordKind, Records } from './records.ts';
import { type SessionOpened, type SessionStart, StoreError } from './store.ts';
import type { StoreCall } from './store-methods.ts';

export interface PeersOptions extends ConnectionOptions {
  readonly replica: string;
}

/** The truth is in the tables: they are looked at so often, whether or not somebody said that there is news. */
const POLL_MS = 2000;
/** A notice takes a lock of the whole database: never in a transaction that writes, and no more often than this. */
const NOTIFY_MS = 1000;

/** Records have their own: a turn waits for those of other aggregators, and one may hold another. */
export interface PeerConnections {
  readonly talk: Connections;
  readonly records: Connections;
}

type Alone = Awaited<ReturnType<typeof connectAlone>>;

/** The other aggregators on the same database: what they do is read from it, commands go through it. */
export class PostgresPeers implements Peers, AsyncDisposable {
  readonly #options: PeersOptions;
  readonly #connections: Connections;
  readonly #news: PostgresNews;
  readonly #commands: PostgresCommands;
  readonly #leader: PostgresLeader;
  readonly #forRecords: Connections;
  readonly #log: Logger;
  /** Sessions with this aggregator, by uid. */
  readonly #sessions = new Map<string, number>();
  #alone: Alone | undefined;
  #listener: PeerListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #isPolling = false;
  #isNewsDue = false;
  #notifiedMs = Number.NEGATIVE_INFINITY;
  #notifying: NodeJS.Timeout | undefined;
  #isAway = false;
  #isClosed = false;

  private constructor(
    options: PeersOptions,
    connections: PeerConnections,
    known: Known,
    log: Logger,
  ) {
    this.#options = options;
    this.#connections = connections.talk;
    this.#forRecords = connections.records;
    this.#leader = new PostgresLeader(options.replica);
    this.#log = log;
    this.#news = new PostgresNews(options.replica, known);
    this.#commands = new PostgresCommands(options.replica, connections.talk, () => this.#notify());
  }

  /** Registers this aggregator and remembers how things stand: what changes from now on is news. */
  static async open(
    options: PeersOptions,
    connections: PeerConnections,
    known: Known,
    log: Logger,
  ): Promise<PostgresPeers> {
    const peers = new PostgresPeers(options, connections, known, log);
    await connections.talk.transact('BEGIN', (query) => peers.#sayAlive(query));
    await connections.talk.transact('BEGIN ISOLATION LEVEL REPEATABLE READ', (query) =>
      peers.#news.begin(query),
    );
    return peers;
  }

  get isLeader(): boolean {
    return this.#leader.isLeader;
  }

  records(kind: RecordKind): Records {
    return new PostgresRecords(kind, this.#forRecords);
  }

  follow(listener: PeerListener): void {
    this.#listener = listener;
    this.#poll();
  }

  async left(uid: string, session: number): Promise<void> {
    if (this.#sessions.get(uid) !== session) return;
    this.#sessions.delete(uid);
    await this.#connections.transact('BEGIN', (query) =>
      query(
        `UPDATE node SET replica = NULL, changed = pg_current_xact_id()
           WHERE uid = $1 AND session = $2 AND replica = $3`,
        [uid, session, this.#options.replica],
      ),
    );
    this.#notify();
  }

  ask(command: PeerCommand): Promise<PeerAnswer | undefined> {
    return this.#commands.ask(command);
  }

  /** A write of this aggregator was committed: the others are told that there is news, of what they find themselves. */
  committed({ method, args }: StoreCall, value: unknown): void {
    if (method === 'openSession') {
      // As the method was called and as it answered.
      this.#sessions.set((args[0] as SessionStart).node.uid, (value as SessionOpened).session);
    }
    if (method !== 'touch' && method !== 'probe' && method !== 'prune') this.#notify();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#notifying);
    this.#commands.close();
    await this.#polling;
    await this.#alone?.close().catch(() => {});
    // Without it the others find out by themselves.
    await this.#connections.transact('BEGIN', (query) => this.#sayGone(query)).catch(() => {});
  }

  #poll(): void {
    if (this.#isClosed) return;
    if (this.#isPolling) {
      this.#isNewsDue = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#isPolling = true;
    this.#isNewsDue = false;
    this.#polling = this.#pollOnce().finally(() => {
      this.#isPolling = false;
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#poll(), this.#isNewsDue ? 0 : POLL_MS).unref();
    });
  }

  /** Never rejects. */
  async #pollOnce(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    try {
      await this.#listen();
      await this.#connections.transact('BEGIN', (query) => this.#sayAlive(query));
      const tell = await this.#connections.transact(
        'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
        (query) => this.#news.read(query, listener),
      );
      tell();
      await this.#commands.serve((command) => listener.command(command));
      if (this.#isAway) this.#log.info({}, 'the database is back');
      this.#isAway = false;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'ERR_STORE_NEWER') {
        listener.overtaken(error);
        return;
      }
      if (!this.#isAway) this.#log.error({ reason: messageOf(error) }, 'the database is away');
      this.#isAway = true;
    }
  }

  async #listen(): Promise<void> {
    if (this.#alone !== undefined) return;
    const ended = (): void => {
      this.#alone = undefined;
    };
    const alone = await connectAlone(this.#options, () => this.#poll(), ended);
    await alone.query(`LISTEN ${CHANNEL}`);
    this.#alone = alone;
  }

  /** The first at once, later ones together. */
  #notify(): void {
    if (this.#notifying !== undefined || this.#isClosed) return;
    const waitMs = Math.max(0, this.#notifiedMs + NOTIFY_MS - performance.now());
    this.#notifying = setTimeout(() => {
      this.#notifying = undefined;
      this.#notifiedMs = performance.now();
      // Who misses it finds the news at the next look.
      this.#alone?.query(`SELECT pg_notify('${CHANNEL}', '')`).catch(() => {});
    }, waitMs).unref();
  }

  /** Says that this aggregator is there, and takes those off the list that are not; their nodes are connected to none. */
  async #sayAlive(query: Query): Promise<void> {
    const { replica } = this.#options;
    await this.#leader.renew(query);
    const [row] = await query(
      `INSERT INTO replica (id, seen_at) VALUES ($1, now())
         ON CONFLICT (id) DO UPDATE SET seen_at = now() RETURNING (xmax = 0) AS is_new`,
      [replica],
    );
    // Taken off by another while the database was away for this one.
    if (row?.['is_new'] === true && this.#sessions.size > 0) await this.#claim(query);
    const gone = await query(
      `DELETE FROM replica WHERE id IN (
         SELECT id FROM replica WHERE seen_at < now() - ${REPLICA_GONE} FOR UPDATE SKIP LOCKED)
         RETURNING id`,
    );
    if (gone.length > 0)
      await release(
        query,
        gone.map((each) => String(each['id'])),
      );
  }

  async #claim(query: Query): Promise<void> {
    await query(
      `UPDATE node SET replica = $1, changed = pg_current_xact_id()
         FROM unnest($2::text[], $3::bigint[]) AS mine (uid, session)
         WHERE node.uid = mine.uid AND node.session = mine.session`,
      [this.#options.replica, [...this.#sessions.keys()], [...this.#sessions.values()]],
    );
  }

  async #sayGone(query: Query): Promise<void> {
    await this.#leader.resign(query);
    await query('DELETE FROM replica WHERE id = $1', [this.#options.replica]);
    await release(query, [this.#options.replica]);
  }
}

async function release(query: Query, replicas: readonly string[]): Promise<void> {
  await query(
    'UPDATE node SET replica = NULL, changed = pg_current_xact_id() WHERE replica = ANY($1)',
    [replicas],
  );
}
