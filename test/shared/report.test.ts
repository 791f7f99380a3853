import fc from 'fast-check';
import t from 'tap';
import type { Json } from '../../shared/canonical.ts';
import { diffItems, EMPTY_HASH, hashItems, hashRoot, type Items } from '../../shared/report.ts';

const items: fc.Arbitrary<Items> = fc
  .array(fc.tuple(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 })), { maxLength: 6 })
  .map((pairs) => new Map(pairs as [string, Json][])); // fast-check's JSON is ours, by another name

t.test('a section has one hash, whatever the order of its items and members', async (t) => {
  const one = new Map<string, Json>([
    ['a', { x: 1, y: 2 }],
    ['b', null],
  ]);
  const other = new Map<string, Json>([
    ['b', null],
    ['a', { y: 2, x: 1 }],
  ]);
  t.equal(hashItems(one), hashItems(other));
  t.not(
    hashItems(one),
    hashItems(
      new Map([
        ['a', null],
        ['b', null],
      ]),
    ),
  );
  t.not(hashItems(new Map([['ab', 'c']])), hashItems(new Map([['a', 'bc']])));
});

t.test('the root hash speaks for every section, a missing one being empty', async (t) => {
  t.equal(hashRoot({}), hashRoot({ host: EMPTY_HASH, images: EMPTY_HASH }));
  const hash = hashItems(new Map([['a', 1]]));
  t.not(hashRoot({ host: hash }), hashRoot({ images: hash }));
});

t.test('a delta leads from one state to the other, over the wire too', async (t) => {
  fc.assert(
    fc.property(items, items, (before, after) => {
      const delta = diffItems(before, after);
      if (delta === undefined) return hashItems(before) === hashItems(after);
      const sent = JSON.parse(JSON.stringify(delta)) as typeof delta; // as the other side reads it
      const result = new Map(before);
      for (const [key, item] of sent.upsert) result.set(key, item);
      for (const key of sent.remove) result.delete(key);
      return (
        hashItems(before) === sent.base &&
        hashItems(result) === sent.to &&
        sent.to === hashItems(after)
      );
    }),
    { verbose: true },
  );
  t.pass('100 random pairs');
});

t.test('a delta holds what changed and nothing else', async (t) => {
  const before = new Map<string, Json>([
    ['same', { a: 1 }],
    ['other', 1],
    ['gone', 1],
  ]);
  const after = new Map<string, Json>([
    ['same', { a: 1 }],
    ['other', 2],
    ['new', 3],
  ]);
  t.match(diffItems(before, after), {
    upsert: [
      ['other', 2],
      ['new', 3],
    ],
    remove: ['gone'],
  });
  t.equal(diffItems(before, new Map(before)), undefined);
});
