import type { EventItem } from '../../shared/protocol.ts';
import { nextAfter } from './record.ts';
import { countOf, LOST_KIND, lostBetween } from './shed.ts';

export interface Range {
  readonly from: number;
  /** Everything before this number was given out; undefined when the items are not the last. */
  readonly end: number | undefined;
  /** A hole up to here was delivered once and then let go of. */
  readonly acknowledged: number;
}

/** The items of a range with each hole filled by a `lost` item, so that every number is spoken for. */
export function fillGaps(
  items: readonly EventItem[],
  range: Range,
  now: { readonly at: string; readonly monotonicMs: number },
): readonly EventItem[] {
  const filled: EventItem[] = [];
  let expected = range.from;
  const fillTo = (end: number, after?: EventItem): void => {
    const released = Math.min(end, range.acknowledged + 1);
    for (const [why, stop] of [['released', released] as const, ['damaged', end] as const]) {
      if (stop <= expected) continue;
      const hole = { first: expected, last: stop - 1, why };
      filled.push(lostBetween(hole, { before: filled.at(-1), after }, now));
      expected = stop;
    }
  };
  for (const item of items) {
    if (nextAfter(item) <= expected) continue;
    fillTo(item.sequence, item);
    filled.push(item.sequence < expected ? trim(item, expected) : item);
    expected = nextAfter(item);
  }
  if (range.end !== undefined) fillTo(range.end);
  return filled;
}

/** The rest of a `lost` item whose beginning was already delivered. */
function trim(item: EventItem, from: number): EventItem {
  if (item.kind !== LOST_KIND) return item;
  const rest = nextAfter(item) - from;
  return { ...item, sequence: from, count: Math.min(countOf(item), rest) };
}
