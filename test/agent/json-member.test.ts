import t from 'tap';
import { JsonMember } from '../../agent/json-member.ts';

const refuse = (message: string): Error => new TypeError(message);
const root = new JsonMember(
  { a: { list: ['x', { b: true }], none: null, number: 1 }, ['__proto__']: 'own' },
  refuse,
);

t.test('a member is found by its names, and null is absent', async (t) => {
  t.equal(root.at('a', 'number').number(), 1);
  t.equal(root.at('a', 'list').list()[1]?.at('b').boolean(), true);
  t.equal(root.at('a', 'none').text(), undefined);
  t.equal(root.at('a', 'none', 'deeper', 'still').text(), undefined);
  t.equal(root.at('toString').value, undefined, 'what every object has is no member');
  t.strictSame(root.at('b').list(), []);
  t.strictSame([...root.at('b').entries()], []);
  t.strictSame([...root.at('a').entries().keys()], ['list', 'none', 'number']);
});

const WRONG: readonly (readonly [look: () => unknown, message: string])[] = [
  [() => root.text(), 'the document: expected text, found object'],
  [() => root.list(), 'the document: expected a list'],
  [() => root.at('a', 'number', 'x'), 'a.number: expected an object'],
  [() => root.at('a', 'list', 'x'), 'a.list: expected an object'],
  [() => root.at('a', 'list').texts(), 'a.list[1]: expected text, found object'],
  [
    () => root.at('a', 'list').list()[1]?.at('b').text(),
    'a.list[1].b: expected text, found boolean',
  ],
  [() => root.at('a', 'number').boolean(), 'a.number: expected a boolean, found number'],
  [() => root.at('a', 'list').number(), 'a.list: expected a number, found object'],
  [() => root.at('a', 'number').entries(), 'a.number: expected an object'],
  [() => new JsonMember([null], refuse).texts(), '[0]: expected text, found null'],
];

for (const [look, message] of WRONG) {
  t.test(`what is wrong is told by its place: ${message}`, async (t) => {
    t.throws(look, new TypeError(message));
  });
}
