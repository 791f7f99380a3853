import type { Clock } from '../shared/clock.ts';
import type { Logger } from '../shared/log.ts';
import { CLOSE, type Hello } from '../shared/protocol.ts';
import type { Commands } from './commands.ts';
import type { Fleet } from './fleet.ts';
import type { SessionAuthority } from './identity/principal.ts';
import type { Metrics } from './metrics.ts';
import type { Store } from './store/store.ts';
import type { NodeIdentity } from './store/stored-node.ts';

export interface SessionLimits {
  readonly heartbeatSeconds: number;
  readonly silentSeconds: number;
  readonly helloSeconds: number;
}

/** What a session works with. */
export interface SessionContext {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly authority: SessionAuthority;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: SessionLimits;
  readonly serverId: string;
  /** Mean delay of the event loop in the last second or so. */
  loopDelayMs(): number;
}

/** An agent's connection, as the others see it. */
export interface ConnectedAgent {
  readonly node: NodeIdentity;
  readonly commands: Commands;
  /** Absent before `hello`. */
  readonly host: Hello['host'] | undefined;
  /** What the agent said that it can do; empty before `hello`. */
  readonly capabilities: readonly string[];
  /** Bytes that wait for the peer to read. */
  readonly bufferedBytes: number;
  /** Once a second or so: what is due by time. */
  tick(rssBytes: number): void;
  close(code: number, why: string): void;
  /** Tells the agent that this server is about to stop. */
  drain(why: string, reconnectSpreadSeconds: number): void;
  /** Resolves with true when the peer answers in time. */
  isAlive(withinMs: number): Promise<boolean>;
}

/** So many reconnects a second a server takes without its event loop noticing. */
const RECONNECTS_PER_SECOND = 150;
const MIN_SPREAD_SECONDS = 5;
const PROOF_OF_LIFE_MS = 3000;

/** All connected agents: one session a node. */
export class Sessions {
  readonly #all = new Set<ConnectedAgent>();
  readonly #byUid = new Map<string, ConnectedAgent>();
  readonly #onFork: (uid: string) => void;

  constructor(onFork: (uid: string) => void) {
    this.#onFork = onFork;
  }

  get count(): number {
    return this.#byUid.size;
  }

  /** In how many seconds all agents should be back, so that they do not come at once. */
  get spreadSeconds(): number {
    return Math.max(MIN_SPREAD_SECONDS, Math.ceil(this.#byUid.size / RECONNECTS_PER_SECOND));
  }

  get bufferedBytes(): number {
    let bytes = 0;
    for (const session of this.#all) bytes += session.bufferedBytes;
    return bytes;
  }

  of(uid: string): ConnectedAgent | undefined {
    return this.#byUid.get(uid);
  }

  add(session: ConnectedAgent): void {
    this.#all.add(session);
  }

  /**
   * Whether a session that said hello may open. Another boot or machine with the same credential, or another
   * credential with the same name, is a copy or a clash while the first is provably alive: the newcomer is refused.
   * In all other cases the older session gives way.
   */
  async admit(session: ConnectedAgent): Promise<boolean> {
    const older = this.#byUid.get(session.node.uid) ?? this.#namesakeOf(session);
    if (older === undefined || !isOther(older, session)) return true;
    if (!(await older.isAlive(PROOF_OF_LIFE_MS))) return true;
    this.#onFork(older.node.uid);
    session.close(CLOSE.fork, 'another machine uses this credential or name');
    return false;
  }

  #namesakeOf({ node }: ConnectedAgent): ConnectedAgent | undefined {
    for (const session of this.#byUid.values()) {
      if (session.node.name === node.name) return session;
    }
    return undefined;
  }

  opened(session: ConnectedAgent): void {
    const older = this.#byUid.get(session.node.uid);
    this.#byUid.set(session.node.uid, session);
    if (older !== session) older?.close(CLOSE.superseded, 'superseded');
  }

  closed(session: ConnectedAgent): void {
    this.#all.delete(session);
    if (this.#byUid.get(session.node.uid) === session) this.#byUid.delete(session.node.uid);
  }

  tick(): void {
    // Once for all: the kernel is asked by a file of /proc.
    const rssBytes = process.memoryUsage.rss();
    for (const session of this.#all) session.tick(rssBytes);
  }

  drain(why: string): void {
    const spread = this.spreadSeconds;
    for (const session of this.#all) session.drain(why, spread);
  }
}

function isOther(older: ConnectedAgent, newer: ConnectedAgent): boolean {
  return (
    older.host?.bootId !== newer.host?.bootId || older.host?.machineId !== newer.host?.machineId
  );
}
