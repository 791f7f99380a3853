import { closeSync, lstatSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { type ContentIdentity, FileIdentity, OF_A_LINK } from './file-identity.ts';
import { textOf } from './file-text.ts';
import { absent, HostError } from './host-error.ts';
import { HostPaths, linkTarget, type OpenedFile } from './host-paths.ts';
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

/** The node under `root` (`/` for this machine, `/host` in a container). */
export function openHost(root: string): Host {
  return new RootedHost(posix.resolve(root));
}

/** Looks paths up, and reads small files, without the thread pool, which costs more than the calls. */
class RootedHost implements Host {
  readonly root: string;
  readonly #paths: HostPaths;

  constructor(root: string) {
    this.root = root;
    this.#paths = new HostPaths(root);
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
      opened = this.#paths.openFile(path);
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
    const opened = await guarded(path, () => this.#paths.openFile(path));
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
    return await this.#lookAt(path, () => this.#paths.resolve(path), statOf);
  }

  async lstat(path: string): Promise<HostStat | undefined> {
    return await this.#lookAt(path, () => this.#paths.entry(path), statOf);
  }

  async list(path: string): Promise<readonly string[] | undefined> {
    return await guarded(path, () =>
      this.#paths.inFolder(this.#paths.resolve(path), path, async (folder) =>
        (await readdir(folder)).sort(),
      ),
    );
  }

  async readLink(path: string): Promise<string | undefined> {
    return await this.#lookAt(path, () => this.#paths.entry(path), linkTarget);
  }

  async resolve(path: string): Promise<string | undefined> {
    return await guarded(path, () => this.#paths.resolve(path));
  }

  identify(path: string, known?: ContentIdentity): ContentIdentity | undefined {
    try {
      const stats = lstatSync(`${this.#paths.prefix}${path}`, { throwIfNoEntry: false });
      if (stats === undefined) return undefined;
      // No link: the same inode, unchanged, is of the kind it was.
      if (known instanceof FileIdentity && known.isOf(stats)) return known;
      return stats.isSymbolicLink() ? OF_A_LINK : new FileIdentity(stats);
    } catch {
      return undefined;
    }
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
      return this.#paths.inFolder(folder, path, async (place) => look(`${place}/${name}`));
    });
  }
}

function statOf(place: string): HostStat {
  return toHostStat(lstatSync(place));
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

async function guarded<T>(path: string, look: () => T | Promise<T>): Promise<T | undefined> {
  const due = turnDue();
  if (due !== undefined) await due;
  try {
    return await look();
  } catch (error) {
    return absent(error, path);
  }
}
