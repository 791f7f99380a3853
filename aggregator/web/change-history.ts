import type { EventRecord } from '../../shared/api.ts';
import { canonicalJson } from '../../shared/canonical.ts';
import { eventText } from '../../shared/event-text.ts';
import { fieldOf } from '../../shared/field-of.ts';
import type { Store } from '../store/store.ts';

/** The same change on several nodes, as one thing that happened. */
export interface Incident {
  /** The change in one sentence. */
  readonly what: string;
  readonly path: string;
  readonly isExplained: boolean;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly nodes: ReadonlySet<string>;
}

/** How many changes there were in one span of time. */
export interface Bucket {
  readonly startMs: number;
  readonly explained: number;
  readonly unexplained: number;
}

const KIND = 'file.changed';
const HOUR_MS = 3_600_000;
const DAYS = 7;
const SPAN_MS = DAYS * 24 * HOUR_MS;
/** A roll-out comes to the next node within this time. */
const GAP_MS = 2 * HOUR_MS;
const PAGE_ROWS = 5000;
const MAX_CHANGES = 100_000;

interface Open extends Incident {
  firstMs: number;
  lastMs: number;
  readonly nodes: Set<string>;
}

/** Changes of files in the last seven days, by hour and as incidents; times are those of receipt. */
export class ChangeHistory {
  readonly #hours = new Map<number, { explained: number; unexplained: number }>();
  /** By what changed to what: the incidents of it. */
  readonly #incidents = new Map<string, Open[]>();
  /** The newest that were read from the store: they may be told again by whoever stored them. */
  readonly #read = new Set<string>();
  #count = 0;
  #isCut = false;

  /** Reads what the store has; `nowMs` is the wall clock. */
  static async load(store: Pick<Store, 'events'>, nowMs: number): Promise<ChangeHistory> {
    const history = new ChangeHistory();
    const sinceMs = nowMs - SPAN_MS;
    for (let after: string | undefined; ; ) {
      const page = await store.events({ kind: KIND, sinceMs, limit: PAGE_ROWS, after });
      for (const event of page.rows) history.add(event);
      if (after === undefined) for (const event of page.rows) history.#read.add(idOf(event));
      after = page.next;
      if (after === undefined || history.#isCut) return history;
    }
  }

  /** Takes an event of any kind, in any order. */
  add(event: EventRecord): void {
    if (event.kind !== KIND || this.#read.has(idOf(event))) return;
    if (this.#count >= MAX_CHANGES) {
      this.#isCut = true;
      return;
    }
    this.#count++;
    const atMs = Date.parse(event.receivedAt);
    const isExplained = fieldOf(event.data, 'explained.by') !== undefined;
    const hour = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    const counts = this.#hours.get(hour) ?? { explained: 0, unexplained: 0 };
    this.#hours.set(hour, counts);
    counts[isExplained ? 'explained' : 'unexplained']++;
    this.#place(event, atMs, isExplained);
  }

  /** Newest first. */
  incidents(nowMs: number): readonly Incident[] {
    return [...this.#incidents.values()]
      .flat()
      .filter(({ lastMs }) => lastMs >= nowMs - SPAN_MS)
      .sort((a, b) => b.lastMs - a.lastMs || (a.what < b.what ? -1 : 1));
  }

  /** Seven days up to now in spans of so many hours, oldest first, without gaps. */
  buckets(nowMs: number, hours: number): readonly Bucket[] {
    const widthMs = hours * HOUR_MS;
    const last = Math.floor(nowMs / widthMs) * widthMs;
    return Array.from({ length: SPAN_MS / widthMs }, (_, index) => {
      const startMs = last - SPAN_MS + (index + 1) * widthMs;
      let [explained, unexplained] = [0, 0];
      for (let hour = startMs; hour < startMs + widthMs; hour += HOUR_MS) {
        const counts = this.#hours.get(hour);
        explained += counts?.explained ?? 0;
        unexplained += counts?.unexplained ?? 0;
      }
      return { startMs, explained, unexplained };
    });
  }

  /** There were more changes than are kept here: the oldest are missing. */
  get isCut(): boolean {
    return this.#isCut;
  }

  #place(event: EventRecord, atMs: number, isExplained: boolean): void {
    const { data, node } = event;
    const { path, change, now, mode, owner, explained } = data;
    const key = canonicalJson(
      [path, change, now, mode, owner, explained].map((one) => one ?? null),
    );
    const known = this.#incidents.get(key) ?? [];
    this.#incidents.set(key, known);
    const near = known.find(
      ({ firstMs, lastMs }) => atMs >= firstMs - GAP_MS && atMs <= lastMs + GAP_MS,
    );
    if (near === undefined) {
      known.push({
        what: eventText(event),
        path: typeof path === 'string' ? path : '',
        isExplained,
        firstMs: atMs,
        lastMs: atMs,
        nodes: new Set([node]),
      });
      return;
    }
    near.firstMs = Math.min(near.firstMs, atMs);
    near.lastMs = Math.max(near.lastMs, atMs);
    near.nodes.add(node);
  }
}

function idOf({ node, epoch, sequence }: EventRecord): string {
  return `${node} ${epoch} ${sequence}`;
}
