/** The two times a program needs: what the wall shows and what never jumps. */
export interface Clock {
  /** Wall time in milliseconds since 1970 (UTC); may jump. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => process.uptime() * 1000,
};

/**
 * RFC 3339 in UTC with milliseconds, as every time in JSON. Throws `RangeError` for what is no time. The text is that of
 * `toISOString`, which would bring in the time zones of the world: 1 MiB that stays resident.
 */
export function rfc3339(ms: number): string {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) return date.toISOString();
  const day = `${pad(year, 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
  const time = `${pad(date.getUTCHours(), 2)}:${pad(date.getUTCMinutes(), 2)}:${pad(date.getUTCSeconds(), 2)}`;
  return `${day}T${time}.${pad(date.getUTCMilliseconds(), 3)}Z`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
