import t from 'tap';
import { toImageItem } from '../../aggregator/section-items.ts';
import type { Json } from '../../shared/canonical.ts';
import { image } from '../cli/fleet.ts';

const { policy: _, ...ofOldAgent } = image('quay.io/team/app:v1');
// An image is plain data.
const json = (item: object): Json => ({ ...item }) as unknown as Json;

const cases: readonly (readonly [name: string, item: Json, expected: object])[] = [
  [
    'one judged by the policy of a namespace',
    json(image('x', { policy: '/etc/crio/policies/a.json', namespace: 'a' })),
    { policy: '/etc/crio/policies/a.json', namespace: 'a', verdict: 'accepted' },
  ],
  ['one of an agent that names no policy', json(ofOldAgent), { policy: '', verdict: 'accepted' }],
  [
    'one whose namespace is no text',
    json({ ...image('x'), namespace: 1 }),
    { verdict: 'unknown', reason: 'malformed-report', message: /namespace/ },
  ],
  [
    'one whose policy is no text',
    json({ ...image('x'), policy: null }),
    { verdict: 'unknown', reason: 'malformed-report', message: /policy/ },
  ],
];
for (const [name, item, expected] of cases) {
  t.test(`an image that a node reports is shown: ${name}`, async (t) => {
    t.match(toImageItem('node-1', 'key', item), { node: 'node-1', ...expected });
  });
}
