import t from 'tap';
import { rfc3339, systemClock } from '../../shared/clock.ts';

t.equal(rfc3339(0), '1970-01-01T00:00:00.000Z');
t.equal(
  rfc3339(Date.UTC(2026, 10, 21, 4, 5, 6, 7)),
  '2026-11-21T04:05:06.007Z',
  'UTC, milliseconds',
);
t.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1000, 'the wall clock is the wall’s');
const first = systemClock.monotonicMs();
t.ok(systemClock.monotonicMs() >= first, 'the other one never goes back');
