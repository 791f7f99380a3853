import type { Clock } from '../../shared/clock.ts';

const WINDOW_MS = 60_000;
const LIMIT = 20;
/** More sources than this at once is an attack from many places; the oldest are forgotten. */
const SOURCES = 10_000;

/** Counts failed attempts by source address, so that guessing is slow and cannot fill the log. */
export class FailureLimit {
  readonly #clock: Clock;
  readonly #sources = new Map<string, { count: number; sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes a failed attempt. Returns the seconds to wait when there were too many, else undefined. */
  fail(source: string): number | undefined {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#sources.get(source);
    if (known === undefined || nowMs - known.sinceMs >= WINDOW_MS) {
      this.#sources.delete(source);
      this.#sources.set(source, { count: 1, sinceMs: nowMs });
      const [oldest] = this.#sources.keys();
      if (this.#sources.size > SOURCES && oldest !== undefined) this.#sources.delete(oldest);
      return undefined;
    }
    known.count++;
    if (known.count <= LIMIT) return undefined;
    return Math.ceil((known.sinceMs + WINDOW_MS - nowMs) / 1000);
  }
}
