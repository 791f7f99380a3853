import t from 'tap';
import { parseChallenges } from '../../../agent/signatures/challenge.ts';

const cases: readonly (readonly [
  header: string | readonly string[] | undefined,
  challenges: readonly (readonly [string, Readonly<Record<string, string>>])[],
])[] = [
  [undefined, []],
  ['', []],
  ['Basic realm="x"', [['basic', { realm: 'x' }]]],
  ['Basic', [['basic', {}]]],
  [
    'Bearer realm="https://a/token",service="a b",scope="repository:x:pull,push"',
    [['bearer', { realm: 'https://a/token', service: 'a b', scope: 'repository:x:pull,push' }]],
  ],
  ['BEARER Realm = x', [['bearer', { realm: 'x' }]]],
  ['Bearer realm="a\\"b"', [['bearer', { realm: 'a"b' }]]],
  [
    'Negotiate, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  [
    ['Bearer realm="a"', 'Basic realm="b"'],
    [
      ['bearer', { realm: 'a' }],
      ['basic', { realm: 'b' }],
    ],
  ],
  [
    'Bearer realm="a", Basic realm="b"',
    [
      ['bearer', { realm: 'a' }],
      ['basic', { realm: 'b' }],
    ],
  ],
  ['Bearer realm="unfinished', [['bearer', {}]]],
  ['"', []],
  ['\u0000', []],
];
for (const [header, expected] of cases) {
  t.test(`WWW-Authenticate: ${JSON.stringify(header)}`, async (t) => {
    const found = parseChallenges(header).map(({ scheme, parameters }) => [
      scheme,
      Object.fromEntries(parameters),
    ]);
    t.same(found, expected);
  });
}

t.test('a header of great length is read in time proportional to it', async (t) => {
  t.equal(parseChallenges(`Basic ${'a=b,'.repeat(20_000)}`).length, 1);
  t.same(parseChallenges(`${'"'.repeat(100_000)}`), []);
});
