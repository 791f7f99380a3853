import { rm } from 'node:fs/promises';
import type { Json } from '../shared/canonical.ts';
import { type Clock, rfc3339 } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { EventClass, EventItem } from '../shared/protocol.ts';
import { fillGaps } from './spool/gaps.ts';
import { writeHead } from './spool/head.ts';
import { closeLife, createLifeOf, GROUP_RECORDS, type Life, openLife } from './spool/life.ts';
import { fitting, nextAfter } from './spool/record.ts';
import {
  enforceAge,
  enforceCap,
  releaseSegments,
  SPOOL_LIMITS,
  type SpoolLimits,
} from './spool/retention.ts';
import type { ReadLimit } from './spool/segments.ts';
import { lostIn, shedTo } from './spool/shed.ts';

/** An event before the spool has given it a number. */
export interface EventDraft {
  readonly kind: string;
  readonly class: EventClass;
  readonly data: { readonly [name: string]: Json };
}

export interface SpoolState {
  /** Names this life of the spool; numbers mean nothing across two. */
  readonly epoch: string;
  /** First number still held. */
  readonly first: number;
  /** Next number to be given. */
  readonly next: number;
  readonly acknowledged: number;
  /** On disk. */
  readonly bytes: number;
  /** Events given up in this life, as `lost` records say it. */
  readonly lost: number;
  /** Why records are held in memory only; undefined while the disk takes them. */
  readonly degraded: string | undefined;
}

export interface SpoolOptions {
  /** Of the spool alone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly limits?: Partial<SpoolLimits>;
}

/** A disk that took nothing is tried again after so long. */
const RETRY_MS = 5000;
/** Age and what is kept are looked at so often. */
const SWEEP_MS = 600_000;

/**
 * Keeps events until an aggregator has acknowledged them. Numbers start at 1 and have no holes: what was given up
 * or damaged is read as a `lost` item that counts it.
 */
export class Spool implements AsyncDisposable {
  /** Folder of a spool that a later version wrote: it was left as it is, and a new one begun. */
  readonly leftBehind: string | undefined;
  readonly #options: SpoolOptions;
  readonly #limits: SpoolLimits;
  #life: Life;
  #next: number;
  #acknowledged: number;
  #lost: number;
  /** Numbered, not on disk. */
  #pending: readonly EventItem[] = [];
  #degraded: string | undefined;
  /** Numbers before it are in use for good, written or not: the head says so on disk. */
  #reserved: number;
  readonly #heldSince = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #work: Promise<void> = Promise.resolve();
  #flushing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #sweep: NodeJS.Timeout;

  private constructor(options: SpoolOptions, limits: SpoolLimits, life: Life) {
    this.#options = options;
    this.#limits = limits;
    this.#life = life;
    this.leftBehind = life.leftBehind;
    this.#next = Math.max(life.head.next, life.segments.next);
    this.#reserved = this.#next;
    this.#acknowledged = life.head.acknowledged;
    this.#lost = life.head.lost;
    this.#sweep = setInterval(() => void this.#serial(() => this.#tidy()), SWEEP_MS).unref();
  }

  /** Rejects when the folder cannot be read or made: then nothing could be kept across a restart. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const limits = { ...SPOOL_LIMITS, ...options.limits };
    const spool = new Spool(options, limits, await openLife(options.folder, limits.segmentBytes));
    await spool.#serial(async () => await spool.#tidy());
    return spool;
  }

  get state(): SpoolState {
    return {
      epoch: this.#life.epoch,
      first: this.#life.segments.first ?? this.#pending[0]?.sequence ?? this.#next,
      next: this.#next,
      acknowledged: this.#acknowledged,
      bytes: this.#life.segments.bytes,
      lost: this.#lost + this.#life.segments.missing,
      degraded: this.#degraded,
    };
  }

  /** Gives the event its number. Resolves when it is on disk or, with a full disk, in memory (`state.degraded`). */
  async append(draft: EventDraft): Promise<number> {
    const { clock } = this.#options;
    const sequence = this.#next++;
    const item = fitting({
      sequence,
      at: rfc3339(clock.nowMs()),
      monotonicMs: Math.round(clock.monotonicMs()),
      ...draft,
    });
    this.#pending = [...this.#pending, item];
    // Those that are appended while one group is written make up the next.
    this.#flushing ??= this.#serial(async () => {
      this.#flushing = undefined;
      await this.#flush();
    });
    await this.#flushing;
    return sequence;
  }

  /** Items from number `from` on, without holes, at most up to the limit; none when all were read. */
  async read(from: number, limit: ReadLimit): Promise<readonly EventItem[]> {
    let read: readonly EventItem[] = [];
    await this.#serial(async () => {
      const { segments } = this.#life;
      const stored = await segments.read(from, limit);
      const last = stored.at(-1);
      const isStoredRead = last === undefined || nextAfter(last) >= segments.next;
      const end = this.#readableEnd();
      const isHeld = (item: EventItem): boolean => item.sequence < end && nextAfter(item) > from;
      const held = isStoredRead ? this.#pending.filter(isHeld) : [];
      const items = [...stored, ...held].slice(0, limit.records);
      const isAllRead = isStoredRead && items.length === stored.length + held.length;
      const range = { from, end: isAllRead ? end : undefined, acknowledged: this.#acknowledged };
      const now = { at: rfc3339(this.#options.clock.nowMs()), monotonicMs: 0 };
      read = fillGaps(items, range, now);
    });
    return read;
  }

  /** Wall time of the oldest record not acknowledged. */
  async oldestUnsentMs(): Promise<number | undefined> {
    const [oldest] = await this.read(this.#acknowledged + 1, { records: 1, bytes: 1 });
    return oldest === undefined ? undefined : Date.parse(oldest.at);
  }

  /** The aggregator holds everything up to `sequence` of this life. */
  async acknowledge(epoch: string, sequence: number): Promise<void> {
    await this.#serial(async () => {
      if (epoch !== this.#life.epoch) return;
      this.#acknowledged = Math.max(this.#acknowledged, Math.min(sequence, this.#next - 1));
      this.#pending = this.#pending.filter((item) => item.sequence > this.#acknowledged);
      await this.#saveHead();
      await this.#release();
    });
  }

  /**
   * Begins a new life with what was not acknowledged. For when the aggregator holds numbers this spool has not given
   * yet: the node was set back to an earlier state, and the same numbers would mean other events. Rejects, and leaves
   * all as it was, when the disk does not take the new life.
   */
  async renew(): Promise<void> {
    await this.#serial(async () => {
      const old = this.#life;
      const limit = { records: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };
      const stored = await old.segments.read(this.#acknowledged + 1, limit);
      const kept = [...stored, ...this.#pending].map((item, index): EventItem => {
        const { throughSequence: _, ...rest } = item;
        return { ...rest, sequence: index + 1 };
      });
      const { folder } = this.#options;
      this.#life = await createLifeOf(folder, this.#limits.segmentBytes, kept);
      this.#next = kept.length + 1;
      this.#reserved = this.#next;
      this.#lost = lostIn(kept);
      this.#acknowledged = 0;
      this.#pending = [];
      await closeLife(old);
      await rm(old.folder, { recursive: true, force: true });
      await this.#flush();
    });
  }

  /** Told after something new can be read; the returned function ends it. */
  onReadable(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry);
    clearInterval(this.#sweep);
    await this.#serial(async () => {
      await this.#flush();
      clearTimeout(this.#retry);
      await closeLife(this.#life);
    });
  }

  /** One piece of work on the files after the other; a failure of one is its caller's. */
  async #serial(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    await done;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const group = this.#pending.slice(0, GROUP_RECORDS);
        await this.#life.segments.append(group);
        this.#pending = this.#pending.slice(group.length);
      }
      this.#degraded = undefined;
      this.#lost += await enforceCap(this.#life.segments, this.#limits);
    } catch (error) {
      this.#degraded = messageOf(error);
      this.#shedPending();
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => void this.#serial(() => this.#flush()), RETRY_MS).unref();
    }
    await this.#saveHead();
    for (const listener of this.#listeners) listener();
  }

  #shedPending(): void {
    const before = lostIn(this.#pending);
    this.#pending = shedTo(this.#pending, this.#limits.ringRecords);
    this.#lost += lostIn(this.#pending) - before;
  }

  async #saveHead(): Promise<void> {
    const head = { next: this.#next, acknowledged: this.#acknowledged, lost: this.#lost };
    try {
      await writeHead(this.#life.headFile, head);
      this.#reserved = head.next;
    } catch (error) {
      this.#degraded ??= messageOf(error);
    }
  }

  /**
   * What is not on disk is sent only when the disk takes nothing, and only under numbers the head has reserved: after a
   * crash they must not be given to other events.
   */
  #readableEnd(): number {
    return this.#degraded === undefined
      ? (this.#pending[0]?.sequence ?? this.#next)
      : Math.max(this.#reserved, this.#life.segments.next);
  }

  async #release(): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const { segments } = this.#life;
    await releaseSegments(segments, this.#acknowledged, this.#limits, nowMs, this.#heldSince);
  }

  async #tidy(): Promise<void> {
    const { segments } = this.#life;
    try {
      await this.#release();
      this.#lost += await enforceAge(segments, this.#limits, this.#options.clock.nowMs());
      this.#lost += await enforceCap(segments, this.#limits);
    } catch (error) {
      this.#degraded = messageOf(error);
    }
  }
}
