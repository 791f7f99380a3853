import { type FSWatcher, watch as watchFile } from 'node:fs';
import { posix } from 'node:path';
import { sha256 } from '../shared/canonical.ts';
import type { Check } from './check.ts';
import { type Host, HostError } from './host.ts';

const LIMIT_BYTES = 65_536;

/** Files without dependable events, by what they hold: told apart by reading them again and again. */
export class Polls {
  readonly #host: Host;
  readonly #polled = new Map<string, { digest: string; readonly ids: readonly string[] }>();
  readonly #watchers: FSWatcher[] = [];

  private constructor(host: Host) {
    this.#host = host;
  }

  /** `onEvent`: one of them may have changed before its time has come. */
  static async open(
    host: Host,
    checks: readonly Pick<Check, 'id' | 'polls'>[],
    onEvent: () => void,
  ): Promise<Polls> {
    const polls = new Polls(host);
    for (const [path, ids] of idsByPath(checks)) {
      polls.#polled.set(path, { digest: await polls.#digest(path), ids });
      polls.#listen(path, onEvent);
    }
    return polls;
  }

  /** The checks whose files are not as they were at the last look. */
  async changed(): Promise<readonly string[]> {
    const ids = new Set<string>();
    for (const [path, polled] of this.#polled) {
      const digest = await this.#digest(path);
      if (digest === polled.digest) continue;
      polled.digest = digest;
      for (const id of polled.ids) ids.add(id);
    }
    return [...ids];
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  /** selinuxfs does send events, though no time of its files changes; what sends none is polled all the same. */
  #listen(path: string, onEvent: () => void): void {
    try {
      const place = posix.join(this.#host.root, path);
      const watcher = watchFile(place, { persistent: false }, onEvent);
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // The poll is the net.
    }
  }

  async #digest(path: string): Promise<string> {
    try {
      const bytes = await this.#host.readBytes(path, LIMIT_BYTES);
      return bytes === undefined ? 'absent' : sha256(bytes);
    } catch (error) {
      if (error instanceof HostError) return error.code;
      throw error;
    }
  }
}

function idsByPath(
  checks: readonly Pick<Check, 'id' | 'polls'>[],
): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, readonly string[]>();
  for (const { id, polls = [] } of checks) {
    for (const path of polls) ids.set(path, [...(ids.get(path) ?? []), id]);
  }
  return ids;
}
