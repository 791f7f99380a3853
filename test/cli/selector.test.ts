import t from 'tap';
import { fieldOf, parseSelector, selects, sortedBy } from '../../cli/selector.ts';

const item = { name: 'worker-1', pool: 'worker', results: { fail: 2 }, lastSeen: null };
const cases: readonly (readonly [string, boolean])[] = [
  ['', true],
  ['pool=worker', true],
  ['pool==worker', true],
  ['pool!=worker', false],
  ['pool=worker,name=other', false],
  ['pool in (infra, worker)', true],
  ['pool notin (infra,worker)', false],
  ['pool in (infra),name=worker-1', false],
  ['results.fail=2', true],
  ['results.fail!=0', true],
  ['missing', false],
  ['!missing', true],
  ['lastSeen=', true],
  ['constructor', false],
  ['name=a=b', false],
];
for (const [selector, expected] of cases) {
  const conditions = parseSelector(selector, '--selector');
  t.equal(selects(conditions, item), expected, `'${selector}' selects the item: ${expected}`);
}

for (const text of ['=x', 'a in b', 'a in (b', 'a b', 'a>b', 'in (a)', '!']) {
  t.throws(
    () => parseSelector(text, '--selector'),
    { code: 'ERR_CLI_USAGE' },
    `'${text}' is refused`,
  );
}

t.equal(fieldOf({ a: [1] }, 'a.length'), undefined, 'only members of objects are fields');
const rows = [{ n: 10 }, { n: 9 }, {}, { n: null }, { n: 'x' }];
t.same(
  sortedBy(rows, 'n').map(({ n }) => n),
  [9, 10, 'x', undefined, null],
  'numbers as numbers, what is missing last',
);
t.same(
  sortedBy([{ a: { b: 1 } }, { a: { b: 2 } }], '-.a.b').map(({ a }) => a.b),
  [2, 1],
  'a dash turns the order round',
);

t.test('a hostile selector costs no time', async (t) => {
  const long = 'a'.repeat(100_000);
  const startMs = performance.now();
  for (const text of [
    `${long}=`,
    `${long} in (`,
    `${'a,'.repeat(20_000)}`,
    `${'('.repeat(20_000)}`,
  ]) {
    try {
      parseSelector(text, '--selector');
    } catch {
      // Refused or not, it has to end.
    }
  }
  const tookMs = performance.now() - startMs;
  t.ok(tookMs < 5000, `${Math.round(tookMs)} ms`);
});
