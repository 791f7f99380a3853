import { type FileHandle, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureFolder } from '../../shared/folder.ts';
import type { EventItem } from '../../shared/protocol.ts';
import { encodeRecord, type Located, MAX_RECORD_BYTES, nextAfter } from './record.ts';
import {
  continueSegment,
  createSegment,
  describeSegment,
  firstOfName,
  isContinuable,
  readSegment,
  readSome,
  rewriteSegment,
  type Segment,
  syncFolder,
} from './segment.ts';
import { lostIn } from './shed.ts';
import { writeAll } from './write-all.ts';

export interface ReadLimit {
  readonly records: number;
  readonly bytes: number;
}

export type Change = (items: readonly EventItem[]) => readonly EventItem[];

/** Where a reader continues, without looking at what is before. */
interface Place {
  readonly path: string;
  readonly offset: number;
}

/** So many ends of what was read are remembered: those of the frames in a window, and who asks for the oldest. */
const MAX_PLACES = 32;

/** The segments of one life of the spool, oldest first. One caller at a time; `Spool` sees to that. */
export class Segments implements AsyncDisposable {
  readonly folder: string;
  readonly #segmentBytes: number;
  #list: readonly Segment[];
  /** The last of the list while it is open for appending. */
  #active: FileHandle | undefined;
  /** After a failed write nothing is known of the end of the last segment. */
  #mustBeginNew = false;
  /** By the number that comes next there. */
  readonly #places = new Map<number, Place>();

  private constructor(folder: string, segmentBytes: number, list: readonly Segment[]) {
    this.folder = folder;
    this.#segmentBytes = segmentBytes;
    this.#list = list;
  }

  /** `newer` when a file in the folder is of a later format: then nothing is touched. */
  static async open(folder: string, segmentBytes: number): Promise<Segments | 'newer'> {
    await ensureFolder(folder);
    const list: Segment[] = [];
    const unfinished: string[] = [];
    for (const name of (await readdir(folder)).sort()) {
      const path = join(folder, name);
      const first = firstOfName(name);
      if (name.endsWith('.tmp')) unfinished.push(path);
      if (first === undefined) continue;
      const content = await readSegment(path);
      if (content.isNewer) return 'newer';
      list.push(describeSegment(path, first, content));
    }
    for (const path of unfinished) await rm(path);
    return new Segments(folder, segmentBytes, list);
  }

  get list(): readonly Segment[] {
    return this.#list;
  }

  get bytes(): number {
    return this.#list.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** First number that may still be read. */
  get first(): number | undefined {
    return this.#list[0]?.first;
  }

  /** Number after the last record. */
  get next(): number {
    return Math.max(1, ...this.#list.map(({ next }) => next));
  }

  /** Numbers that no record speaks for, between those that do. */
  get missing(): number {
    const between = this.#list.map(({ first }, index) => {
      const before = this.#list[index - 1];
      return before === undefined ? 0 : Math.max(0, first - before.next);
    });
    return [...between, ...this.#list.map(({ missing }) => missing)].reduce((a, b) => a + b, 0);
  }

  /** Resolves when the items are on disk. When it rejects none is, and the next call begins a new segment. */
  async append(items: readonly EventItem[]): Promise<void> {
    const [oldest] = items;
    const newest = items.at(-1);
    if (oldest === undefined || newest === undefined) return;
    const { file, segment } = await this.#writable(oldest.sequence);
    const bytes = Buffer.concat(items.map(encodeRecord));
    try {
      await writeAll(file, bytes, segment.bytes);
      await file.datasync();
    } catch (error) {
      this.#active = undefined;
      this.#mustBeginNew = true;
      await file.truncate(segment.bytes).catch(() => {});
      await file.close().catch(() => {});
      throw error;
    }
    this.#replace(segment.path, {
      ...segment,
      next: nextAfter(newest),
      bytes: segment.bytes + bytes.length,
      newestMs: Date.parse(newest.at),
    });
  }

  /** Good records from number `from` on, in order; what is missing between them is for the caller to say. */
  async read(from: number, limit: ReadLimit): Promise<readonly EventItem[]> {
    const found: EventItem[] = [];
    let expected = from;
    let bytes = 0;
    for (const { path, next } of this.#list) {
      while (expected < next && found.length < limit.records && bytes < limit.bytes) {
        const rest = { records: limit.records - found.length, bytes: limit.bytes - bytes };
        const some = await this.#readFrom(path, expected, rest);
        // A crash while a segment was rewritten can leave records twice: the numbers say so.
        const fresh = some.items.filter((item) => nextAfter(item) > expected);
        const last = fresh.at(-1);
        if (last === undefined) break;
        found.push(...fresh);
        bytes += some.bytes;
        expected = nextAfter(last);
      }
    }
    return found;
  }

  /** Removes whole segments, their numbers with them. */
  async remove(segments: readonly Segment[]): Promise<void> {
    for (const { path } of segments) {
      await this.#closeIfActive(path);
      await rm(path, { force: true });
      this.#list = this.#list.filter((segment) => segment.path !== path);
    }
  }

  /**
   * Puts what `change` makes of a segment's items in its place, joined to the segment before when both are small.
   * Resolves with how many more events `lost` items now stand for. A change that makes no item less is not made.
   */
  async rewrite(segment: Segment, change: Change): Promise<number> {
    const { items } = await readSegment(segment.path);
    const changed = change(items);
    if (changed.length === items.length) return 0;
    await this.#closeIfActive(segment.path);
    this.#places.clear();
    const rewritten = await rewriteSegment(segment.path, segment.first, changed);
    this.#replace(segment.path, rewritten);
    const lost = lostIn(changed) - lostIn(items) + (await this.#joinToBefore(rewritten, change));
    await syncFolder(this.folder);
    return lost;
  }

  async #joinToBefore(segment: Segment, change: Change): Promise<number> {
    const before = this.#list[this.#list.indexOf(segment) - 1];
    if (before === undefined || before.bytes + segment.bytes > this.#segmentBytes) return 0;
    const items = [
      ...(await readSegment(before.path)).items,
      ...(await readSegment(segment.path)).items,
    ];
    const joined = change(items);
    this.#replace(before.path, await rewriteSegment(before.path, before.first, joined));
    await this.remove([segment]);
    return lostIn(joined) - lostIn(items);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.close();
  }

  async #writable(first: number): Promise<{ file: FileHandle; segment: Segment }> {
    const last = this.#list.at(-1);
    if (this.#active !== undefined && last !== undefined && last.bytes < this.#segmentBytes) {
      return { file: this.#active, segment: last };
    }
    await this[Symbol.asyncDispose]();
    if (last !== undefined && !this.#mustBeginNew && isContinuable(last, this.#segmentBytes)) {
      this.#active = await continueSegment(last);
      return { file: this.#active, segment: last };
    }
    const created = await createSegment(this.folder, first);
    this.#active = created.file;
    this.#mustBeginNew = false;
    // A file of this name that holds no good record is written over.
    const others = this.#list.filter(({ path }) => path !== created.segment.path);
    this.#list = [...others, created.segment];
    await syncFolder(this.folder);
    return created;
  }

  async #readFrom(
    path: string,
    from: number,
    limit: ReadLimit,
  ): Promise<{ readonly items: readonly EventItem[]; readonly bytes: number }> {
    const place = this.#places.get(from);
    if (place?.path === path) {
      const window = { records: limit.records, bytes: Math.max(limit.bytes, MAX_RECORD_BYTES) };
      const { items, end } = await readSome(path, place.offset, window);
      const last = items.at(-1);
      if (last !== undefined) {
        this.#remember(nextAfter(last), { path, offset: end });
        return { items, bytes: end - place.offset };
      }
    }
    return await this.#searchFrom(path, from, limit);
  }

  async #searchFrom(
    path: string,
    from: number,
    limit: ReadLimit,
  ): Promise<{ readonly items: readonly EventItem[]; readonly bytes: number }> {
    const { located } = await readSegment(path);
    const found: Located[] = [];
    let bytes = 0;
    for (const one of located) {
      if (nextAfter(one.item) <= from) continue;
      if (found.length >= limit.records || (found.length > 0 && bytes >= limit.bytes)) break;
      found.push(one);
      bytes += one.end - one.start;
    }
    const last = found.at(-1);
    if (last !== undefined) this.#remember(nextAfter(last.item), { path, offset: last.end });
    return { items: found.map(({ item }) => item), bytes };
  }

  #remember(next: number, place: Place): void {
    this.#places.delete(next);
    this.#places.set(next, place);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
  }

  async #closeIfActive(path: string): Promise<void> {
    if (this.#list.at(-1)?.path === path) await this[Symbol.asyncDispose]();
  }

  #replace(path: string, segment: Segment): void {
    this.#list = this.#list.map((old) => (old.path === path ? segment : old));
  }
}
