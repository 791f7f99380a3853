import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fake-io.ts';
import { FINDINGS, IMAGES, runFleet } from '../fleet.ts';

/** What a command ends with over one node that reports, one that never did, and one that nobody knows. */
const CASES: readonly (readonly [line: string, exit: number, why: string])[] = [
  ['get nodes', 0, 'coverage is told, not judged'],
  ['get findings', 0, ''],
  ['get findings --fail-on critical', 1, ''],
  ['get findings --require-coverage 50%', 0, 'half of the nodes report'],
  ['get findings --require-coverage 50.01%', 3, ''],
  ['get findings --fail-on critical --require-coverage 100%', 3, 'coverage speaks first'],
  ['get findings -l pool=gpu --require-coverage 1', 3, 'of the selected none reports'],
  ['get findings -l pool=none --require-coverage 1', 3, 'of no node nothing is known'],
  ['get findings --as-of 7d --require-coverage 1', 3, 'there was no node then'],
  ['get findings --since 1h --require-coverage 100%', 3, ''],
  ['get images --fail-on low --field-selector verdict=accepted', 0, ''],
  ['get nodes nobody', 5, ''],
  ['get nodes node-1 nobody --require-coverage 100%', 5, 'a name that is not there'],
  ['get nods', 2, ''],
  ['get nodes --require-coverage 101', 2, ''],
  ['status --require-coverage 100%', 3, ''],
  ['status -l pool=default --require-coverage 100%', 0, 'all of the pool reports'],
  ['verify quay.io/team/app:v1 --all-nodes', 6, 'accepted where it is known'],
  ['verify quay.io/team/app:v1 --all-nodes --require-coverage 100%', 3, ''],
  ['verify quay.io/team/app:v1 --node node-1', 0, ''],
  ['verify quay.io/team/old:v1 --all-nodes', 1, 'a refusal before what is not known'],
  ['verify quay.io/team/old:v1 --all-nodes --require-coverage 100%', 3, ''],
  ['verify quay.io/team/none:v1 --all-nodes', 5, ''],
  ['verify quay.io/team/app:v1 --node nobody', 5, ''],
  ['diff node-1 gpu-7', 6, 'nothing differs of what is known'],
  ['diff node-1 nobody', 5, ''],
  ['diff node-1 --at 7d', 6, 'nothing is known of then'],
  ['trust show --all-nodes --require-coverage 100%', 3, ''],
  ['rescan gpu-7', 6, ''],
  ['rescan nobody', 5, ''],
  ['describe node gpu-7', 0, ''],
  ['describe node nobody', 5, ''],
  ['export csv --require-coverage 100% --fail-on low', 3, ''],
  ['export csv --fail-on critical', 1, ''],
  ['export csv -l name=nobody', 5, ''],
  ['export openreports --as-of 7d --require-coverage 1', 3, ''],
  ['simulate --policy POLICY --require-coverage 1 -l pool=gpu', 3, 'who was asked is none'],
  ['simulate --policy POLICY -l pool=gpu', 6, 'nobody answered'],
  ['simulate --policy POLICY --pool none', 5, ''],
  ['simulate --policy BROKEN --require-coverage 100%', 7, ''],
  ['get findings --require-coverage 100% --token-file BROKEN', 7, 'no token stands there'],
  ['get findings --require-coverage 100% --token-file POLICY --server http://127.0.0.1:1', 7, ''],
  ['get findings --require-coverage 100% --server http://127.0.0.1:1', 4, 'cannot be reached'],
  ['get findings --require-coverage 100% --token-file OTHER', 4, 'not allowed'],
];

t.test('every answer over a part of the fleet ends as it should', async (t) => {
  const folder = t.testdir({ state: {} });
  const file = (name: string): string => join(folder, name);
  writeFileSync(file('policy'), '{"default":[{"type":"insecureAcceptAnything"}]}');
  writeFileSync(file('broken'), '{"default":');
  writeFileSync(file('other'), 'token-of-nobody');
  await using fleet = await runFleet(join(folder, 'state'), FINDINGS, IMAGES, [
    { name: 'gpu-7', pool: 'gpu' },
  ]);
  for (const [line, exit, why] of CASES) {
    // A flag that is given twice is refused.
    const words = line.split(' ').map((word) => {
      const known = ['POLICY', 'BROKEN', 'OTHER'].includes(word);
      return known ? file(word.toLowerCase()) : word;
    });
    const [, server = '', , token = ''] = fleet.flags;
    const flags = [
      ...(line.includes('--server') ? [] : ['--server', server]),
      ...(line.includes('--token-file') ? [] : ['--token-file', token]),
    ];
    const outcome = await runCli([...words, ...flags], { nowMs: Date.now() });
    t.equal(outcome.exit, exit, `${line}: ${why || outcome.stderr.split('\n')[0]}`);
  }
});
