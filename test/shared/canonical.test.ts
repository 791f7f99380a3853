import t from 'tap';
import { canonicalJson, type Json, sha256 } from '../../shared/canonical.ts';

const cases: readonly (readonly [string, Json, string])[] = [
  [
    'sorts members by UTF-16 code units',
    { b: 1, a: 2, A: 3, '€': 4, '\u{1f600}': 5, '\ufb33': 6 },
    '{"A":3,"a":2,"b":1,"€":4,"\u{1f600}":5,"\ufb33":6}',
  ],
  ['keeps the order of lists', [3, 1, 2], '[3,1,2]'],
  ['leaves out what is undefined', { a: undefined, b: null }, '{"b":null}'],
  [
    'writes numbers as ECMAScript does',
    [1e30, 4.5, 2e-3, 1e-27, -0, 1 / 3],
    '[1e+30,4.5,0.002,1e-27,0,0.3333333333333333]',
  ],
  ['escapes what must be', '\u20ac$\u000f\nA\'B"\\', '"€$\\u000f\\nA\'B\\"\\\\"'],
  ['goes into every depth', [{ z: { y: [{ x: 1, w: 2 }] } }], '[{"z":{"y":[{"w":2,"x":1}]}}]'],
  ['keeps a member named __proto__', JSON.parse('{"__proto__":1,"a":2}'), '{"__proto__":1,"a":2}'],
  ['sorts names that are numbers as text', { b: 1, 9: 1, 10: 2 }, '{"10":2,"9":1,"b":1}'],
  [
    'and so within others',
    [{ a: { 10: { d: 1, c: 2 }, 9: [] } }],
    '[{"a":{"10":{"c":2,"d":1},"9":[]}}]',
  ],
  ['writes nothing as itself', [null, true, false, '', [], {}], '[null,true,false,"",[],{}]'],
];

for (const [name, value, text] of cases) {
  t.test(`canonical JSON ${name}`, async (t) => {
    t.equal(canonicalJson(value), text);
    t.equal(canonicalJson(JSON.parse(text)), text, 'of itself is itself');
  });
}

t.test('canonical JSON has no number that is none', async (t) => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => canonicalJson({ value }), TypeError);
  }
});

t.equal(sha256(''), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
t.equal(
  sha256(Buffer.from('abc')),
  'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  'FIPS 180-4',
);
