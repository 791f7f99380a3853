import t from 'tap';
import { toFindingItem, toImageItem } from '../../aggregator/section-items.ts';
import { indexItem, meaningOf } from '../../aggregator/store/items.ts';
import type { Json } from '../../shared/canonical.ts';
import { finding, image } from '../cli/fleet.ts';

const override = { oldResult: 'fail', authority: 'alice', remark: 'ticket 7', until: '2027-03-31' };
const excepted = {
  ...finding('selinux.enforcing', { result: 'notapplicable', reason: 'exception' }),
  override,
};
const asJson = (value: object): Json => ({ ...value }) as Json;

t.test('a failure that is excepted comes through whole, and is not counted as one', async (t) => {
  const item = toFindingItem('node-1', 'selinux.enforcing', asJson(excepted));
  t.match(item, { node: 'node-1', result: 'notapplicable', reason: 'exception', override });
  const index = indexItem('checks', 'selinux.enforcing', asJson(excepted));
  t.match(meaningOf('checks', index?.rank ?? -1), { outcome: 'notapplicable' });
});

const bad: readonly (readonly [string, Json])[] = [
  ['is a word', 'alice'],
  ['is nothing', null],
  ['overrides a pass', { ...override, oldResult: 'pass' }],
  ['names nobody', { oldResult: 'fail', remark: 'R', until: '2027-03-31' }],
  ['has no end', { oldResult: 'fail', authority: 'alice', remark: 'R' }],
];
for (const [name, value] of bad) {
  t.test(`an override that ${name} makes the finding an error`, async (t) => {
    const reported = asJson({ ...excepted, override: value });
    const item = toFindingItem('node-1', 'selinux.enforcing', reported);
    t.match(item, { result: 'error', reason: 'malformed-report', message: /override/ });
    t.notOk(item.override);
  });
}

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
  [
    'one whose release is nothing',
    json({ ...image('x'), release: null }),
    { verdict: 'unknown', reason: 'malformed-report', message: /release/ },
  ],
  [
    'one whose release nobody signed',
    json({ ...image('x'), release: { version: '4.18.1', image: 'sha256:1', source: 'node' } }),
    { verdict: 'unknown', reason: 'malformed-report', message: /release\.signedBy/ },
  ],
];
for (const [name, item, expected] of cases) {
  t.test(`an image that a node reports is shown: ${name}`, async (t) => {
    t.match(toImageItem('node-1', 'key', item), { node: 'node-1', ...expected });
  });
}
