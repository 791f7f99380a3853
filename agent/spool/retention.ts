import type { Segment } from './segment.ts';
import type { Change, Segments } from './segments.ts';
import { LOST_KIND, repeated, shed } from './shed.ts';

export interface SpoolLimits {
  readonly segmentBytes: number;
  /** Of all segments together. */
  readonly totalBytes: number;
  /** Records not delivered for so long are given up. */
  readonly maxAgeMs: number;
  /** Acknowledged segments are kept so long, so that an aggregator restored from a backup refills … */
  readonly keptMs: number;
  /** … but no more of them than this. */
  readonly keptBytes: number;
  /** Records held in memory when the disk takes none. */
  readonly ringRecords: number;
}

const HOUR_MS = 3_600_000;

export const SPOOL_LIMITS: SpoolLimits = {
  segmentBytes: 4_194_304,
  totalBytes: 67_108_864,
  maxAgeMs: 14 * 24 * HOUR_MS,
  keptMs: 24 * HOUR_MS,
  keptBytes: 16_777_216,
  ringRecords: 1000,
};

/** Before this no node ran this program: its clock was not yet set, so the age of a record is not known. */
const CLOCK_SET_MS = Date.UTC(2025, 0);

/** Removes acknowledged segments that need not be kept. `heldSince` is when each was seen acknowledged, monotonic. */
export async function releaseSegments(
  segments: Segments,
  acknowledged: number,
  limits: SpoolLimits,
  nowMs: number,
  heldSince: Map<string, number>,
): Promise<void> {
  // The last one is written to.
  const done = segments.list.slice(0, -1).filter(({ next }) => next - 1 <= acknowledged);
  let bytes = done.reduce((sum, segment) => sum + segment.bytes, 0);
  let total = segments.bytes;
  for (const segment of done) {
    const since = heldSince.get(segment.path) ?? nowMs;
    heldSince.set(segment.path, since);
    const isOver = bytes > limits.keptBytes || total > limits.totalBytes;
    if (!isOver && nowMs - since < limits.keptMs) continue;
    await segments.remove([segment]);
    heldSince.delete(segment.path);
    bytes -= segment.bytes;
    total -= segment.bytes;
  }
}

/** Gives up least first: repeats of one subject, then class low, then medium, high when nothing else is left. */
const PASSES: readonly Change[] = [
  (items) => {
    const old = repeated(items.filter((item) => item.kind !== LOST_KIND));
    return shed(items, (item) => old.has(item), 'cap');
  },
  (items) => shed(items, (item) => item.class === 'low', 'cap'),
  (items) => shed(items, (item) => item.class !== 'high', 'cap'),
  (items) => shed(items, () => true, 'cap'),
];

/** Brings the segments below their cap again; how many events were given up for it. */
export async function enforceCap(segments: Segments, limits: SpoolLimits): Promise<number> {
  if (segments.bytes <= limits.totalBytes) return 0;
  // Some room at once, not one record at a time.
  const target = limits.totalBytes * 0.9;
  let lost = 0;
  for (const pass of PASSES) {
    for (const segment of segments.list) {
      if (segments.bytes <= target) return lost;
      lost += await rewrite(segments, segment, pass);
    }
  }
  return lost;
}

/** Gives up what is older than it may be; how many events that were. */
export async function enforceAge(
  segments: Segments,
  limits: SpoolLimits,
  wallMs: number,
): Promise<number> {
  let lost = 0;
  for (const segment of segments.list) {
    const isOld = segment.newestMs < wallMs - limits.maxAgeMs && segment.newestMs > CLOCK_SET_MS;
    if (isOld) lost += await rewrite(segments, segment, (items) => shed(items, () => true, 'age'));
  }
  return lost;
}

async function rewrite(segments: Segments, segment: Segment, change: Change): Promise<number> {
  // An earlier step may have joined it to the one before.
  return segments.list.includes(segment) ? await segments.rewrite(segment, change) : 0;
}
