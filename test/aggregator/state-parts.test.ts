import t from 'tap';
import { StateParts } from '../../aggregator/state-parts.ts';
import type { Json } from '../../shared/canonical.ts';
import type { State } from '../../shared/protocol.ts';
import { state } from '../support/agent-client.ts';

const part = (number: number, of: number, change: Partial<State> = {}): State => ({
  ...state('files', new Map()),
  part: number,
  of,
  upsert: [[`key-${number}`, number]],
  ...change,
});

t.test('a change is whole with its last part', async (t) => {
  const parts = new StateParts();
  t.equal(parts.add(part(1, 3)), undefined);
  t.equal(parts.isEmpty, false);
  t.equal(parts.add(part(1, 2, { section: 'images' })), undefined, 'beside another section');
  t.equal(parts.add(part(2, 3, { remove: ['x'] })), undefined);
  t.match(parts.add(part(2, 2, { section: 'images' })), { section: 'images' });
  t.match(parts.add(part(3, 3, { remove: ['y'] })), {
    upsert: [
      ['key-1', 1],
      ['key-2', 2],
      ['key-3', 3],
    ],
    remove: ['x', 'y'],
  });
  t.equal(parts.isEmpty, true);
});

t.test('a part that does not follow drops the change', async (t) => {
  const cases = [
    ['without a first', [part(2, 3)], 'partMissing'],
    ['after a hole', [part(1, 3), part(3, 3)], 'partMissing'],
    ['twice', [part(1, 3), part(2, 3), part(2, 3)], 'partMissing'],
    ['of another change', [part(1, 3), part(2, 3, { to: 'sha256:1' })], 'partMissing'],
    ['of another base', [part(1, 3), part(2, 3, { base: 'sha256:1' })], 'partMissing'],
    ['of another mode', [part(1, 3), part(2, 3, { mode: 'delta' })], 'partMissing'],
    ['of another number of parts', [part(1, 3), part(2, 4)], 'partMissing'],
    ['beyond the last', [part(1, 3), part(4, 3)], 'badPart'],
    ['of too many', [part(1, 65)], 'badPart'],
  ] as const;
  for (const [name, given, why] of cases) {
    const parts = new StateParts();
    t.same(given.map((each) => parts.add(each)).at(-1), { why }, name);
    t.equal(parts.isEmpty, true, name);
  }
});

t.test('a first part that comes again begins anew', async (t) => {
  const parts = new StateParts();
  parts.add(part(1, 2));
  parts.add(part(1, 2, { to: 'sha256:1' }));
  t.match(parts.add(part(2, 2, { to: 'sha256:1' })), { to: 'sha256:1' });
});

t.test(
  'more than a session may keep in memory is dropped, whatever it is spread over',
  async (t) => {
    const parts = new StateParts();
    const large: readonly (readonly [string, Json])[] = [['k', 'x'.repeat(8_000_000)]];
    const outcomes = [];
    for (let number = 1; number <= 5; number++) {
      outcomes.push(parts.add(part(number, 60, { upsert: large })));
      outcomes.push(parts.add(part(number, 60, { section: 'images', upsert: large })));
    }
    t.same(outcomes.slice(0, 8), Array(8).fill(undefined));
    t.same(outcomes[8], { why: 'tooLarge' });
  },
);
