import t from 'tap';
import type { Json } from '../../../shared/canonical.ts';
import { AgentClient } from '../../support/agent-client.ts';
import { runCli } from '../fake-io.ts';
import { FINDINGS, runFleet } from '../fleet.ts';

const INVENTORY = [{ name: 'gpu-7', pool: 'gpu' }];

t.test('status tells coverage, rules, drift and images, and is a gate', async (t) => {
  await using fleet = await runFleet(t.testdir({}), undefined, undefined, INVENTORY);
  const { exit, stdout, stderr } = await runCli(['status', ...fleet.flags], { nowMs: Date.now() });
  t.equal(exit, 0, 'the numbers themselves do not fail');
  t.equal(stderr, '');
  t.equal(
    stdout.replace(/\d+s ago/, '0s ago'),
    `Coverage   ! 1/2 nodes reporting   ✗ 1 not (gpu-7: never seen)
Rules      ✗ 1 failed on 1 node (node-1)   ✓ 1 passed   ? 1 could not be decided
Drift      ✗ 1 node with files that differ (node-1)
Images     ✗ 1 rejected   ✓ 1 accepted
Pipeline   ✓ last heard from a node 0s ago
`,
  );
  const gates: readonly (readonly [string, number])[] = [
    ['50%', 0],
    ['50', 0],
    ['50.1%', 3],
    ['100%', 3],
  ];
  for (const [required, expected] of gates) {
    const gate = await runCli(['status', '--require-coverage', required, ...fleet.flags]);
    t.equal(gate.exit, expected, `--require-coverage ${required}`);
  }
  const pool = await runCli(['status', '-l', 'pool=gpu', '-o', 'json', ...fleet.flags]);
  t.match(JSON.parse(pool.stdout), {
    kind: 'FleetStatus',
    coverage: { expected: 1, reporting: 0 },
    failingNodes: [],
  });
  const gpu = await runCli(['status', '-l', 'pool=gpu', ...fleet.flags]);
  t.match(gpu.stdout, /Rules {6}\? no result yet\nDrift {6}\? no data\n/, 'no data is not green');
  const none = await runCli([
    'status',
    '-l',
    'pool=none',
    '--require-coverage',
    '1',
    ...fleet.flags,
  ]);
  t.equal(none.exit, 3, 'of no node nothing is known');
  t.match(none.stdout, /Coverage {3}\? no node is known/);
});

t.test('a retired node counts for nothing, however it is selected', async (t) => {
  await using fleet = await runFleet(t.testdir({}), undefined, undefined, INVENTORY);
  const { running } = fleet;
  const { body } = await running.post('/v1/tokens', { kind: 'agent', name: 'old-1' });
  const old = await AgentClient.connect(running.url, (body as { token: string }).token);
  // The same as the node that is there says.
  const failing = { ...FINDINGS[0] } as Record<string, Json>;
  old.send(old.full('checks', new Map([['selinux.enforcing', failing]])));
  await old.next('stateApplied');
  t.equal((await running.post('/v1/nodes/old-1/retire')).status, 200);
  await old.closed;
  const run = (line: string, ...more: readonly string[]) =>
    runCli([...line.split(' '), ...more, ...fleet.flags], { nowMs: Date.now() });
  const json = async (line: string, ...more: readonly string[]): Promise<unknown> =>
    JSON.parse((await run(`${line} -o json`, ...more)).stdout);

  t.match(await json('status'), {
    coverage: { expected: 2, reporting: 1 },
    results: { fail: 1, pass: 1 },
    failingNodes: ['node-1'],
  });
  const both = ['-l', 'name in (gpu-7,old-1)'];
  const none = { expected: 1, reporting: 0, missing: [{ node: 'gpu-7' }] };
  for (const line of ['get findings', 'get nodes', 'get events', 'get drift', 'status']) {
    t.match(await json(line, ...both), { coverage: none }, line);
    if (line === 'status') continue;
    const gate = await run(`${line} --require-coverage 1`, ...both);
    t.equal(gate.exit, 3, `${line}: of no node that should report anything is known`);
  }
  t.equal((await run('export csv --require-coverage 1 -l', 'name in (gpu-7,node-1)')).exit, 0);
  const then = await json('get findings --as-of 24h', ...both);
  t.match(then, { coverage: { expected: 0, reporting: 0 } }, 'there was no node then');
  t.equal((await run('get findings --as-of 24h --require-coverage 1', ...both)).exit, 3);
});

t.test('describe shows a node with what one would ask next', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const { exit, stdout } = await runCli(['describe', 'node', 'node-1', ...fleet.flags]);
  t.equal(exit, 0);
  for (const line of [
    /^Name: {9}node-1 \(uid [0-9a-f-]{36}\)$/m,
    /^State: {8}online \(reports\), last seen \d+[smhd] ago$/m,
    /^Connection: {3}connected since \d+[smhd], \d events unsent, 0 lost, clock skew -?\d+\.\ds$/m,
    /^os: {11}id=rhcos version=4.18$/m,
    /^Rules: {8}1 failed, 1 unknown, 1 passed of 3$/m,
    /^✗ FAIL {5}critical {2}selinux.enforcing {2}message of selinux.enforcing$/m,
    /^quay.io\/team\/old:v1 {2}rejected {2}no-signature {2}none/m,
    /rule\.changed/,
  ]) {
    t.match(stdout, line);
  }
  t.notMatch(stdout, 'team/app', 'an accepted image is not worth a line');
  const json = await runCli(['describe', 'node/node-1', '-o', 'json', ...fleet.flags]);
  t.match(JSON.parse(json.stdout), { kind: 'Node', node: { name: 'node-1' }, images: [{}, {}] });
  const unknown = await runCli(['describe', 'node', 'a/../b?c#d', ...fleet.flags]);
  t.equal(unknown.exit, 5);
  t.match(unknown.stderr, /error: not found\n {2}why: node "a\/..\/b\?c#d": not known/);
});

t.test('rescan waits for the answer of a node', async (t) => {
  await using fleet = await runFleet(t.testdir({}), undefined, undefined, INVENTORY);
  const running = runCli(['rescan', 'node-1', ...fleet.flags]);
  const command = await fleet.agent.next('command');
  t.equal(command.verb, 'rescan');
  fleet.agent.send({
    type: 'result',
    id: command.id,
    part: 1,
    of: 1,
    ok: true,
    data: { checks: 7 },
  });
  t.same(await running, { exit: 0, stdout: '✓ DONE  node-1\n', stderr: '' });
  const absent = await runCli(['rescan', 'node/gpu-7', '-o', 'json', ...fleet.flags]);
  t.equal(absent.exit, 6, 'a node that does not answer makes it partial');
  t.match(JSON.parse(absent.stdout).items, [
    { node: 'gpu-7', answered: false, reason: 'notConnected' },
  ]);
  t.equal((await runCli(['rescan', 'nowhere', ...fleet.flags])).exit, 5);
  const both = await runCli(['rescan', 'gpu-7', 'nowhere', ...fleet.flags]);
  t.match(both, { exit: 5, stderr: /node "nowhere": not known/ });
});
