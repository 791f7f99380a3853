import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { posix } from 'node:path';
import { HostError } from './host-error.ts';

/** As the kernel's own limit, path_resolution(7). */
const MAX_LINKS = 40;
/** open(2): a descriptor that names its place and reads nothing; Node does not list it. */
const O_PATH = 0o10000000;

/** Nothing waits for a fifo, and no link is followed at the end of a path. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const ABSENT_IS_NOTHING = { throwIfNoEntry: false } as const;

/** As the system's own error, which takes ten times as long to make; most places that are looked for are not there. */
const NOT_THERE = Object.assign(new Error('no such file'), { code: 'ENOENT' });

/** A path that is not what it would be after a walk: with empty parts, `.` or `..`. */
const UNCLEAN = /\/(?:\.{0,2}(?:\/|$))/;

export interface OpenedFile {
  /** The descriptor. */
  readonly file: number;
  /** What stood at its place right before it was opened. */
  readonly seen: Stats;
}

/**
 * Where a path of the node lies for this process: links are resolved as in a chroot under `root`, and what is opened says
 * itself whether it is what was meant. All of it without the thread pool: seven calls a file there cost ten times the calls
 * themselves, in time and in processor alike.
 */
export class HostPaths {
  readonly #root: string;
  #realRoot: string | undefined;

  /** `root` is absolute and needs not be there yet. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Opens the regular file at `path`. Throws the system's error for what is not there. */
  openFile(path: string): OpenedFile {
    const direct = this.#openDirect(path);
    if (direct !== undefined) return direct;
    const place = this.#place(this.resolve(path));
    // Looked at before it is opened: opening a device can have effects, opening a fifo can hang.
    const seen = lstatSync(place);
    if (!seen.isFile()) {
      throw new HostError('ERR_HOST_NOT_A_FILE', path, 'expected a regular file');
    }
    const file = openSync(place, READ_FLAGS);
    try {
      this.#assertPlace(file, place, path);
      return { file, seen };
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  /**
   * As `openFile`, of a path without links, as most are: what was opened says itself whether it lies where it should, which
   * takes fewer calls than to resolve the path before. Undefined for all else; then the path has to be walked.
   */
  #openDirect(path: string): OpenedFile | undefined {
    if (!path.startsWith('/') || UNCLEAN.test(path)) return undefined;
    const place = `${this.prefix}${path}`;
    let file: number | undefined;
    try {
      const seen = lstatSync(place, ABSENT_IS_NOTHING);
      if (seen?.isFile() !== true) return undefined;
      file = openSync(place, READ_FLAGS);
      if (this.#root === '/' || openedPlace(file, path) === place) return { file, seen };
    } catch {
      // The walk says what is wrong.
    }
    if (file !== undefined) closeSync(file);
    return undefined;
  }

  /** Throws the system's error for what is not there. */
  resolve(path: string): string {
    if (!path.startsWith('/'))
      throw new HostError('ERR_HOST_IO', path, 'expected an absolute path');
    // Nothing is outside of `/`: the kernel resolves it, in one call.
    if (this.#root === '/') return realpathSync.native(path);
    const direct = this.#withoutLinks(path);
    if (direct !== undefined) return direct;
    let done = '/';
    const rest = path.split('/').reverse();
    for (let links = 0; rest.length > 0; ) {
      const name = rest.pop();
      if (name === undefined || name === '' || name === '.') continue;
      if (name === '..') {
        done = posix.dirname(done);
        continue;
      }
      const next = done === '/' ? `/${name}` : `${done}/${name}`;
      const target = linkTarget(this.#place(next));
      if (target === undefined) {
        done = next;
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new HostError('ERR_HOST_LINK_LOOP', path, `more than ${MAX_LINKS} links`);
      }
      if (target.startsWith('/')) done = '/';
      rest.push(...target.split('/').reverse());
    }
    return done;
  }

  /**
   * The path when no link is in it, as in most: one call tells, where walking takes one a part. Undefined leaves
   * it to the walk, also for what is not there; `..` behind a link would not be what it looks like.
   */
  #withoutLinks(path: string): string | undefined {
    if (path.includes('/..')) return undefined;
    const plain = UNCLEAN.test(path) ? posix.join('/', path, '.') : path;
    const place = this.#place(plain);
    try {
      // What is not there is told by the walk, which throws less.
      if (lstatSync(place, ABSENT_IS_NOTHING) === undefined) return undefined;
      return realpathSync.native(place) === place ? plain : undefined;
    } catch {
      return undefined;
    }
  }

  /** The path with every link resolved but the last. */
  entry(path: string): string {
    return posix.join(this.resolve(posix.dirname(path)), posix.basename(path));
  }

  /** The folder by its descriptor: whatever becomes of its path, this one lies in the root. */
  async inFolder<T>(
    resolved: string,
    path: string,
    look: (folder: string) => Promise<T>,
  ): Promise<T> {
    if (this.#root === '/') return await look(resolved);
    const place = posix.join(this.#place(resolved), '.');
    const folder = openSync(place, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      this.#assertPlace(folder, place, path);
      return await look(`/proc/self/fd/${folder}`);
    } finally {
      closeSync(folder);
    }
  }

  /** What a path without links gets in front of it. */
  get prefix(): string {
    this.#realRoot ??= this.#resolveRoot();
    return this.#realRoot === '/' ? '' : this.#realRoot;
  }

  /** Where a resolved path of the node lies for this process. */
  #place(resolved: string): string {
    this.#realRoot ??= this.#resolveRoot();
    if (this.#realRoot === '/') return resolved;
    return resolved === '/' ? this.#realRoot : `${this.#realRoot}${resolved}`;
  }

  /** Without its root a node would look like one on which nothing exists. */
  #resolveRoot(): string {
    try {
      const root = realpathSync.native(this.#root);
      const [meant, found] = [statSync(this.#root), lstatSync(root)];
      if (!meant.isDirectory()) {
        throw new HostError('ERR_HOST_ROOT', this.#root, 'the host root is no folder');
      }
      // /proc/1/root reads as `/`, which may be another folder here: our own.
      if (meant.dev === found.dev && meant.ino === found.ino) return root;
      throw new HostError('ERR_HOST_ROOT', this.#root, 'a link of procfs cannot be the host root');
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw new HostError('ERR_HOST_ROOT', this.#root, 'the host root is not there', { cause });
    }
  }

  /** A folder on the way may have become a link between looking and opening: what was opened decides. */
  #assertPlace(file: number, place: string, path: string): void {
    if (this.#root === '/') return;
    const opened = openedPlace(file, path);
    if (opened !== place && opened !== `${place} (deleted)`) {
      throw new HostError('ERR_HOST_CHANGED', path, 'was replaced while it was opened');
    }
  }
}

function openedPlace(file: number, path: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${file}`);
  } catch (cause) {
    // An ENOENT of our own procfs must not pass for a file that the node does not have.
    throw new HostError('ERR_HOST_IO', path, 'could not be told from a link', { cause });
  }
}

/** Target of the link at `place`; undefined for anything else. */
export function linkTarget(place: string): string | undefined {
  const stats = lstatSync(place, ABSENT_IS_NOTHING);
  if (stats === undefined) throw NOT_THERE;
  return stats.isSymbolicLink() ? readlinkSync(place) : undefined;
}
