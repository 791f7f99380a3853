import type { Clock } from '../../shared/clock.ts';

const FIRST_MS = 1000;
const LONGEST_MS = 5 * 60 * 1000;

interface Failure {
  readonly count: number;
  readonly untilMs: number;
  readonly message: string;
}

/** Servers that did not answer are left alone for a time that doubles with each failure, 1 s to 5 min. */
export class BackOff {
  readonly #clock: Clock;
  readonly #failures = new Map<string, Failure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why the server is not to be asked now; undefined when it may be. */
  reasonFor(origin: string): string | undefined {
    const failure = this.#failures.get(origin);
    return failure !== undefined && this.#clock.monotonicMs() < failure.untilMs
      ? failure.message
      : undefined;
  }

  failed(origin: string, message: string): void {
    const known = this.#failures.get(origin);
    const now = this.#clock.monotonicMs();
    // Requests that were under way together are one failure.
    if (known !== undefined && now < known.untilMs) return;
    const count = (known?.count ?? 0) + 1;
    const waitMs = Math.min(FIRST_MS * 2 ** (count - 1), LONGEST_MS);
    this.#failures.set(origin, { count, untilMs: now + waitMs, message });
  }

  answered(origin: string): void {
    this.#failures.delete(origin);
  }
}
