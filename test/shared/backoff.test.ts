import t from 'tap';
import { reconnectDelayMs } from '../../shared/backoff.ts';

const cases: readonly (readonly [
  string,
  Parameters<typeof reconnectDelayMs>[0],
  number,
  number,
])[] = [
  ['at first is anywhere in the spread', { failures: 0, spreadSeconds: 60 }, 0, 60_000],
  ['after a failure is half a spread later', { failures: 1, spreadSeconds: 60 }, 30_000, 90_000],
  ['does not grow with failures', { failures: 50, spreadSeconds: 60 }, 30_000, 90_000],
  ['keeps its whole jitter at the cap', { failures: 3, spreadSeconds: 9000 }, 300_000, 900_000],
  [
    'comes after Retry-After, with all its jitter',
    { failures: 1, spreadSeconds: 60, retryAfterSeconds: 30 },
    60_000,
    120_000,
  ],
  [
    'takes no part of a Retry-After of days',
    { failures: 0, spreadSeconds: 5, retryAfterSeconds: 1e6 },
    600_000,
    605_000,
  ],
  ['is not negative for a negative spread', { failures: 1, spreadSeconds: -5 }, 0, 0],
  [
    'is bounded for a spread that is no number',
    { failures: 0, spreadSeconds: Number.NaN },
    0,
    600_000,
  ],
];

for (const [name, reconnect, least, most] of cases) {
  t.equal(
    reconnectDelayMs(reconnect, () => 0),
    least,
    `the delay ${name}: least`,
  );
  t.equal(
    reconnectDelayMs(reconnect, () => 1),
    most,
    `the delay ${name}: most`,
  );
}

t.test('10,000 agents come back evenly', async (t) => {
  const slots = new Array<number>(67).fill(0);
  for (let agent = 0; agent < 10_000; agent++) {
    const delay = reconnectDelayMs({ failures: 0, spreadSeconds: 67 }, Math.random);
    const slot = Math.min(Math.floor(delay / 1000), 66);
    slots[slot] = (slots[slot] ?? 0) + 1;
  }
  t.ok(Math.max(...slots) < 250, `at most ${Math.max(...slots)} in one second`);
});
