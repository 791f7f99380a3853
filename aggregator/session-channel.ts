import type { WebSocket } from 'ws';
import { encodeFrame, readAgentFrame } from '../shared/frames.ts';
import type { Logger } from '../shared/log.ts';
import { type AgentFrame, type AggregatorFrame, FrameError } from '../shared/protocol.ts';

/** What the channel tells of. */
export interface ChannelListener {
  /** Any byte. */
  heard(): void;
  received(frame: AgentFrame): void;
  /** A frame nobody can read. */
  unreadable(error: FrameError): void;
  closed(code: number): void;
}

/** The peer reads too slowly for what it asks. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** A half-open peer never answers a close. */
const CLOSE_WITHIN_MS = 1000;
/** RFC 6455 §7.4.1: a fault of ours. */
const INTERNAL_ERROR = 1011;

/** One agent's socket as frames: what can go wrong with a socket ends here. */
export class AgentChannel {
  readonly #socket: WebSocket;
  readonly #log: Logger;
  #pauses = 0;

  constructor(socket: WebSocket, log: Logger, listener: ChannelListener) {
    this.#socket = socket;
    this.#log = log;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      listener.heard();
      this.#read(data, isBinary, listener);
    });
    socket.on('ping', () => listener.heard());
    socket.on('pong', () => listener.heard());
    socket.on('error', (error) => log.warn({ reason: error.message }, 'socket failed'));
    socket.on('close', (code) => listener.closed(code));
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  get isPaused(): boolean {
    return this.#socket.isPaused;
  }

  /** Bytes that wait for the peer to read. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Stops reading from the agent until every `pause` has had its `resume`. */
  pause(): void {
    if (this.#pauses++ === 0) this.#socket.pause();
  }

  resume(): void {
    if (--this.#pauses === 0) this.#socket.resume();
  }

  /** Nothing happens when the channel is closed; a peer that does not read is cut off. */
  send(frame: AggregatorFrame): void {
    if (!this.isOpen) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#log.warn({ bytes: this.#socket.bufferedAmount }, 'agent does not read: cut off');
      this.#socket.terminate();
      return;
    }
    this.#socket.send(encodeFrame(frame), { binary: true });
  }

  sendError(code: string, message: string, retryAfterSeconds?: number): void {
    this.send({
      type: 'error',
      code,
      message: message.slice(0, 500),
      keepIdentity: true,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }

  /** Says why in the close frame and does not wait long for the answer. */
  close(code: number, why: string): void {
    if (!this.isOpen) return;
    this.#log.info({ code, why }, 'closing connection');
    this.#socket.resume();
    this.#socket.close(code, why);
    setTimeout(() => this.#socket.terminate(), CLOSE_WITHIN_MS).unref();
  }

  /** Resolves with true when the peer answers a ping in time: it is alive, not a half-open socket. */
  async isAlive(withinMs: number): Promise<boolean> {
    if (!this.isOpen) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), withinMs);
    const answered = (): void => resolve(true);
    const closed = (): void => resolve(false);
    this.#socket.once('pong', answered).once('close', closed).ping();
    const isAlive = await promise;
    clearTimeout(timer);
    this.#socket.off('pong', answered).off('close', closed);
    return isAlive;
  }

  /** Whatever a frame makes fail ends this connection at most, never the process. */
  #read(data: Buffer, isBinary: boolean, listener: ChannelListener): void {
    try {
      if (!isBinary) throw new FrameError('ERR_FRAME_CODEC', 'expected a binary frame');
      listener.received(readAgentFrame(data));
    } catch (error) {
      if (error instanceof FrameError) {
        listener.unreadable(error);
        return;
      }
      this.#log.error({ err: error }, 'frame could not be handled');
      this.close(INTERNAL_ERROR, 'internal error');
    }
  }
}
