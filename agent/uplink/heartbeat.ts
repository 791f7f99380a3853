import type { Clock } from '../../shared/clock.ts';
import { LIMITS } from '../../shared/protocol.ts';

/** Silence of so many heartbeats is the end. */
const SILENT_BEATS = LIMITS.silentSeconds / LIMITS.heartbeatSeconds;

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly onBeat: () => void;
  /** Nothing was heard for so long that the peer is taken for dead; no beat follows. */
  readonly onSilent: () => void;
}

/** Beats as often as the aggregator wants it, ± 10 %, and knows when nothing came back. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #everySeconds: number = LIMITS.heartbeatSeconds;
  #heardMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lateMs = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonicMs();
  }

  /** How much later than asked for the event loop came to the last beat. */
  get loopDelayMs(): number {
    return this.#lateMs;
  }

  heard(): void {
    this.#heardMs = this.#options.clock.monotonicMs();
  }

  start(everySeconds: number): void {
    this.#everySeconds = everySeconds;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const { clock, random } = this.#options;
    // So that the beats of many nodes do not fall together.
    const delayMs = this.#everySeconds * 1000 * (0.9 + 0.2 * random());
    const dueMs = clock.monotonicMs() + delayMs;
    this.#timer = setTimeout(() => this.#beat(dueMs), delayMs);
  }

  #beat(dueMs: number): void {
    const { clock, onBeat, onSilent } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#lateMs = Math.max(0, Math.round(nowMs - dueMs));
    if (nowMs - this.#heardMs > this.#everySeconds * SILENT_BEATS * 1000) {
      onSilent();
      return;
    }
    this.#arm();
    onBeat();
  }
}
