import { post, retryDelayMs } from './delivery.ts';
import { type Notice, toAlertmanager } from './notice.ts';
import type { Sink, SinkOptions, SinkStatus } from './sink.ts';

/** Alertmanager takes an alert for over at its `endsAt`: while it is on, that is moved again and again. */
const REPEAT_MS = 60_000;
const ENDS_AFTER_MS = 5 * REPEAT_MS;
/** So long it is told that an alert is over, as Prometheus does. */
const RESOLVED_FOR_MS = 900_000;

/**
 * Keeps an Alertmanager's view equal to ours by its API v2. It is state that is sent, not news: there is no queue, what
 * could not be delivered is replaced by what is so then.
 */
export class AlertmanagerSink implements Sink {
  readonly #options: SinkOptions;
  readonly #address: string;
  readonly #stop = new AbortController();
  /** By alert and rule, with the monotonic time since when. */
  readonly #resolved = new Map<string, { readonly notice: Notice; readonly sinceMs: number }>();
  #sending: Promise<void> | undefined;
  #isChanged = false;
  #failures = 0;
  #dueMs = Number.NEGATIVE_INFINITY;
  #lastSuccessMs: number | null = null;
  #reason: string | undefined;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#address = `${options.target.url.replace(/\/+$/, '')}/api/v2/alerts`;
  }

  accept(notice: Notice): void {
    const sinceMs = this.#options.clock.monotonicMs();
    if (notice.status === 'resolved') this.#resolved.set(keyOf(notice), { notice, sinceMs });
    else this.#resolved.delete(keyOf(notice));
    this.#isChanged = true;
  }

  tick(firing: readonly Notice[]): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const [key, { sinceMs }] of this.#resolved) {
      if (nowMs - sinceMs > RESOLVED_FOR_MS) this.#resolved.delete(key);
    }
    const isNews = this.#isChanged && this.#failures === 0;
    if (this.#sending !== undefined || (nowMs < this.#dueMs && !isNews)) return;
    if (firing.length + this.#resolved.size === 0) return;
    this.#isChanged = false;
    this.#sending = this.#send(firing).finally(() => {
      this.#sending = undefined;
    });
  }

  async idle(): Promise<void> {
    await this.#sending;
  }

  status(): SinkStatus {
    const queued = this.#failures === 0 ? 0 : 1;
    const [lastSuccessMs, reason] = [this.#lastSuccessMs, this.#reason];
    return { name: this.#options.name, queued, lastSuccessMs, reason };
  }

  waiting(): readonly Notice[] {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }

  async #send(firing: readonly Notice[]): Promise<void> {
    const { name, target, timeoutMs, clock, log, random, counters } = this.#options;
    const alerts = [
      ...firing.map((notice) => toAlertmanager(notice, clock.nowMs() + ENDS_AFTER_MS)),
      ...[...this.#resolved.values()].map(({ notice }) =>
        toAlertmanager(notice, Date.parse(notice.endsAt ?? notice.startsAt)),
      ),
    ];
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    const outcome = await post({ ...target, url: this.#address }, JSON.stringify(alerts), signal);
    if (this.#stop.signal.aborted) return;
    if (outcome.kind === 'taken') {
      this.#failures = 0;
      this.#reason = undefined;
      this.#lastSuccessMs = clock.nowMs();
      this.#dueMs = clock.monotonicMs() + REPEAT_MS;
      counters.sent(name);
      return;
    }
    const { reason } = outcome;
    if (reason !== this.#reason) log.warn({ sink: name, reason }, 'alerts could not be delivered');
    this.#reason = reason;
    this.#failures++;
    this.#dueMs = clock.monotonicMs() + Math.min(REPEAT_MS, retryDelayMs(this.#failures, random));
    counters.failed(name);
  }
}

function keyOf({ alert, rule = '', severity }: Notice): string {
  return `${alert} ${rule} ${severity}`;
}
