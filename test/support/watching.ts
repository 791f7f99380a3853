import type { WatchMessage } from '../../shared/api.ts';

/** Watches an aggregator from now on; `until` resolves when a message as wanted has come. */
export class Watching implements AsyncDisposable {
  readonly messages: WatchMessage[] = [];
  readonly #abort: AbortController;
  readonly #reading: Promise<void>;
  #wake = Promise.withResolvers<void>();

  private constructor(body: ReadableStream<Uint8Array>, abort: AbortController) {
    this.#abort = abort;
    this.#reading = this.#read(body).catch(() => {});
  }

  static async start(url: string, token: string): Promise<Watching> {
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/v1/watch`, { headers, signal: abort.signal });
    if (response.body === null) throw new Error('no body');
    return new Watching(response.body, abort);
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

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        // What the aggregator wrote.
        if (data !== undefined) this.messages.push(JSON.parse(data) as WatchMessage);
      }
      this.#wake.resolve();
      this.#wake = Promise.withResolvers();
    }
  }
}
