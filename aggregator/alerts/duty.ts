import type { Alerts } from '../alerts.ts';
import type { Notice } from './notice.ts';
import type { Sink } from './sink.ts';

/** Alerts that only one of several aggregators tells, the one whose turn it is; the others take over when it is gone. */
export class AlertDuty implements AsyncDisposable {
  readonly #begin: () => Promise<Alerts>;
  readonly #isOurs: () => boolean;
  #alerts: Alerts | undefined;

  constructor(begin: () => Promise<Alerts>, isOurs: () => boolean) {
    this.#begin = begin;
    this.#isOurs = isOurs;
  }

  /** None where another tells. */
  get sinks(): readonly Sink[] {
    return this.#alerts?.sinks ?? [];
  }

  /** Alerts that are on and were told, as far as this one tells. */
  firing(): readonly Notice[] {
    return this.#alerts?.firing() ?? [];
  }

  /** To be called every second or so. */
  async tick(): Promise<void> {
    await this.take();
    await this.#alerts?.tick();
  }

  /** Begins or ends, as its turn is. */
  async take(): Promise<void> {
    if (this.#isOurs()) this.#alerts ??= await this.#begin();
    else await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alerts = this.#alerts;
    this.#alerts = undefined;
    await alerts?.[Symbol.asyncDispose]();
  }
}
