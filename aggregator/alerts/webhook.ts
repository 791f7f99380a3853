import { post, retryDelayMs } from './delivery.ts';
import type { Notice } from './notice.ts';
import type { Sink, SinkOptions, SinkStatus } from './sink.ts';

const MAX_QUEUED = 1000;
/** Older news help nobody. */
const MAX_AGE_MS = 86_400_000;

/** Posts notices one after the other, each until it is taken, in the order they were given. */
export class WebhookSink implements Sink {
  readonly #options: SinkOptions;
  readonly #stop = new AbortController();
  readonly #queue: Notice[];
  #sending: Promise<void> | undefined;
  #failures = 0;
  #dueMs = Number.NEGATIVE_INFINITY;
  #lastSuccessMs: number | null = null;
  #reason: string | undefined;

  /** `waiting` is what was not delivered before a restart. */
  constructor(options: SinkOptions, waiting: readonly Notice[]) {
    this.#options = options;
    this.#queue = waiting.slice(-MAX_QUEUED);
  }

  accept(notice: Notice): void {
    this.#queue.push(notice);
    // The one under way stays the first.
    const oldest = this.#sending === undefined ? 0 : 1;
    while (this.#queue.length > MAX_QUEUED) {
      this.#queue.splice(oldest, 1);
      this.#options.counters.dropped(this.#options.name, 'overflow');
    }
  }

  tick(): void {
    const { clock } = this.#options;
    if (this.#sending !== undefined || this.#queue.length === 0) return;
    if (clock.monotonicMs() < this.#dueMs) return;
    this.#sending = this.#drain().finally(() => {
      this.#sending = undefined;
    });
  }

  async idle(): Promise<void> {
    await this.#sending;
  }

  status(): SinkStatus {
    const [queued, lastSuccessMs, reason] = [this.#queue.length, this.#lastSuccessMs, this.#reason];
    return { name: this.#options.name, queued, lastSuccessMs, reason };
  }

  waiting(): readonly Notice[] {
    return [...this.#queue];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }

  /** Delivers until the queue is empty or an attempt fails. */
  async #drain(): Promise<void> {
    for (let [notice] = this.#queue; notice !== undefined; [notice] = this.#queue) {
      if (this.#isExpired(notice)) {
        this.#queue.shift();
        this.#options.counters.dropped(this.#options.name, 'expired');
        continue;
      }
      if (!(await this.#deliver(notice))) return;
      this.#queue.shift();
    }
  }

  #isExpired({ at }: Notice): boolean {
    return this.#options.clock.nowMs() - Date.parse(at) > MAX_AGE_MS;
  }

  /** True when there is no more to do about this notice. */
  async #deliver(notice: Notice): Promise<boolean> {
    const { name, target, timeoutMs, clock, log, random, counters } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    const outcome = await post(target, JSON.stringify(notice), signal);
    if (this.#stop.signal.aborted) return outcome.kind === 'taken';
    if (outcome.kind === 'taken') {
      this.#failures = 0;
      this.#reason = undefined;
      this.#lastSuccessMs = clock.nowMs();
      counters.sent(name);
      return true;
    }
    const { kind, reason } = outcome;
    if (reason !== this.#reason)
      log.warn({ sink: name, reason }, 'an alert could not be delivered');
    this.#reason = reason;
    counters.failed(name);
    if (kind === 'refused') {
      counters.dropped(name, 'refused');
      return true;
    }
    this.#failures++;
    this.#dueMs = clock.monotonicMs() + retryDelayMs(this.#failures, random);
    return false;
  }
}
