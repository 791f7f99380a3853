import { posix } from 'node:path';
import { whereReadable } from '../check.ts';
import type { ContentIdentity, Host } from '../host.ts';
import { isSettled } from '../settled.ts';

/** Where a later look tells whether a file is as it was: the file itself, or the folder in which it was missing. */
export interface OutsideSight {
  readonly place: string;
  readonly identity: ContentIdentity;
}

/**
 * Files outside of the store that a verdict rests on, as signatures in a lookaside: what was read, or that nothing was
 * there. Only of places without a link on the way: such a place says by itself whether anything became of it.
 */
export class OutsideFiles {
  readonly #host: Host;
  readonly #nowMs: number;
  /** Undefined for what changed too lately, or between two reads. */
  readonly #seen = new Map<string, OutsideSight | undefined>();

  constructor(host: Host, nowMs: number) {
    this.#host = host;
    this.#nowMs = nowMs;
  }

  /** How a file that was read is known again; undefined when a later look could not tell a change. */
  seen(path: string): OutsideSight | undefined {
    return this.#seen.get(path);
  }

  /** As of the host. */
  async read(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    const isAgain = this.#seen.has(path);
    const before = this.#seen.get(path);
    // Until it is known, and so also after a failure.
    this.#seen.set(path, undefined);
    const found = await this.#host.readIdentified(path, limitBytes);
    const sight =
      found === undefined ? await this.#absence(path) : await this.#settled(path, found.identity);
    if (!isAgain || isSame(before, sight)) this.#seen.set(path, sight);
    return found?.bytes;
  }

  /** The lowest folder on the way that is there: what comes into it, file or folder, changes it. */
  async #absence(path: string): Promise<OutsideSight | undefined> {
    for (let missing = path; missing !== '/'; missing = posix.dirname(missing)) {
      const folder = posix.dirname(missing);
      if ((await whereReadable(this.#host.resolve(folder))) === undefined) continue;
      const sight = await this.#settled(folder, this.#host.identify(folder));
      // Looked for once more, now that the folder is known: what came between is no longer missing.
      return this.#host.identify(missing) === undefined ? sight : undefined;
    }
    return undefined;
  }

  async #settled(
    place: string,
    identity: ContentIdentity | undefined,
  ): Promise<OutsideSight | undefined> {
    if (identity === undefined || !isSettled(identity, this.#nowMs)) return undefined;
    const resolved = await whereReadable(this.#host.resolve(place));
    return resolved === place ? { place, identity } : undefined;
  }
}

function isSame(one: OutsideSight | undefined, other: OutsideSight | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.place === other.place && one.identity.equals(other.identity);
}
