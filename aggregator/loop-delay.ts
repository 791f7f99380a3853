import type { Clock } from '../shared/clock.ts';

const EVERY_MS = 20;
const WINDOW = 50;

/** How late the event loop comes to a timer of 20 ms: every frame and every request waits as long. */
export class LoopDelay implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #dueMs: number;
  #sumMs = 0;
  #count = 0;
  #lastMeanMs: number | undefined;

  /** `observe` is told each delay, in seconds. */
  constructor(clock: Clock, observe: (seconds: number) => void) {
    this.#dueMs = clock.monotonicMs() + EVERY_MS;
    this.#timer = setInterval(() => {
      const nowMs = clock.monotonicMs();
      const lateMs = Math.max(0, nowMs - this.#dueMs);
      this.#dueMs = nowMs + EVERY_MS;
      observe(lateMs / 1000);
      this.#add(lateMs);
    }, EVERY_MS);
  }

  /** Mean of the last second, milliseconds. */
  get meanMs(): number {
    const meanMs = this.#lastMeanMs ?? (this.#count === 0 ? 0 : this.#sumMs / this.#count);
    return Math.round(meanMs * 100) / 100;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #add(lateMs: number): void {
    this.#sumMs += lateMs;
    if (++this.#count < WINDOW) return;
    this.#lastMeanMs = this.#sumMs / this.#count;
    this.#sumMs = 0;
    this.#count = 0;
  }
}
