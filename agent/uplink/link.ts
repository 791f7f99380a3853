import type { Clock } from '../../shared/clock.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import { readAggregatorFrame } from '../../shared/frames.ts';
import type { Logger } from '../../shared/log.ts';
import {
  type AgentFrame,
  type AggregatorFrame,
  type Command,
  FrameError,
  type Hello,
  LIMITS,
  PROTOCOL,
  type Welcome,
} from '../../shared/protocol.ts';
import type { NodeState } from '../node-state.ts';
import type { Spool } from '../spool.ts';
import type { CommandAnswers } from './commands.ts';
import { EventSender } from './event-sender.ts';
import { FrameSender, LinkOverError, type Wire } from './frame-sender.ts';
import { Heartbeat } from './heartbeat.ts';
import { ServerClock } from './server-clock.ts';
import { type HeldSections, StateSender } from './state-sender.ts';

/** What a connection has to do with the rest of the agent. */
export interface LinkContext {
  readonly spool: Spool;
  readonly state: NodeState;
  readonly held: HeldSections;
  readonly commands: CommandAnswers;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly version: string;
  readonly host: Hello['host'];
  readonly conditions: () => readonly string[];
  /** Told at each `welcome`, and when one of the clocks jumped, how far the aggregator's is ahead, milliseconds. */
  readonly onServerTime?: (aheadMs: number) => void;
  /** Asked at each beat: a token that has taken the place of the one the connection was made with, if there is one. */
  readonly freshToken: () => Promise<string | undefined>;
}

/** What the aggregator said about coming back. */
export interface Farewell {
  readonly spreadSeconds?: number;
  readonly retryAfterSeconds?: number | undefined;
}

const CAPABILITIES: readonly string[] = ['state.delta', 'codec.gzip'];

/** One connection from `hello` to its end: both planes, heartbeats, commands. */
export class Link {
  readonly #wire: Wire;
  readonly #sender: FrameSender;
  readonly #context: LinkContext;
  readonly #heartbeat: Heartbeat;
  readonly #serverClock: ServerClock;
  #events: EventSender | undefined;
  #states: StateSender | undefined;
  #welcome: Welcome | undefined;
  #farewell: Farewell = {};
  #isRenewing = false;
  readonly #ends: (() => void)[] = [];

  constructor(wire: Wire, context: LinkContext) {
    this.#wire = wire;
    this.#sender = new FrameSender(wire, context.log);
    this.#context = context;
    this.#serverClock = new ServerClock(context.clock, context.onServerTime);
    this.#heartbeat = new Heartbeat({
      clock: context.clock,
      random: context.random,
      onBeat: () => {
        if (this.#welcome !== undefined) this.#do(this.#sayAlive());
      },
      onSilent: () => {
        context.log.warn({}, 'aggregator is silent: connection given up');
        wire.terminate();
      },
    });
  }

  /** The session the aggregator gave; undefined before `welcome`. */
  get session(): number | undefined {
    return this.#welcome?.session;
  }

  get farewell(): Farewell {
    return this.#farewell;
  }

  /** Says who speaks and what it holds. The aggregator's `welcome` starts everything else. */
  hello(): void {
    const { spool, state, commands, clock, version, host } = this.#context;
    const { epoch, first, next, bytes, lost } = spool.state;
    this.#do(
      this.#sender.send({
        type: 'hello',
        protocol: PROTOCOL,
        agent: { version },
        host,
        capabilities: [...CAPABILITIES, ...commands.capabilities],
        spool: { epoch, first: Math.max(1, first), next, bytes, lost },
        sections: state.hashes,
        rootHash: state.rootHash,
        clock: { wallMs: clock.nowMs(), monotonicMs: Math.round(clock.monotonicMs()) },
      }),
    );
    this.#heartbeat.start(LIMITS.heartbeatSeconds);
  }

  heard(): void {
    this.#heartbeat.heard();
  }

  received(data: Buffer, isBinary: boolean): void {
    this.heard();
    try {
      if (!isBinary) throw new FrameError('ERR_FRAME_CODEC', 'expected a binary frame');
      this.#handle(readAggregatorFrame(data));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const code = error.code === 'ERR_FRAME_TYPE' ? 'unsupported' : error.code;
      this.#context.log.warn({ code, reason: error.message }, 'frame of the aggregator not read');
      this.#do(
        this.#sender.send({ type: 'error', code, message: error.message, keepIdentity: true }),
      );
    }
  }

  /** The socket is closed: nothing more is sent. */
  end(): void {
    this.#sender.end();
    this.#heartbeat.stop();
    for (const end of this.#ends) end();
  }

  #handle(frame: AggregatorFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.#do(this.#begin(frame));
        break;
      case 'stateApplied':
        this.#do(this.#states?.applied(frame.section, frame.to));
        break;
      case 'stateNeeded':
        this.#context.log.info({ section: frame.section, why: frame.why }, 'state asked for');
        this.#do(this.#states?.needed(frame));
        break;
      case 'ack':
        if (frame.epoch === this.#context.spool.state.epoch) {
          this.#acknowledged(frame.sequence);
        }
        break;
      case 'reject':
        this.#context.log.warn({ sequence: frame.sequence, code: frame.code }, 'event refused');
        break;
      case 'heartbeat':
        this.#serverClock.compare(frame.wallMs);
        break;
      case 'command':
        this.#do(this.#answer(frame));
        break;
      case 'drain':
        this.#farewell = { ...this.#farewell, spreadSeconds: frame.reconnectSpreadSeconds };
        this.#context.log.info({ why: frame.why }, 'aggregator is about to stop');
        break;
      case 'error':
        this.#failed(frame.code, frame.message, frame.retryAfterSeconds);
        break;
    }
  }

  #failed(code: string, message: string, retryAfterSeconds: number | undefined): void {
    this.#context.log.warn({ code, reason: message.slice(0, 500) }, 'aggregator reports');
    this.#farewell = { ...this.#farewell, retryAfterSeconds };
    // The `ack` that comes with it says from where.
    if (code === 'gap') this.#events?.sendAgain(this.#context.spool.state.acknowledged);
  }

  #acknowledged(sequence: number): void {
    const events = this.#events;
    if (events === undefined) return;
    const { through } = events;
    if (sequence > through) {
      const message = `ack of ${sequence}, sent up to ${through}`;
      const code = 'ackBeyondSent';
      this.#context.log.warn(
        { code, reason: message },
        'aggregator acknowledges what was not sent',
      );
      this.#do(this.#sender.send({ type: 'error', code, message, keepIdentity: true }));
    }
    this.#do(events.acknowledged(sequence));
  }

  async #begin(welcome: Welcome): Promise<void> {
    const { spool, state, held, clock, log } = this.#context;
    if (this.#welcome !== undefined || this.#isRenewing) return;
    const { epoch, sequence } = welcome.have;
    if (epoch === spool.state.epoch && sequence >= spool.state.next) {
      log.warn({ epoch, sequence, next: spool.state.next }, 'spool is behind: it begins anew');
      this.#isRenewing = true;
      await spool.renew();
      // The new life begins with a new `hello`.
      this.#wire.terminate();
      return;
    }
    this.#welcome = welcome;
    this.#serverClock.set(welcome.server.timeMs);
    this.#farewell = { spreadSeconds: welcome.reconnectSpreadSeconds };
    log.info({ session: welcome.session, node: welcome.node }, 'connected to the aggregator');
    const isSameLife = epoch === spool.state.epoch;
    if (isSameLife) await spool.acknowledge(epoch, sequence);
    const send = (frame: AgentFrame): Promise<void> => this.#sender.send(frame);
    const events = new EventSender({
      spool,
      send,
      limits: welcome.limits,
      monotonicMs: () => clock.monotonicMs(),
      held: isSameLife ? sequence : 0,
    });
    const states = new StateSender({
      state,
      send,
      held,
      now: () => rfc3339(clock.nowMs()),
      hashes: welcome.have.sections,
    });
    this.#events = events;
    this.#states = states;
    if (this.#sender.isOver) return;
    this.#ends.push(
      spool.onReadable(() => this.#do(events.pump())),
      state.onChange((name) => this.#do(states.sync([name]))),
    );
    this.#heartbeat.start(welcome.limits.heartbeatSeconds);
    await Promise.all([states.sync(), events.pump()]);
  }

  async #answer(command: Command): Promise<void> {
    const nowMs = this.#serverClock.nowMs();
    for (const part of await this.#context.commands.answer(command, nowMs))
      await this.#sender.send(part);
  }

  async #sayAlive(): Promise<void> {
    const { spool, state, clock, conditions } = this.#context;
    const { next, acknowledged } = spool.state;
    const oldestMs = await spool.oldestUnsentMs();
    const nowMs = clock.nowMs();
    await this.#sender.send({
      type: 'heartbeat',
      rootHash: state.rootHash,
      unsent: {
        records: next - 1 - acknowledged,
        oldestSeconds: Math.max(0, Math.round((nowMs - (oldestMs ?? nowMs)) / 1000)),
      },
      rssBytes: process.memoryUsage.rss(),
      loopDelayMs: this.#heartbeat.loopDelayMs,
      wallMs: nowMs,
      conditions: conditions(),
    });
    await this.#renewCredential();
  }

  /** A rotated token is handed over before the old one expires. */
  async #renewCredential(): Promise<void> {
    const token = await this.#context.freshToken();
    if (token === undefined) return;
    await this.#sender.send({ type: 'authenticate', token });
  }

  /** Work that a frame or a timer begins: what it throws ends this connection, never the agent. */
  #do(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => {
      if (error instanceof LinkOverError) return;
      this.#context.log.error({ err: error, reason: messageOf(error) }, 'connection failed');
      this.#wire.terminate();
    });
  }
}
