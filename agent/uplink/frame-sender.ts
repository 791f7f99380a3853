import { encodeFrame } from '../../shared/frames.ts';
import type { Logger } from '../../shared/log.ts';
import { type AgentFrame, LIMITS } from '../../shared/protocol.ts';

/** An open socket, whoever made it. */
export interface Wire {
  /** Calls back when the bytes are out of this process's hands. */
  send(bytes: Buffer, sent: (error?: Error | null) => void): void;
  readonly bufferedAmount: number;
  /** Ends it at once; what is on its way is lost. */
  terminate(): void;
}

/** A peer that takes nothing for so long is given up. */
const STUCK_MS = 15_000;

/** The connection ended before the frame was sent. */
export class LinkOverError extends Error {}

/** Sends frames no faster than the peer takes them. */
export class FrameSender {
  readonly #wire: Wire;
  readonly #log: Logger;
  #lastSent: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(wire: Wire, log: Logger) {
    this.#wire = wire;
    this.#log = log;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Nothing more is sent. */
  end(): void {
    this.#isOver = true;
  }

  /** Resolves when what is under way leaves room for more; throws `LinkOverError` after the end. */
  async send(frame: AgentFrame): Promise<void> {
    if (this.#isOver) throw new LinkOverError();
    const bytes = encodeFrame(frame);
    if (this.#wire.bufferedAmount + bytes.length > LIMITS.inflightBytes) await this.#room();
    if (this.#isOver) throw new LinkOverError();
    this.#lastSent = new Promise((resolve) => this.#wire.send(bytes, () => resolve()));
  }

  async #room(): Promise<void> {
    const timer = setTimeout(() => {
      this.#log.warn({}, 'aggregator does not read: connection given up');
      this.#wire.terminate();
    }, STUCK_MS);
    await this.#lastSent;
    clearTimeout(timer);
  }
}
