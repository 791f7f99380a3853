import t from 'tap';
import { AlertGroup } from '../../../aggregator/alerts/group.ts';

const times = { holdMs: 30, resolveMs: 300, groupMs: 300 };
const subject = { family: 'rules', name: 'N', severity: 'high', title: 'T' } as const;
const fresh = { key: 'k', subject, nodes: [], startsAtMs: 0, isTold: false };

/** Steps are `[time, nodes, what is told]`; nodes as letters. */
type Step = readonly [atMs: number, nodes: string, told: string | undefined];
const stories: readonly (readonly [string, readonly Step[]])[] = [
  [
    'one node fails, and is well again',
    [
      [0, 'a', undefined],
      [29, 'a', undefined],
      [30, 'a', 'firing a'],
      [400, 'a', undefined],
      [500, '', undefined],
      [799, '', undefined],
      [800, '', 'resolved '],
      [900, '', undefined],
    ],
  ],
  [
    'many nodes fail one after the other and are one change',
    [
      [0, 'a', undefined],
      [10, 'ab', undefined],
      [29, 'abc', undefined],
      [30, 'abcd', 'firing abcd'],
      [60, 'abcde', undefined],
      [100, 'abcdef', undefined],
      [329, 'abcdef', undefined],
      [330, 'abcdef', 'more abcdef'],
      [700, 'abcdef', undefined],
    ],
  ],
  [
    'a node that flaps faster than the hold-down is nothing',
    [
      [0, 'a', undefined],
      [20, '', undefined],
      [40, 'a', undefined],
      [60, '', undefined],
      [80, 'a', undefined],
      [100, '', undefined],
      [200, '', undefined],
    ],
  ],
  [
    'a node that is well for a moment goes on failing',
    [
      [0, 'a', undefined],
      [30, 'a', 'firing a'],
      [100, '', undefined],
      [350, 'a', undefined],
      [400, '', undefined],
      [690, 'a', undefined],
      [1000, 'a', undefined],
    ],
  ],
  [
    'fewer nodes are no news, the last one is',
    [
      [0, 'ab', undefined],
      [30, 'ab', 'firing ab'],
      [100, 'a', undefined],
      [400, 'a', undefined],
      [500, '', undefined],
      [800, '', 'resolved '],
    ],
  ],
];
for (const [name, steps] of stories) {
  t.test(name, async (t) => {
    const group = new AlertGroup(fresh, 0);
    for (const [atMs, letters, told] of steps) {
      const nodes = new Map([...letters].map((letter) => [letter, { name: letter }]));
      const change = group.update({ nodes }, atMs, times, 1000 + atMs);
      const said = change === undefined ? undefined : `${change} ${group.names.join('')}`;
      t.equal(said, told, `at ${atMs} with ${letters || 'nobody'}`);
    }
  });
}

t.test('what was so before anybody was to be told ends without a word', async (t) => {
  const old = { ...fresh, nodes: [['a', 'a'] as const], startsAtMs: 5 };
  const group = new AlertGroup(old, 0);
  const of = (...names: string[]) => ({ nodes: new Map(names.map((name) => [name, { name }])) });
  t.equal(group.update(of('a'), 0, times, 0), undefined);
  group.update(of(), 100, times, 0);
  t.equal(group.update(of(), 400, times, 0), undefined);
  t.notOk(group.isOn);

  const grown = new AlertGroup(old, 0);
  grown.update(of('a', 'b'), 400, times, 0);
  t.equal(grown.update(of('a', 'b'), 430, times, 0), 'more', 'a node more is news');
  t.same(grown.state(), {
    ...old,
    nodes: [
      ['a', 'a'],
      ['b', 'b'],
    ],
    isTold: true,
  });
});

t.test('a version that is the same is not looked at again', async (t) => {
  const group = new AlertGroup(fresh, 0);
  const nodes = new Map([['a', { name: 'a' }]]);
  group.update({ nodes, version: 1 }, 0, times, 0);
  t.equal(group.update({ nodes, version: 1 }, 30, times, 0), 'firing', 'unless something is due');
  t.equal(group.update({ nodes: new Map(), version: 1 }, 5000, times, 0), undefined);
  group.update({ nodes: new Map(), version: 2 }, 5000, times, 0);
  t.equal(group.update({ nodes: new Map(), version: 2 }, 5300, times, 0), 'resolved');
});
