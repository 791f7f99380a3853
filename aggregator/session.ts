import type { WebSocket } from 'ws';
import { rfc3339 } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import { encodeFrame, readAgentFrame } from '../shared/frames.ts';
import type { Logger } from '../shared/log.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  CLOSE,
  type Events,
  FrameError,
  type Heartbeat,
  type Hello,
  LIMITS,
  PROTOCOL,
  type State,
} from '../shared/protocol.ts';
import { SECTIONS } from '../shared/report.ts';
import { VERSION } from '../shared/version.ts';
import { Commands } from './commands.ts';
import { EventIntake, type Intake } from './event-intake.ts';
import type { AgentPrincipal } from './identity/principal.ts';
import type { SessionContext } from './sessions.ts';
import { StateParts } from './state-parts.ts';
import {
  type NodeIdentity,
  RESERVED_EPOCH_PREFIX,
  type SessionOpened,
  StoreError,
} from './store/store.ts';

/** A peer that sends so many frames nobody can read is not an agent. */
const MAX_BAD_FRAMES = 16;
/** The peer reads too slowly for what it asks. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** Records that wait for a commit before senders are paused. */
const MAX_BACKLOG = 2000;
/** An agent may have changed its state a moment before it said its hash. */
const QUIET_MS = 1000;
const OVERLOAD_RETRY_SECONDS = 10;
/** Not of our protocol, RFC 6455 §7.4.1: a peer that breaks the rules; a fault of ours. */
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

/** One agent's connection, from the upgrade to the close. */
export class AgentSession {
  readonly node: NodeIdentity;
  readonly commands: Commands;
  readonly #socket: WebSocket;
  readonly #context: SessionContext;
  readonly #parts = new StateParts();
  readonly #sinceMs: number;
  readonly #onHandshakeDone: () => void;
  #log: Logger;
  #principal: AgentPrincipal;
  #hello: Hello | undefined;
  #number: number | undefined;
  #intake: EventIntake | undefined;
  #acknowledged = 0;
  #badFrames = 0;
  #applying = 0;
  #heardMs: number;
  #stateHeardMs: number;
  #nextBeatMs: number;
  #toldGapAt: number | undefined;
  #mismatches = 0;

  constructor(
    socket: WebSocket,
    principal: AgentPrincipal,
    context: SessionContext,
    onHandshakeDone: () => void,
  ) {
    this.#onHandshakeDone = onHandshakeDone;
    this.node = principal.node;
    this.#socket = socket;
    this.#context = context;
    this.#principal = principal;
    this.#log = context.log.child({ node: principal.node.name });
    const nowMs = context.clock.monotonicMs();
    this.#sinceMs = nowMs;
    this.#heardMs = nowMs;
    this.#stateHeardMs = nowMs;
    this.#nextBeatMs = Number.POSITIVE_INFINITY;
    this.commands = new Commands((frame) => this.#send(frame), context.clock);
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#received(data, isBinary));
    socket.on('ping', () => this.#heard());
    socket.on('pong', () => this.#heard());
    socket.on('error', (error) => this.#log.warn({ reason: error.message }, 'socket failed'));
    socket.on('close', (code) => this.#closed(code));
  }

  /** The session number; undefined before `hello` was answered. */
  get number(): number | undefined {
    return this.#number;
  }

  get host(): Hello['host'] | undefined {
    return this.#hello?.host;
  }

  /** Bytes that wait for the peer to read. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Once a second or so: what is due by time. */
  tick(): void {
    const { clock, limits } = this.#context;
    const nowMs = clock.monotonicMs();
    if (this.#hello === undefined && nowMs - this.#sinceMs >= limits.helloSeconds * 1000) {
      this.close(CLOSE.badHello, 'no hello');
    } else if (clock.nowMs() >= (this.#principal.expiresAtMs ?? Number.POSITIVE_INFINITY)) {
      this.close(CLOSE.credentialExpired, 'credential expired');
    } else if (this.#context.authority.isRevoked(this.#principal.credentialId)) {
      this.close(CLOSE.revoked, 'credential revoked');
    } else if (nowMs - this.#heardMs >= limits.silentSeconds * 1000 && !this.#socket.isPaused) {
      this.close(CLOSE.silent, 'silent');
    } else if (nowMs >= this.#nextBeatMs) {
      this.#beat(nowMs);
    }
    this.commands.expire();
  }

  /** Says why in the close frame and does not wait long for the answer: a half-open peer gives none. */
  close(code: number, why: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#log.info({ code, why, session: this.#number }, 'closing session');
    this.#socket.resume();
    this.#socket.close(code, why);
    setTimeout(() => this.#socket.terminate(), 1000).unref();
  }

  /** Tells the agent that this server is about to stop. */
  drain(why: string, reconnectSpreadSeconds: number): void {
    this.#send({ type: 'drain', why, reconnectSpreadSeconds });
    this.close(CLOSE.restart, why);
  }

  /** Resolves with true when the peer answers a ping in time: it is alive, not a half-open socket. */
  async isAlive(withinMs: number): Promise<boolean> {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), withinMs);
    this.#socket.once('pong', () => resolve(true));
    this.#socket.once('close', () => resolve(false));
    this.#socket.ping();
    const isAlive = await promise;
    clearTimeout(timer);
    return isAlive;
  }

  #heard(): void {
    this.#heardMs = this.#context.clock.monotonicMs();
    if (this.#number !== undefined) this.#context.fleet.heard(this.node.uid);
  }

  /** Whatever a frame makes fail ends this session at most, never the process. */
  #received(data: Buffer, isBinary: boolean): void {
    this.#heard();
    try {
      if (!isBinary) throw new FrameError('ERR_FRAME_CODEC', 'expected a binary frame');
      this.#handle(readAgentFrame(data));
    } catch (error) {
      if (error instanceof FrameError) {
        this.#badFrame(error);
        return;
      }
      this.#log.error({ err: error }, 'frame could not be handled');
      this.close(INTERNAL_ERROR, 'internal error');
    }
  }

  #handle(frame: AgentFrame): void {
    if (this.#hello === undefined) {
      if (frame.type === 'hello') void this.#open(frame);
      else this.#refuseHello(`expected hello, got ${frame.type}`);
      return;
    }
    if (this.#number === undefined) {
      this.#sendError('protocol', `${frame.type}: nothing may follow hello before welcome`);
      return;
    }
    switch (frame.type) {
      case 'hello':
        this.#sendError('protocol', 'hello was said already');
        break;
      case 'state':
        this.#state(frame);
        break;
      case 'events':
        this.#events(frame);
        break;
      case 'heartbeat':
        this.#heartbeat(frame);
        break;
      case 'result':
        this.commands.answered(frame);
        break;
      case 'authenticate':
        void this.#authenticate(frame.token);
        break;
      case 'error':
        this.#log.warn({ code: frame.code, reason: frame.message.slice(0, 500) }, 'agent reports');
        break;
    }
  }

  #badFrame(error: FrameError): void {
    this.#context.metrics.badFrames.inc({ code: error.code });
    if (this.#hello === undefined) {
      this.#refuseHello(error.message);
      return;
    }
    this.#badFrames++;
    const code = error.code === 'ERR_FRAME_TYPE' ? 'unsupported' : error.code;
    this.#sendError(code, error.message);
    if (this.#badFrames >= MAX_BAD_FRAMES) this.close(POLICY_VIOLATION, 'too many bad frames');
  }

  #refuseHello(why: string): void {
    this.#sendError('badHello', why);
    this.close(CLOSE.badHello, 'bad hello');
  }

  async #open(hello: Hello): Promise<void> {
    const { store, fleet, sessions, clock, limits, serverId } = this.#context;
    if (hello.protocol !== PROTOCOL) {
      this.#refuseHello(`protocol: expected ${PROTOCOL}`);
      return;
    }
    const { epoch, first, next } = hello.spool;
    if (epoch.startsWith(RESERVED_EPOCH_PREFIX) || epoch === '' || first > next) {
      this.#refuseHello('spool: expected an epoch of the agent and first <= next');
      return;
    }
    this.#hello = hello;
    this.#onHandshakeDone();
    // Nothing more is read before the session is open.
    this.#socket.pause();
    try {
      if (!(await sessions.admit(this))) return;
      const opened = await store.openSession({ node: this.node, hello, atMs: clock.nowMs() });
      if (this.#socket.readyState !== this.#socket.OPEN) return;
      this.#number = opened.session;
      this.#log = this.#log.child({ session: opened.session });
      sessions.opened(this);
      this.#intake = new EventIntake(epoch, opened.have.sequence);
      this.#acknowledged = opened.have.sequence;
      fleet.connected(this.node, opened, this.#live(hello, opened), hello.agent.version);
      this.#nextBeatMs = clock.monotonicMs() + beatDelayMs(limits.heartbeatSeconds);
      this.#send({
        type: 'welcome',
        session: opened.session,
        node: this.node.name,
        server: { id: serverId, version: VERSION, timeMs: clock.nowMs() },
        have: opened.have,
        limits: {
          frameBytes: LIMITS.frameBytes,
          inflight: LIMITS.inflight,
          inflightBytes: LIMITS.inflightBytes,
          heartbeatSeconds: limits.heartbeatSeconds,
        },
        reconnectSpreadSeconds: sessions.spreadSeconds,
        authenticatedUntilMs: this.#principal.expiresAtMs,
      });
      if (next - 1 < opened.have.sequence) {
        const held = `${opened.have.sequence} is held, the spool ends before ${next}`;
        this.#sendError('spoolBehind', `${held}: start a new epoch`);
      }
      this.#log.info({ agent: hello.agent.version, epoch, next }, 'agent connected');
    } catch (error) {
      this.#storeFailed(error);
    } finally {
      this.#socket.resume();
    }
  }

  #live(hello: Hello, opened: SessionOpened) {
    const nowMs = this.#context.clock.nowMs();
    return {
      session: opened.session,
      sinceMs: nowMs,
      bootId: hello.host.bootId,
      machineId: hello.host.machineId,
      unsentRecords: hello.spool.next - 1 - opened.have.sequence,
      clockSkewSeconds: (hello.clock.wallMs - nowMs) / 1000,
      conditions: [],
    };
  }

  #state(part: State): void {
    this.#stateHeardMs = this.#context.clock.monotonicMs();
    this.#mismatches = 0;
    const change = this.#parts.add(part);
    if (change === undefined) return;
    if ('why' in change) this.#needState(part.section, change.why);
    else void this.#apply(change);
  }

  async #apply(change: Omit<State, 'type' | 'part' | 'of'>): Promise<void> {
    const { store, fleet, clock, metrics } = this.#context;
    const { section, mode, base, to, upsert, remove, asOf } = change;
    this.#applying++;
    try {
      const applied = await store.apply({
        uid: this.node.uid,
        session: this.#number ?? 0,
        section,
        mode,
        base,
        to,
        upsert,
        remove,
        asOfMs: Date.parse(asOf),
        receivedAtMs: clock.nowMs(),
      });
      if (applied.kind === 'applied') {
        fleet.sectionApplied(this.node.uid, section, applied);
        this.#send({ type: 'stateApplied', section, to: applied.hash });
      } else if (applied.kind === 'mismatch' && mode === 'full') {
        // Asking at once would go round in circles: the next heartbeat asks again.
        metrics.hashMismatches.inc();
        this.#sendError('stateHash', `${section}: announced ${to}, items give ${applied.hash}`);
      } else {
        if (applied.kind === 'mismatch') metrics.hashMismatches.inc();
        this.#needState(section, applied.kind === 'mismatch' ? 'hashMismatch' : 'baseUnknown');
      }
    } catch (error) {
      this.#storeFailed(error);
    } finally {
      this.#applying--;
    }
  }

  #needState(section: State['section'], why: string): void {
    this.#context.metrics.resyncs.inc({ reason: why });
    this.#send({ type: 'stateNeeded', section, why });
  }

  #events(frame: Events): void {
    const intake = this.#intake;
    if (intake === undefined) return;
    if (frame.epoch !== intake.epoch) {
      this.#sendError('epoch', `expected epoch ${intake.epoch}: a new one begins with hello`);
      return;
    }
    const taken = intake.take(frame);
    if (taken.events.length > 0) {
      this.#toldGapAt = undefined;
      void this.#append(intake.epoch, taken);
    } else if (taken.duplicates > 0) {
      this.#ack();
    }
    if (taken.gapAt !== undefined && taken.gapAt !== this.#toldGapAt) this.#askAgain(taken.gapAt);
  }

  /** An `ack` of what is held beside the `error`: the agent goes on after it. */
  #askAgain(next: number): void {
    this.#toldGapAt = next;
    this.#context.metrics.gaps.inc();
    this.#sendError('gap', `events: expected sequence ${next}; send again from there`);
    this.#ack();
  }

  async #append(epoch: string, { events, rejects }: Intake): Promise<void> {
    const { store, fleet, clock, metrics } = this.#context;
    const receivedAtMs = clock.nowMs();
    const { uid, name } = this.node;
    try {
      const written = store.append({
        uid,
        session: this.#number ?? 0,
        epoch,
        receivedAtMs,
        events,
      });
      if (store.backlog > MAX_BACKLOG) this.#socket.pause();
      const cursor = await written;
      this.#socket.resume();
      this.#acknowledged = Math.max(this.#acknowledged, cursor.sequence);
      for (const reject of rejects) {
        metrics.rejects.inc({ code: reject.code });
        this.#send(reject);
      }
      this.#ack();
      const receivedAt = rfc3339(receivedAtMs);
      for (const event of events) {
        if (event.throughSequence <= cursor.before) continue;
        const { sequence, at, kind, data, lost } = event;
        metrics.events.inc();
        metrics.ingestLag.observe(Math.max(0, (receivedAtMs - Date.parse(at)) / 1000));
        if (lost > 0) metrics.eventsLost.inc(lost);
        const record = {
          node: name,
          epoch,
          sequence,
          at,
          receivedAt,
          kind,
          class: event.class,
          data,
        };
        fleet.recorded(uid, record, lost);
      }
    } catch (error) {
      this.#storeFailed(error);
    }
  }

  #ack(): void {
    const epoch = this.#intake?.epoch;
    if (epoch !== undefined) this.#send({ type: 'ack', epoch, sequence: this.#acknowledged });
  }

  #heartbeat(beat: Heartbeat): void {
    const { fleet, clock, metrics } = this.#context;
    const live = fleet.get(this.node.uid)?.live;
    if (live?.session === this.#number && live !== undefined) {
      live.unsentRecords = beat.unsent.records;
      live.clockSkewSeconds = (beat.wallMs - clock.nowMs()) / 1000;
      live.conditions = beat.conditions ?? [];
    }
    // A hole that was told once and is still open, or a frame of events that never came: say again what is held.
    if (beat.unsent.records > 0 && this.#context.store.backlog === 0) this.#ack();
    this.#toldGapAt = undefined;
    if (beat.rootHash === fleet.rootHash(this.node.uid)) {
      this.#mismatches = 0;
      return;
    }
    if (this.#applying > 0 || !this.#parts.isEmpty) return;
    this.#mismatches++;
    const isQuiet = clock.monotonicMs() - this.#stateHeardMs >= QUIET_MS;
    if (!isQuiet && this.#mismatches < 2) return;
    this.#mismatches = 0;
    metrics.hashMismatches.inc();
    for (const section of SECTIONS) this.#needState(section, 'rootMismatch');
  }

  #beat(nowMs: number): void {
    const { fleet, clock, limits, loopDelayMs } = this.#context;
    this.#nextBeatMs = nowMs + beatDelayMs(limits.heartbeatSeconds);
    this.#send({
      type: 'heartbeat',
      rootHash: fleet.rootHash(this.node.uid),
      unsent: { records: 0, oldestSeconds: 0 },
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: loopDelayMs(),
      wallMs: clock.nowMs(),
    });
  }

  async #authenticate(token: string): Promise<void> {
    const principal = await this.#context.authority.authenticate(token);
    if (principal?.kind !== 'agent' || principal.node.uid !== this.node.uid) {
      this.#sendError('authenticate', 'the credential is not one of this node');
      return;
    }
    this.#principal = principal;
  }

  #storeFailed(error: unknown): void {
    if (error instanceof StoreError && error.code === 'ERR_STORE_FENCED') {
      this.close(CLOSE.superseded, 'superseded');
      return;
    }
    this.#log.error({ err: error }, 'store failed');
    this.#sendError('storeUnavailable', messageOf(error), OVERLOAD_RETRY_SECONDS);
    this.close(CLOSE.overloaded, 'store unavailable');
  }

  #sendError(code: string, message: string, retryAfterSeconds?: number): void {
    this.#send({
      type: 'error',
      code,
      message: message.slice(0, 500),
      keepIdentity: true,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }

  #send(frame: AggregatorFrame): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#log.warn({ bytes: this.#socket.bufferedAmount }, 'agent does not read: cut off');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(encodeFrame(frame), { binary: true });
  }

  #closed(code: number): void {
    const { fleet, sessions } = this.#context;
    this.commands.close();
    sessions.closed(this);
    if (this.#number === undefined) return;
    fleet.disconnected(this.node.uid, this.#number);
    this.#log.info({ code }, 'agent disconnected');
  }
}

/** ± 10 %, so that beats of many nodes do not fall together. */
function beatDelayMs(heartbeatSeconds: number): number {
  return heartbeatSeconds * 1000 * (0.9 + 0.2 * Math.random());
}
