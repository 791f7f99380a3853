import t from 'tap';
import { withSince } from '../../aggregator/api/failing-since.ts';
import type { EventRecord, FindingItem } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { finding } from '../cli/fleet.ts';

type Change = readonly [at: string, was: Json, now: Json, subject?: string];

const item = (result: FindingItem['result'], subject?: string): FindingItem => ({
  ...finding('a.b', { result, ...(subject === undefined ? {} : { subject }) }),
  node: 'n',
});

/** Changes of a finding, newest first, and since when it has its result. */
const cases: readonly (readonly [string, FindingItem, readonly Change[], string | undefined])[] = [
  ['since it began', item('fail'), [['3', 'pass', 'fail']], '3'],
  ['since the first report', item('fail'), [['3', null, 'fail']], '3'],
  [
    'with another reason since',
    item('fail'),
    [
      ['5', 'fail', 'fail'],
      ['3', 'pass', 'fail'],
    ],
    '3',
  ],
  [
    'since it began again',
    item('fail'),
    [
      ['5', 'pass', 'fail'],
      ['4', 'fail', 'pass'],
      ['3', 'pass', 'fail'],
    ],
    '5',
  ],
  ['before its events reach back', item('fail'), [['5', 'fail', 'fail']], undefined],
  ['without any event', item('fail'), [], undefined],
  [
    'while the newest event says otherwise',
    item('fail'),
    [
      ['5', 'fail', 'pass'],
      ['3', 'pass', 'fail'],
    ],
    undefined,
  ],
  [
    'of another subject',
    item('fail', '/x'),
    [
      ['5', 'pass', 'fail', '/y'],
      ['3', 'pass', 'fail', '/x'],
    ],
    '3',
  ],
  ['of what cannot be decided', item('unknown'), [['3', 'pass', 'unknown']], '3'],
  ['of what passes', item('pass'), [['3', 'fail', 'pass']], undefined],
  [
    'with rubbish among the events',
    item('fail'),
    [
      ['5', 7, [1]],
      ['3', 'pass', 'fail'],
    ],
    undefined,
  ],
];

t.test('since when a finding has its result', async (t) => {
  for (const [name, asked, changes, expected] of cases) {
    const rows = changes.map(([at, was, now, subject]): EventRecord => {
      const data = { ruleId: 'a.b', was, now, ...(subject === undefined ? {} : { subject }) };
      const record = { node: 'n', epoch: 'e', sequence: 1, receivedAt: at, class: 'high' } as const;
      return { ...record, at, kind: 'finding.changed', data };
    });
    const [found] = await withSince({ events: async () => ({ rows }) }, [asked]);
    t.equal(found?.since, expected, name);
  }
});
