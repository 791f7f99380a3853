import { performance } from 'node:perf_hooks';

/** The two times a program needs: what the wall shows and what never jumps. */
export interface Clock {
  /** Wall time in milliseconds since 1970 (UTC); may jump. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** RFC 3339 in UTC with milliseconds, as every time in JSON. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
