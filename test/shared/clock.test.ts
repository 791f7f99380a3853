import t from 'tap';
import { rfc3339, systemClock } from '../../shared/clock.ts';

t.equal(rfc3339(0), '1970-01-01T00:00:00.000Z');
for (const ms of [
  -1, 1e12, 951_782_399_999, 253_402_300_799_999, 253_402_300_800_000, -62_167_219_200_000,
  -62_167_219_200_001, 8.64e15, 123.9,
]) {
  t.equal(rfc3339(ms), new Date(ms).toISOString(), `as Date, ${ms}`);
}
for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1]) {
  t.throws(() => rfc3339(ms), RangeError, `${ms}`);
}
t.equal(
  rfc3339(Date.UTC(2026, 10, 21, 4, 5, 6, 7)),
  '2026-11-21T04:05:06.007Z',
  'UTC, milliseconds',
);
t.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1000, 'the wall clock is the wall’s');
const first = systemClock.monotonicMs();
t.ok(systemClock.monotonicMs() >= first, 'the other one never goes back');
