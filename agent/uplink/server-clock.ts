import type { Clock } from '../../shared/clock.ts';

/** Clocks that are further apart by more than this than a heartbeat ago did not drift. */
const JUMP_MS = 1000;

/**
 * The aggregator's clock, as its frames tell it. Deadlines of commands are in its time: a jump of either clock must not
 * make all of them late until the next connection.
 */
export class ServerClock {
  readonly #clock: Clock;
  readonly #onChange: ((aheadMs: number) => void) | undefined;
  #aheadMs = 0;

  /** `onChange` is told how far it is ahead when that was set, or changed by a jump. */
  constructor(clock: Clock, onChange?: (aheadMs: number) => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.#aheadMs;
  }

  set(serverMs: number): void {
    this.#aheadMs = serverMs - this.#clock.nowMs();
    this.#onChange?.(this.#aheadMs);
  }

  compare(serverMs: number): void {
    if (Math.abs(serverMs - this.nowMs()) > JUMP_MS) this.set(serverMs);
  }
}
