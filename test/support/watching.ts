import type { WatchMessage } from '../../shared/api.ts';
import { watchMessages } from './watch-messages.ts';

/** Watches an aggregator from now on; `until` resolves when a message as wanted has come. */
export class Watching implements AsyncDisposable {
  readonly messages: WatchMessage[] = [];
  readonly #abort: AbortController;
  readonly #reading: Promise<void>;
  #wake = Promise.withResolvers<void>();

  private constructor(told: AsyncIterable<WatchMessage>, abort: AbortController) {
    this.#abort = abort;
    this.#reading = this.#read(told).catch(() => {});
  }

  static async start(url: string, token: string): Promise<Watching> {
    const abort = new AbortController();
    return new Watching(await watchMessages({ url, token }, abort.signal), abort);
  }

  async until(isWanted: (message: WatchMessage) => boolean): Promise<WatchMessage> {
    for (;;) {
      const found = this.messages.find(isWanted);
      if (found !== undefined) return found;
      await this.#wake.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }

  async #read(told: AsyncIterable<WatchMessage>): Promise<void> {
    for await (const message of told) {
      this.messages.push(message);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }
}
