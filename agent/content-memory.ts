import { type Clock, systemClock } from '../shared/clock.ts';
import type { ContentIdentity, Host } from './host.ts';
import { isSettled } from './settled.ts';

export interface ContentMemoryOptions<T> {
  /** What is made of a content; what it throws is thrown each time anew. */
  readonly make: (bytes: Buffer, path: string) => T;
  /** Longest content that is read, bytes; default as of the host. */
  readonly limitBytes?: number;
  /** How many files are remembered; of more, the one asked for longest ago is made anew. */
  readonly maxFiles: number;
}

interface Made<T> {
  readonly identity: ContentIdentity;
  readonly value: T;
}

/** What was made of the files of a node: an unchanged file is not read again, a changed one always is. */
export class ContentMemory<T> {
  readonly #host: Host;
  readonly #options: ContentMemoryOptions<T>;
  readonly #made = new Map<string, Made<T>>();

  constructor(host: Host, options: ContentMemoryOptions<T>) {
    this.#host = host;
    this.#options = options;
  }

  /** What is made of the content at `path`, links followed; undefined for what is not there. Throws `HostError`. */
  async of(path: string, clock: Pick<Clock, 'nowMs'> = systemClock): Promise<T | undefined> {
    const { make, limitBytes } = this.#options;
    const place = await this.#host.resolve(path);
    if (place === undefined) return undefined;
    const before = this.#host.identify(place);
    const known = this.#made.get(place);
    this.#made.delete(place);
    if (known !== undefined && before?.equals(known.identity) === true) {
      this.#made.set(place, known);
      return known.value;
    }
    const bytes = await this.#host.readBytes(path, limitBytes);
    if (bytes === undefined) return undefined;
    const value = make(bytes, path);
    const after = this.#host.identify(place);
    const isSame = after !== undefined && before?.equals(after) === true;
    if (isSame && isSettled(after, clock.nowMs())) this.#keep(place, { identity: after, value });
    return value;
  }

  #keep(place: string, made: Made<T>): void {
    const [oldest] = this.#made.keys();
    if (this.#made.size >= this.#options.maxFiles && oldest !== undefined) {
      this.#made.delete(oldest);
    }
    this.#made.set(place, made);
  }
}

/** One memory for each host, so that all who ask about a node share what was made of its files. */
export function memoryPerHost<T>(
  options: ContentMemoryOptions<T>,
): (host: Host) => ContentMemory<T> {
  const memories = new WeakMap<Host, ContentMemory<T>>();
  return (host) => {
    const known = memories.get(host);
    if (known !== undefined) return known;
    const memory = new ContentMemory(host, options);
    memories.set(host, memory);
    return memory;
  };
}
