import t from 'tap';
import { readPercent } from '../../cli/coverage.ts';
import { ago, readDuration } from '../../cli/duration.ts';

const durations: readonly (readonly [string, number])[] = [
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
];
for (const [text, ms] of durations) t.equal(readDuration(text, '--timeout'), ms, text);
for (const text of ['', '0s', '30', 's', '-1s', '1.5s', '1w', '30d', '1e3s', ' 1s', '1s ']) {
  t.throws(
    () => readDuration(text, '--timeout'),
    { code: 'ERR_CLI_USAGE' },
    `'${text}' is no duration that can be waited for`,
  );
}
t.equal(readDuration('365d', '--ttl', Number.MAX_SAFE_INTEGER), 31_536_000_000, 'not waited for');

const NOW = Date.parse('2026-11-21T12:00:00Z');
const ages: readonly (readonly [string | null, string])[] = [
  ['2026-11-21T11:59:56Z', '4s'],
  ['2026-11-21T11:46:00Z', '14m'],
  ['2026-11-21T09:00:00Z', '3h'],
  ['2026-11-19T13:00:00Z', '47h'],
  ['2026-04-23T12:00:00Z', '212d'],
  ['2026-11-21T12:00:05Z', '0s'],
  [null, '-'],
  ['yesterday', '-'],
];
for (const [time, expected] of ages)
  t.equal(ago(time, NOW), expected, `${time} was ${expected} ago`);

for (const [text, percent] of [
  ['100%', 100],
  ['99.5%', 99.5],
  ['0', 0],
] as const) {
  t.equal(readPercent(text), percent, text);
}
for (const text of ['', '%', '101%', '-1', '1e2', 'all', '100%%']) {
  t.throws(() => readPercent(text), { code: 'ERR_CLI_USAGE' }, `'${text}' is no percentage`);
}
