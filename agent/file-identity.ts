import type { Stats } from 'node:fs';

/** As long as a path has the same text, what a read of it gives is the same; a folder's says which names are in it. */
export interface ContentIdentity {
  /** Device, inode, size, and the last changes of content and of inode: writing in place moves them, as renaming does. */
  readonly text: string;
  /** The kernel's own time of the last change, which nobody can set. Changes within one tick of its clock look alike. */
  readonly changedMs: number;
  /** The texts are the same; told without making them. */
  equals(other: ContentIdentity): boolean;
}

/** Of a file or folder, from what stat(2) says. */
export class FileIdentity implements ContentIdentity {
  readonly changedMs: number;
  readonly #dev: number;
  readonly #ino: number;
  readonly #size: number;
  readonly #mtimeMs: number;

  constructor({ dev, ino, size, mtimeMs, ctimeMs }: Stats) {
    this.#dev = dev;
    this.#ino = ino;
    this.#size = size;
    this.#mtimeMs = mtimeMs;
    this.changedMs = ctimeMs;
  }

  get text(): string {
    return `${this.#dev} ${this.#ino} ${this.#size} ${this.#mtimeMs} ${this.changedMs}`;
  }

  isOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): boolean {
    return (
      this.#ino === ino &&
      this.changedMs === ctimeMs &&
      this.#mtimeMs === mtimeMs &&
      this.#size === size &&
      this.#dev === dev
    );
  }

  equals(other: ContentIdentity): boolean {
    if (!(other instanceof FileIdentity)) return false;
    return (
      this.#ino === other.#ino &&
      this.changedMs === other.changedMs &&
      this.#mtimeMs === other.#mtimeMs &&
      this.#size === other.#size &&
      this.#dev === other.#dev
    );
  }
}

/** Nothing is told of what it leads to. */
export const OF_A_LINK: ContentIdentity = {
  text: 'link',
  changedMs: Infinity,
  equals: (other) => other.text === 'link',
};
