import type { ContentIdentity } from './host.ts';

/** A change so short after another may look like it: the kernel's clock ticks in steps of milliseconds. */
const SETTLED_MS = 2_000;

/** False for what changed so lately that a later look could not tell the next change. */
export function isSettled({ changedMs }: ContentIdentity, nowMs: number): boolean {
  return changedMs < nowMs - SETTLED_MS;
}
