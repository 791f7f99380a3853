import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';

const WINDOW_MS = 60_000;
/** More sources than this in a minute are counted by the metric alone. */
const LINES = 100;

/** Tells the log from where requests without a credential that holds come: each source once a minute. */
export class FailureLog {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #told = new Set<string>();
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, log: Pick<Logger, 'warn'>) {
    this.#clock = clock;
    this.#log = log;
  }

  note(source: string, reason: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sinceMs >= WINDOW_MS) {
      this.#sinceMs = nowMs;
      this.#told.clear();
    }
    if (this.#told.size >= LINES || this.#told.has(source)) return;
    this.#told.add(source);
    this.#log.warn({ source, reason }, 'request without a credential that holds');
  }
}
