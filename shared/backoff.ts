/** Spread of an agent that no aggregator has told one yet, seconds. */
export const DEFAULT_SPREAD_SECONDS = 5;
/** Longest spread an agent follows, seconds. */
export const MAX_SPREAD_SECONDS = 600;

export interface Reconnect {
  /** How many attempts failed since the last connection; 0 right after one was lost. */
  readonly failures: number;
  /** What the aggregator announced last (`welcome`, `drain`). */
  readonly spreadSeconds: number;
  /** From HTTP `Retry-After` or an `error` frame; adds to the delay, never replaces its jitter. */
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * Milliseconds to wait before connecting: at first uniform in [0, spread), then
 * spread/2 + uniform [0, spread). The cap is put on the spread, so that the jitter stays whole: a cap on the sum would
 * bring a whole fleet back in the same moment.
 */
export function reconnectDelayMs(reconnect: Reconnect, random: () => number): number {
  const spread = clamp(reconnect.spreadSeconds, 0, MAX_SPREAD_SECONDS);
  const retryAfter = clamp(reconnect.retryAfterSeconds ?? 0, 0, MAX_SPREAD_SECONDS);
  const atLeast = reconnect.failures === 0 ? 0 : spread / 2;
  return Math.round(1000 * (retryAfter + atLeast + random() * spread));
}

function clamp(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(value, least), most) : most;
}
