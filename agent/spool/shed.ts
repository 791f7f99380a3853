import { EVENT_CLASSES, type EventClass, type EventItem } from '../../shared/protocol.ts';
import { nextAfter } from './record.ts';

/**
 * Why a range of numbers has no events: `damaged` on disk or gone with its file; `released` after it was acknowledged
 * and no longer kept; over the `cap` in bytes or `age`; `disk-full` while memory held the newest.
 */
export type LostReason = 'damaged' | 'released' | 'cap' | 'age' | 'disk-full';

export const LOST_KIND = 'lost';

/** The record that stands for `first` to `last`, taken out from between its neighbours. */
export function lostBetween(
  range: { readonly first: number; readonly last: number; readonly why: LostReason },
  neighbours: { readonly before?: EventItem | undefined; readonly after?: EventItem | undefined },
  now: { readonly at: string; readonly monotonicMs: number },
): EventItem {
  const { before, after } = neighbours;
  const { at, monotonicMs } = before ?? after ?? now;
  return {
    sequence: range.first,
    at,
    monotonicMs,
    kind: LOST_KIND,
    // What it was is not known: the worst is assumed, except of what the aggregator once had.
    class: range.why === 'released' ? 'low' : 'high',
    data: { why: range.why, from: before?.at ?? null, to: after?.at ?? null },
    throughSequence: range.last,
    count: range.last - range.first + 1,
  };
}

/** How many events an item stands for. */
export function countOf(item: EventItem): number {
  return item.kind === LOST_KIND ? (item.count ?? 1) : 1;
}

/** How many events the `lost` items among these stand for. */
export function lostIn(items: readonly EventItem[]): number {
  return items.reduce((sum, item) => sum + (item.kind === LOST_KIND ? countOf(item) : 0), 0);
}

/** The items without those that may be dropped; each dropped run becomes one `lost` item, joined with those beside it. */
export function shed(
  items: readonly EventItem[],
  mayDrop: (item: EventItem) => boolean,
  why: LostReason,
): readonly EventItem[] {
  const kept: EventItem[] = [];
  for (const item of items) {
    const isDropped = item.kind !== LOST_KIND && mayDrop(item);
    const now = isDropped ? lostOf(item, why) : item;
    const last = kept.at(-1);
    if (last !== undefined && isJoinable(last, now)) kept[kept.length - 1] = join(last, now, why);
    else kept.push(now);
  }
  return kept;
}

/** At most `most` items: the oldest of class low go first, then of medium, high when nothing else is left. */
export function shedTo(items: readonly EventItem[], most: number): readonly EventItem[] {
  let kept = items;
  for (const classes of [['low'], ['low', 'medium'], EVENT_CLASSES]) {
    const mayDrop = (item: EventItem): boolean =>
      item.kind !== LOST_KIND && classes.includes(item.class);
    while (kept.length > most && kept.some(mayDrop)) {
      // One that stands alone makes nothing shorter: its `lost` item takes its place.
      let excess = kept.length - most;
      kept = shed(kept, (item) => mayDrop(item) && excess-- > 0, 'disk-full');
    }
  }
  return kept;
}

/** The items that a later one of the same subject makes old. */
export function repeated(items: readonly EventItem[]): ReadonlySet<EventItem> {
  const newest = new Map<string, EventItem>();
  const old = new Set<EventItem>();
  for (const item of items) {
    const { ruleId, subject, path, reference } = item.data;
    const key = JSON.stringify([item.kind, ruleId, subject, path, reference]);
    const earlier = newest.get(key);
    if (earlier !== undefined) old.add(earlier);
    newest.set(key, item);
  }
  return old;
}

function lostOf(item: EventItem, why: LostReason): EventItem {
  const { sequence, at, monotonicMs } = item;
  return {
    sequence,
    at,
    monotonicMs,
    kind: LOST_KIND,
    class: item.class,
    data: { why, from: at, to: at },
    throughSequence: sequence,
    count: 1,
  };
}

function isJoinable(a: EventItem, b: EventItem): boolean {
  return a.kind === LOST_KIND && b.kind === LOST_KIND && nextAfter(a) === b.sequence;
}

function join(a: EventItem, b: EventItem, why: LostReason): EventItem {
  return {
    ...a,
    class: worse(a.class, b.class),
    data: {
      why: a.data['why'] === b.data['why'] ? (a.data['why'] ?? why) : why,
      from: a.data['from'] ?? a.at,
      to: b.data['to'] ?? b.at,
    },
    throughSequence: b.throughSequence ?? b.sequence,
    count: countOf(a) + countOf(b),
  };
}

function worse(a: EventClass, b: EventClass): EventClass {
  return EVENT_CLASSES.indexOf(a) <= EVENT_CLASSES.indexOf(b) ? a : b;
}
