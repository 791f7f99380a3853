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
import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { type ContentIdentity, FileIdentity, OF_A_LINK } from './file-identity.ts';
import { textOf } from './file-text.ts';
import { HostError, type HostErrorCode } from './host-error.ts';
import { readOpened, readPiece, statOpened } from './opened-file.ts';
import { turnDue } from './turns.ts';

export type { ContentIdentity } from './file-identity.ts';
export { HostError, type HostErrorCode, isReadingReason } from './host-error.ts';

export interface HostStat {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly inode: number;
}

/** The whole content of a file; no identity when it changed while it was read. */
export interface IdentifiedContent {
  readonly bytes: Buffer;
  readonly identity?: ContentIdentity;
}

/**
 * Read-only view of a node's files under one root. Every path is absolute and as the node sees it; links are
 * resolved as in a chroot, so none leads outside. What does not exist (a dangling link too) is `undefined`;
 * what exists but cannot be read as asked is a `HostError`.
 */
export interface Host {
  readonly root: string;
  /** The whole file as UTF-8; `ERR_HOST_ENCODING` when it is not. At most `limitBytes` (default 4 MiB). */
  readText(path: string, limitBytes?: number): Promise<string | undefined>;
  readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined>;
  /**
   * A file of any size in pieces of at most 256 KiB, each its reader's to keep; throws at the first one what `readBytes`
   * would, and `ERR_HOST_IO` for what is not there.
   */
  readPieces(path: string): AsyncIterable<Buffer>;
  /** What the path leads to, links followed. */
  stat(path: string): Promise<HostStat | undefined>;
  /** What stands at the path itself. */
  lstat(path: string): Promise<HostStat | undefined>;
  /** Names in a folder, sorted by code unit. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** Target of a link, as written; `undefined` when there is no link. */
  readLink(path: string): Promise<string | undefined>;
  /** As `readBytes`, and which content it was; that is told by the file itself, wherever links led. */
  readIdentified(path: string, limitBytes?: number): Promise<IdentifiedContent | undefined>;
  /**
   * Which content stands at a path without links, told by one call and without opening it; undefined for what is not there.
   * Of a link nothing is told: its text is `link`, and it counts as changed at the end of time. `known` is given back when
   * it is what still stands there, which makes nothing new.
   */
  identify(path: string, known?: ContentIdentity): ContentIdentity | undefined;
  /** The path with every link resolved, still as the node sees it; `undefined` when it leads nowhere. */
  resolve(path: string): Promise<string | undefined>;
}

export const DEFAULT_LIMIT_BYTES: number = 4 * 1024 * 1024;
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
/** The node under `root` (`/` for this machine, `/host` in a container). */
export function openHost(root: string): Host {
  return new RootedHost(posix.resolve(root));
}

interface OpenedFile {
  /** The descriptor. */
  readonly file: number;
  /** What stood at its place right before it was opened. */
  readonly seen: Stats;
}

/**
 * Looks paths up, and reads small files, without the thread pool: seven calls a file there cost ten times the calls
 * themselves, in time and in processor alike.
 */
class RootedHost implements Host {
  readonly root: string;
  #realRoot: string | undefined;

  constructor(root: string) {
    this.root = root;
  }

  async readText(path: string, limitBytes?: number): Promise<string | undefined> {
    const bytes = await this.readBytes(path, limitBytes);
    return bytes === undefined ? undefined : textOf(bytes, path);
  }

  async readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    return (await this.readIdentified(path, limitBytes))?.bytes;
  }

  async readIdentified(
    path: string,
    limitBytes = DEFAULT_LIMIT_BYTES,
  ): Promise<IdentifiedContent | undefined> {
    const due = turnDue();
    if (due !== undefined) await due;
    let opened: OpenedFile | undefined;
    try {
      opened = this.#open(path);
      const { file, seen } = opened;
      const content = readOpened(file, path, seen, limitBytes);
      // Small files are there at once, and there are many of them.
      const bytes = content instanceof Promise ? await content : content;
      const identity = new FileIdentity(statOpened(file, path));
      return identity.equals(new FileIdentity(seen)) ? { bytes, identity } : { bytes };
    } catch (error) {
      return absent(error, path);
    } finally {
      if (opened !== undefined) closeSync(opened.file);
    }
  }

  async *readPieces(path: string): AsyncGenerator<Buffer> {
    const opened = await guarded(path, () => this.#open(path));
    if (opened === undefined) throw new HostError('ERR_HOST_IO', path, 'no such file');
    try {
      for (;;) {
        const piece = await guarded(path, () => readPiece(opened.file));
        if (piece === undefined || piece.length === 0) return;
        yield piece;
      }
    } finally {
      closeSync(opened.file);
    }
  }

  async stat(path: string): Promise<HostStat | undefined> {
    return await this.#lookAt(path, () => this.#resolve(path), statOf);
  }

  async lstat(path: string): Promise<HostStat | undefined> {
    return await this.#lookAt(path, () => this.#entry(path), statOf);
  }

  async list(path: string): Promise<readonly string[] | undefined> {
    return await guarded(path, () =>
      this.#inFolder(this.#resolve(path), path, async (folder) => (await readdir(folder)).sort()),
    );
  }

  async readLink(path: string): Promise<string | undefined> {
    return await this.#lookAt(path, () => this.#entry(path), linkTarget);
  }

  async resolve(path: string): Promise<string | undefined> {
    return await guarded(path, () => this.#resolve(path));
  }

  identify(path: string, known?: ContentIdentity): ContentIdentity | undefined {
    try {
      const stats = lstatSync(`${this.#prefix}${path}`, ABSENT_IS_NOTHING);
      if (stats === undefined) return undefined;
      // No link: the same inode, unchanged, is of the kind it was.
      if (known instanceof FileIdentity && known.isOf(stats)) return known;
      return stats.isSymbolicLink() ? OF_A_LINK : new FileIdentity(stats);
    } catch {
      return undefined;
    }
  }

  /** Opens the regular file at `path`. Throws the system's error for what is not there. */
  #open(path: string): OpenedFile {
    const direct = this.#openDirect(path);
    if (direct !== undefined) return direct;
    const place = this.#place(this.#resolve(path));
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
   * As `#open`, of a path without links, as most are: what was opened says itself whether it lies where it should, which
   * takes fewer calls than to resolve the path before. Undefined for all else; then the path has to be walked.
   */
  #openDirect(path: string): OpenedFile | undefined {
    if (!path.startsWith('/') || UNCLEAN.test(path)) return undefined;
    const place = `${this.#prefix}${path}`;
    let file: number | undefined;
    try {
      const seen = lstatSync(place, ABSENT_IS_NOTHING);
      if (seen?.isFile() !== true) return undefined;
      file = openSync(place, READ_FLAGS);
      if (this.root === '/' || openedPlace(file, path) === place) return { file, seen };
    } catch {
      // The walk says what is wrong.
    }
    if (file !== undefined) closeSync(file);
    return undefined;
  }

  /** Throws the system's error for what is not there. */
  #resolve(path: string): string {
    if (!path.startsWith('/'))
      throw new HostError('ERR_HOST_IO', path, 'expected an absolute path');
    // Nothing is outside of `/`: the kernel resolves it, in one call.
    if (this.root === '/') return realpathSync.native(path);
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
  #entry(path: string): string {
    return posix.join(this.#resolve(posix.dirname(path)), posix.basename(path));
  }

  /** Looks at what stands at a resolved path itself: a name in a folder that is surely the one meant. */
  async #lookAt<T>(
    path: string,
    resolve: () => string,
    look: (place: string) => T,
  ): Promise<T | undefined> {
    return await guarded(path, () => {
      const resolved = resolve();
      const name = posix.basename(resolved) || '.';
      const folder = posix.dirname(resolved);
      return this.#inFolder(folder, path, async (place) => look(`${place}/${name}`));
    });
  }

  /** The folder by its descriptor: whatever becomes of its path, this one lies in the root. */
  async #inFolder<T>(
    resolved: string,
    path: string,
    look: (folder: string) => Promise<T>,
  ): Promise<T> {
    if (this.root === '/') return await look(resolved);
    const place = posix.join(this.#place(resolved), '.');
    const folder = openSync(place, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      this.#assertPlace(folder, place, path);
      return await look(`/proc/self/fd/${folder}`);
    } finally {
      closeSync(folder);
    }
  }

  /** What a resolved path gets in front of it. */
  get #prefix(): string {
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
      const root = realpathSync.native(this.root);
      const [meant, found] = [statSync(this.root), lstatSync(root)];
      if (!meant.isDirectory()) {
        throw new HostError('ERR_HOST_ROOT', this.root, 'the host root is no folder');
      }
      // /proc/1/root reads as `/`, which may be another folder here: our own.
      if (meant.dev === found.dev && meant.ino === found.ino) return root;
      throw new HostError('ERR_HOST_ROOT', this.root, 'a link of procfs cannot be the host root');
    } catch (cause) {
      if (cause instanceof HostError) throw cause;
      throw new HostError('ERR_HOST_ROOT', this.root, 'the host root is not there', { cause });
    }
  }

  /** A folder on the way may have become a link between looking and opening: what was opened decides. */
  #assertPlace(file: number, place: string, path: string): void {
    if (this.root === '/') return;
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

function statOf(place: string): HostStat {
  return toHostStat(lstatSync(place));
}

/** Target of the link at `place`; undefined for anything else. */
function linkTarget(place: string): string | undefined {
  const stats = lstatSync(place, ABSENT_IS_NOTHING);
  if (stats === undefined) throw NOT_THERE;
  return stats.isSymbolicLink() ? readlinkSync(place) : undefined;
}

function toHostStat(stats: Stats): HostStat {
  return {
    kind: stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'folder'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other',
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    size: stats.size,
    mtimeMs: stats.mtimeMs,
    inode: stats.ino,
  };
}

const CODES: Readonly<Record<string, readonly [HostErrorCode, string]>> = {
  EACCES: ['ERR_HOST_PERMISSION', 'permission denied'],
  EPERM: ['ERR_HOST_PERMISSION', 'operation not permitted'],
  ELOOP: ['ERR_HOST_LINK_LOOP', 'too many links'],
  ENOTDIR: ['ERR_HOST_NOT_A_FOLDER', 'expected a folder'],
  EISDIR: ['ERR_HOST_NOT_A_FILE', 'expected a regular file'],
};

async function guarded<T>(path: string, look: () => T | Promise<T>): Promise<T | undefined> {
  const due = turnDue();
  if (due !== undefined) await due;
  try {
    return await look();
  } catch (error) {
    return absent(error, path);
  }
}

/** Turns an errno code into one of two answers: undefined for what is not there, or a `HostError`. */
function absent(error: unknown, path: string): undefined {
  if (error instanceof HostError) throw error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  // ESRCH: the process whose folder in /proc it was is gone.
  if (code === 'ENOENT' || code === 'ESRCH') return undefined;
  const [known, message] = CODES[code] ?? ['ERR_HOST_IO', `could not be read (${code || error})`];
  throw new HostError(known, path, message, { cause: error });
}
