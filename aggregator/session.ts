import type { WebSocket } from 'ws';
import { messageOf } from '../shared/errors.ts';
import { encodeFrame, readAgentFrame } from '../shared/frames.ts';
import type { Logger } from '../shared/log.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  CLOSE,
  FrameError,
  type Heartbeat,
  type Hello,
  LIMITS,
  PROTOCOL,
} from '../shared/protocol.ts';
import { VERSION } from '../shared/version.ts';
import { Commands } from './commands.ts';
import type { AgentPrincipal } from './identity/principal.ts';
import { EventPlane } from './session-events.ts';
import type { SessionLink } from './session-link.ts';
import { StatePlane } from './session-state.ts';
import type { SessionContext } from './sessions.ts';
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
const OVERLOAD_RETRY_SECONDS = 10;
/** Not of our protocol, RFC 6455 §7.4.1: a peer that breaks the rules; a fault of ours. */
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

interface OpenPlanes {
  readonly state: StatePlane;
  readonly events: EventPlane;
}

/** One agent's connection, from the upgrade to the close. */
export class AgentSession {
  readonly node: NodeIdentity;
  readonly commands: Commands;
  readonly #socket: WebSocket;
  readonly #context: SessionContext;
  readonly #sinceMs: number;
  readonly #onHandshakeDone: () => void;
  #log: Logger;
  #principal: AgentPrincipal;
  #hello: Hello | undefined;
  #number: number | undefined;
  #planes: OpenPlanes | undefined;
  #badFrames = 0;
  #heardMs: number;
  #nextBeatMs: number;

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
    const planes = this.#planes;
    if (planes === undefined) {
      this.#sendError('protocol', `${frame.type}: nothing may follow hello before welcome`);
      return;
    }
    switch (frame.type) {
      case 'hello':
        this.#sendError('protocol', 'hello was said already');
        break;
      case 'state':
        planes.state.received(frame);
        break;
      case 'events':
        planes.events.received(frame);
        break;
      case 'heartbeat':
        this.#heartbeat(frame, planes);
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
      this.#planes = this.#openPlanes(opened);
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

  #openPlanes({ session, have }: SessionOpened): OpenPlanes {
    const link: SessionLink = {
      node: this.node,
      session,
      send: (frame) => this.#send(frame),
      sendError: (code, message) => this.#sendError(code, message),
      storeFailed: (error) => this.#storeFailed(error),
      pause: () => this.#socket.pause(),
      resume: () => this.#socket.resume(),
    };
    return {
      state: new StatePlane(link, this.#context),
      events: new EventPlane(link, this.#context, have.epoch, have.sequence),
    };
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

  #heartbeat(beat: Heartbeat, { state, events }: OpenPlanes): void {
    const { fleet, clock } = this.#context;
    const live = fleet.get(this.node.uid)?.live;
    if (live !== undefined && live.session === this.#number) {
      live.unsentRecords = beat.unsent.records;
      live.clockSkewSeconds = (beat.wallMs - clock.nowMs()) / 1000;
      live.conditions = beat.conditions ?? [];
    }
    events.remind(beat);
    state.compare(beat);
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
