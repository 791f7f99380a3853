import type { WebSocket } from 'ws';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type AgentFrame, CLOSE, type FrameError, type Hello } from '../shared/protocol.ts';
import { Commands } from './commands.ts';
import type { AgentPrincipal } from './identity/principal.ts';
import { BeatPlane } from './session-beats.ts';
import { AgentChannel } from './session-channel.ts';
import { SessionCredential } from './session-credential.ts';
import { EventPlane } from './session-events.ts';
import { liveOf, welcomeOf, whyUnusable } from './session-hello.ts';
import type { SessionLink } from './session-link.ts';
import { StatePlane } from './session-state.ts';
import type { ConnectedAgent, SessionContext } from './sessions.ts';
import { type SessionOpened, StoreError } from './store/store.ts';
import type { NodeIdentity } from './store/stored-node.ts';

/** A peer that sends so many frames nobody can read is not an agent. */
const MAX_BAD_FRAMES = 16;
const OVERLOAD_RETRY_SECONDS = 10;
/** Not of our protocol, RFC 6455 §7.4.1: a peer that breaks the rules. */
const POLICY_VIOLATION = 1008;

/** What a session has once `hello` was answered. */
interface Open {
  readonly number: number;
  readonly beats: BeatPlane;
  readonly state: StatePlane;
  readonly events: EventPlane;
}

/** One agent's connection, from the upgrade to the close. */
export class AgentSession implements ConnectedAgent {
  readonly node: NodeIdentity;
  readonly commands: Commands;
  readonly #channel: AgentChannel;
  readonly #context: SessionContext;
  readonly #credential: SessionCredential;
  readonly #log: Logger;
  readonly #sinceMs: number;
  readonly #onHandshakeDone: () => void;
  #hello: Hello | undefined;
  #open: Open | undefined;
  #badFrames = 0;
  #heardMs: number;

  constructor(
    socket: WebSocket,
    principal: AgentPrincipal,
    context: SessionContext,
    onHandshakeDone: () => void,
  ) {
    this.node = principal.node;
    this.#context = context;
    this.#onHandshakeDone = onHandshakeDone;
    this.#log = context.log.child({ node: principal.node.name });
    this.#credential = new SessionCredential(principal, { ...context, log: this.#log });
    this.#sinceMs = context.clock.monotonicMs();
    this.#heardMs = this.#sinceMs;
    this.#channel = new AgentChannel(socket, this.#log, {
      heard: () => this.#heard(),
      received: (frame) => this.#received(frame),
      unreadable: (error) => this.#unreadable(error),
      closed: (code) => this.#closed(code),
    });
    this.commands = new Commands((frame) => this.#channel.send(frame), context.clock);
  }

  get host(): Hello['host'] | undefined {
    return this.#hello?.host;
  }

  get capabilities(): readonly string[] {
    return this.#hello?.capabilities ?? [];
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  tick(rssBytes: number): void {
    const { clock, limits } = this.#context;
    const nowMs = clock.monotonicMs();
    const isSilent = nowMs - this.#heardMs >= limits.silentSeconds * 1000;
    if (this.#hello === undefined && nowMs - this.#sinceMs >= limits.helloSeconds * 1000) {
      this.close(CLOSE.badHello, 'no hello');
    } else if (this.#isAuthorized() && isSilent && !this.#channel.isPaused) {
      this.close(CLOSE.silent, 'silent');
    } else {
      this.#open?.beats.tick(nowMs, rssBytes);
    }
    this.commands.expire();
  }

  close(code: number, why: string): void {
    this.#channel.close(code, why);
  }

  drain(why: string, reconnectSpreadSeconds: number): void {
    this.#channel.send({ type: 'drain', why, reconnectSpreadSeconds });
    this.close(CLOSE.restart, why);
  }

  isAlive(withinMs: number): Promise<boolean> {
    return this.#channel.isAlive(withinMs);
  }

  #heard(): void {
    this.#heardMs = this.#context.clock.monotonicMs();
    if (this.#open !== undefined) this.#context.fleet.heard(this.node.uid);
  }

  /** Closes the session of a credential that no longer holds. */
  #isAuthorized(): boolean {
    const end = this.#credential.end();
    if (end === undefined) return true;
    this.#context.fleet.refused(this.node.uid, end.why);
    this.close(end.code, end.why);
    return false;
  }

  #received(frame: AgentFrame): void {
    if (!this.#isAuthorized()) return;
    if (this.#hello === undefined) {
      if (frame.type === 'hello') void this.#begin(frame);
      else this.#refuseHello(`expected hello, got ${frame.type}`);
      return;
    }
    if (this.#open === undefined) {
      const why = `${frame.type}: nothing may follow hello before welcome`;
      this.#channel.sendError('protocol', why);
      return;
    }
    this.#handle(frame, this.#open);
  }

  #handle(frame: AgentFrame, open: Open): void {
    switch (frame.type) {
      case 'hello':
        this.#channel.sendError('protocol', 'hello was said already');
        break;
      case 'state':
        open.state.received(frame);
        break;
      case 'events':
        open.events.received(frame);
        break;
      case 'heartbeat':
        open.beats.received(frame);
        open.events.remind(frame);
        open.state.compare(frame);
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

  #unreadable(error: FrameError): void {
    this.#context.metrics.badFrames.inc({ code: error.code });
    if (this.#hello === undefined) {
      this.#refuseHello(error.message);
      return;
    }
    this.#badFrames++;
    const code = error.code === 'ERR_FRAME_TYPE' ? 'unsupported' : error.code;
    this.#channel.sendError(code, error.message);
    if (this.#badFrames >= MAX_BAD_FRAMES) this.close(POLICY_VIOLATION, 'too many bad frames');
  }

  #refuseHello(why: string): void {
    this.#channel.sendError('badHello', why);
    this.close(CLOSE.badHello, 'bad hello');
  }

  /** From `hello` to `welcome`. Never rejects. */
  async #begin(hello: Hello): Promise<void> {
    const why = whyUnusable(hello);
    if (why !== undefined) {
      this.#refuseHello(why);
      return;
    }
    const { store, sessions, clock } = this.#context;
    this.#hello = hello;
    this.#onHandshakeDone();
    // Nothing more is read before the session is open.
    this.#channel.pause();
    try {
      if (!(await sessions.admit(this))) return;
      const opened = await store.openSession({ node: this.node, hello, atMs: clock.nowMs() });
      if (this.#channel.isOpen) this.#welcome(hello, opened);
    } catch (error) {
      this.#storeFailed(error);
    } finally {
      this.#channel.resume();
    }
  }

  #welcome(hello: Hello, opened: SessionOpened): void {
    const { sessions, fleet, clock, metrics } = this.#context;
    const { epoch, next } = hello.spool;
    this.#open = this.#openPlanes(opened);
    sessions.opened(this);
    const live = liveOf(hello, opened, clock.nowMs());
    fleet.connected(this.node, opened, live, hello.agent.version);
    const until = this.#credential.expiresAtMs;
    this.#channel.send(welcomeOf(opened, this.node.name, this.#context, until));
    if (next - 1 < opened.have.sequence) {
      const held = `${opened.have.sequence} is held, the spool ends before ${next}`;
      this.#channel.sendError('spoolBehind', `${held}: start a new epoch`);
    }
    metrics.admission.inc({ result: 'welcomed' });
    this.#log.info(
      { session: opened.session, agent: hello.agent.version, epoch },
      'agent connected',
    );
  }

  #openPlanes({ session, have }: SessionOpened): Open {
    const link: SessionLink = {
      node: this.node,
      session,
      send: (frame) => this.#channel.send(frame),
      sendError: (code, message) => this.#channel.sendError(code, message),
      storeFailed: (error) => this.#storeFailed(error),
      pause: () => this.#channel.pause(),
      resume: () => this.#channel.resume(),
    };
    return {
      number: session,
      beats: new BeatPlane(link, this.#context),
      state: new StatePlane(link, this.#context),
      events: new EventPlane(link, this.#context, have.epoch, have.sequence),
    };
  }

  async #authenticate(token: string): Promise<void> {
    if (await this.#credential.renew(token)) return;
    this.#channel.sendError('authenticate', 'the credential is not one of this node');
  }

  #storeFailed(error: unknown): void {
    if (error instanceof StoreError && error.code === 'ERR_STORE_FENCED') {
      this.close(CLOSE.superseded, 'superseded');
      return;
    }
    this.#log.error({ err: error }, 'store failed');
    this.#channel.sendError('storeUnavailable', messageOf(error), OVERLOAD_RETRY_SECONDS);
    this.close(CLOSE.overloaded, 'store unavailable');
  }

  #closed(code: number): void {
    const { fleet, sessions, store } = this.#context;
    this.commands.close();
    sessions.closed(this);
    if (this.#open === undefined) return;
    const { number } = this.#open;
    fleet.disconnected(this.node.uid, number);
    // Where the database is away, the others see it by this aggregator's silence.
    store.peers?.left(this.node.uid, number).catch(() => {});
    this.#log.info({ session: number, code }, 'agent disconnected');
  }
}
