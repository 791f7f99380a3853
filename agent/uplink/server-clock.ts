import type { Clock } from '../../shared/clock.ts';

/** Clocks that are further apart by more than this than a heartbeat ago did not drift. */
const JUMP_MS = 1000;

/**
 * The aggregator's clock, as its frames tell it. Deadlines of commands are in its time: a jump of either clock must not
 * make all of them late until the next connection.
 */
export class ServerClock {
  readonly #clock: Clock;
  readonly #onTime: ((aheadMs: number) => void) | undefined;
  #aheadMs = 0;

  /** `onTime` is told how far it is ahead, at each frame that tells. */
  constructor(clock: Clock, onTime?: (aheadMs: number) => void) {
    this.#clock = clock;
    this.#onTime = onTime;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#aheadMs;
  }

  set(serverMs: number): void {
    this.#aheadMs = this.#tell(serverMs);
  }

  compare(serverMs: number): void {
    const aheadMs = this.#tell(serverMs);
    if (Math.abs(aheadMs - this.#aheadMs) > JUMP_MS) this.#aheadMs = aheadMs;
  }

  #tell(serverMs: number): number {
    const aheadMs = serverMs - this.#clock.nowMs();
    this.#onTime?.(aheadMs);
    return aheadMs;
  }
}
