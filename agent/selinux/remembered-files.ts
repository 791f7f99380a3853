import type { Host } from '../host.ts';

/** A change so short after another may look like it: the kernel's clock ticks in steps of milliseconds. */
const SETTLED_MS = 2_000;

interface Remembered<T> {
  readonly identity: string;
  readonly value: T;
}

/** What was made of files of one host, made again only when a file changed: for files too large to be read at each look. */
export class RememberedFiles<T> {
  readonly #host: Host;
  readonly #limitBytes: number;
  readonly #derive: (bytes: Buffer) => T;
  readonly #known = new Map<string, Remembered<T>>();

  constructor(host: Host, limitBytes: number, derive: (bytes: Buffer) => T) {
    this.#host = host;
    this.#limitBytes = limitBytes;
    this.#derive = derive;
  }

  /** Undefined for what is not there. Throws `HostError`. */
  async read(path: string, nowMs: number): Promise<T | undefined> {
    const host = this.#host;
    const place = await host.resolve(path);
    const before = place === undefined ? undefined : host.identify(place);
    const known = this.#known.get(path);
    if (before !== undefined && known?.identity === `${place} ${before.text}`) return known.value;
    this.#known.delete(path);
    const bytes = await host.readBytes(path, this.#limitBytes);
    if (bytes === undefined) return undefined;
    const value = this.#derive(bytes);
    const after = place === undefined ? undefined : host.identify(place);
    const isSettled = after !== undefined && after.changedMs < nowMs - SETTLED_MS;
    if (isSettled && after.text === before?.text) {
      this.#known.set(path, { identity: `${place} ${after.text}`, value });
    }
    return value;
  }
}
