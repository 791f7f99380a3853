import t from 'tap';
import type { Json } from '../../shared/canonical.ts';
import { type ComparedSection, comparablesOf } from '../../shared/comparable.ts';

const cases: readonly (readonly [
  string,
  ComparedSection,
  string,
  Json,
  readonly (readonly [string, Json])[],
])[] = [
  [
    'a result without the words around it',
    'checks',
    'a.b /x',
    { ruleId: 'a.b', result: 'fail', severity: 'high', message: 'pid 7', observed: { pid: 7 } },
    [['a.b /x', { result: 'fail', severity: 'high' }]],
  ],
  [
    'a file by content and owner',
    'files',
    '/a',
    { path: '/a', class: 'managed', sha256: 'x', mode: 420, uid: 0, gid: 0 },
    [['/a', { sha256: 'x', mode: 420, uid: 0, gid: 0 }]],
  ],
  [
    'an image by name, policy and namespace',
    'images',
    'id r',
    {
      reference: 'r',
      imageId: 'id',
      policy: '/p',
      namespace: 'n',
      digest: 'd',
      verdict: 'accepted',
      pods: [1],
    },
    [['r by /p for n', { digest: 'd', verdict: 'accepted' }]],
  ],
  [
    'a nameless image by its id',
    'images',
    'id',
    { reference: '<none>', imageId: 'id', verdict: 'unknown' },
    [['id', { verdict: 'unknown' }]],
  ],
  [
    'facts one by one, without those that are of one machine',
    'host',
    'node',
    { kernel: '5', hostname: 'h', bootId: 'b', machineId: 'm' },
    [['node.kernel', '5']],
  ],
  ['what is malformed as it is', 'checks', 'a.b', 'rubbish', [['a.b', 'rubbish']]],
  ['a list among the facts too', 'host', 'os', [1], [['os', [1]]]],
];

t.test('items are compared by what nodes that are alike have alike', async (t) => {
  for (const [name, section, key, item, expected] of cases) {
    t.same([...comparablesOf(section, [[key, item]])], expected, name);
  }
});
