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

  /** Begins or ends, as its turn is; begins anew with what others wrote meanwhile. */
  async take(): Promise<void> {
    const isOurs = this.#isOurs();
    if (!isOurs || this.#alerts?.isOver) await this[Symbol.asyncDispose]();
    if (isOurs) this.#alerts ??= await this.#begin();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const alerts = this.#alerts;
    this.#alerts = undefined;
    await alerts?.[Symbol.asyncDispose]();
  }
}
