import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ThreadData, ThreadError, ThreadMessage, ThreadRequest } from './sqlite-worker.ts';
import { StoreError } from './store.ts';
import { fromCrossing, toCrossing } from './store-crossing.ts';
import type { StoreCall } from './store-methods.ts';

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

/** In a build the same module is JavaScript. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js',
  import.meta.url,
);

/** One thread that answers for a store; when it ends by itself the next question starts it again. */
export class StoreThread {
  readonly #data: ThreadData;
  readonly #onCommit: (seconds: number, records: number) => void;
  readonly #asked = new Map<number, Asked>();
  #worker: Worker | undefined;
  #opening: Promise<Worker> | undefined;
  #nextId = 1;

  constructor(data: ThreadData, onCommit: (seconds: number, records: number) => void) {
    this.#data = data;
    this.#onCommit = onCommit;
  }

  /** Throws what opening the database throws. */
  async start(): Promise<Worker> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  /** Questions are answered in the order of the calls. */
  async ask({ method, args }: StoreCall): Promise<unknown> {
    const worker = this.#worker ?? (await this.start());
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const request: ThreadRequest = {
      id: this.#nextId++,
      method,
      args: toCrossing(method, args),
    };
    this.#asked.set(request.id, { resolve, reject });
    worker.postMessage(request);
    return await promise;
  }

  /** Lets it answer what it was asked, then ends it. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = once(worker, 'exit');
    worker.postMessage('close');
    await ended;
  }

  async #open(): Promise<Worker> {
    const worker = new Worker(PROGRAM, { workerData: this.#data });
    const { promise, resolve, reject } = Promise.withResolvers<Worker>();
    let why = 'ended';
    worker.on('error', (error) => {
      why = error instanceof Error ? error.message : String(error);
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      const error = new StoreError('ERR_STORE_CLOSED', `the store's thread: ${why}`);
      reject(error);
      for (const asked of this.#asked.values()) asked.reject(error);
      this.#asked.clear();
    });
    worker.on('message', (message: ThreadMessage) => {
      switch (message.kind) {
        case 'ready':
          this.#worker = worker;
          resolve(worker);
          break;
        case 'failed':
          reject(toError(message.error));
          break;
        case 'commit':
          this.#onCommit(message.seconds, message.records);
          break;
        case 'value':
          this.#take(message.id)?.resolve(fromCrossing(message.value));
          break;
        case 'error':
          this.#take(message.id)?.reject(toError(message.error));
          break;
      }
    });
    return await promise;
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }
}

function toError({ code, message }: ThreadError): StoreError {
  return new StoreError(code, message);
}
