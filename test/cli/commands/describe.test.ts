import t from 'tap';
import { heartbeatFrame } from '../../support/agent-client.ts';
import { HOSTILE } from '../fake-io.ts';
import { finding, HOSTILE_NAME } from '../fleet.ts';
import { APP, ORDINARY, runTrustNodes } from '../trust-nodes.ts';

t.test('describe answers what one would ask next', async (t) => {
  await using fleet = await runTrustNodes(t.testdir({}));

  await t.test('of a node that fails', async (t) => {
    const { exit, stdout } = await fleet.run('describe node worker-3');
    t.equal(exit, 0);
    for (const line of [
      /^Connection: {3}connected since \d+s, /m,
      /^Data: {9}trust the same for \d+d, checks the same for /m,
      /^✗ FAIL {2}critical {2}selinux.enforcing {2}message of selinux.enforcing \(for 3d\)$/m,
      /^Exceptions:\nfips.kernel-enabled: alice until 2027-03-31 \(old CPU\), on worker-3$/m,
      /^Next: {9}nodeseal describe finding worker-3\/selinux.enforcing$/m,
    ]) {
      t.match(stdout, line);
    }
    t.notMatch(stdout, /Last words|Missing/);
  });

  await t.test('of nodes that are silent, with their last words', async (t) => {
    await fleet.send(
      'worker-2',
      'agent',
      new Map([
        [
          'condition SpoolDegraded',
          { why: 'disk full', since: new Date(Date.now() - 7_200_000).toISOString() },
        ],
      ]),
    );
    const agent = fleet.agent('worker-2');
    const unsent = { records: 7, oldestSeconds: 9 };
    agent.send(heartbeatFrame({ unsent, conditions: ['SpoolDegraded'] }));
    await agent.next('ack');
    await agent.close();
    const detail = async () =>
      JSON.parse((await fleet.run('describe node worker-2 -o json')).stdout);
    let found = await detail();
    while (found.session.connected) found = await detail();
    t.match(found.session.lastWords, { unsentRecords: 7, conditions: ['SpoolDegraded'] });
    const { stdout } = await fleet.run('describe node worker-2');
    t.match(
      stdout,
      /^Last words: {3}20\S+ \(\d+s ago\), in a session since 20\S+; 7 events unsent, more may have come since; 0 lost; clock skew 0\.\ds; SpoolDegraded$/m,
    );
    t.match(stdout, /^Condition: {4}SpoolDegraded for 2h: disk full$/m);
    const never = await fleet.run('describe node gpu-7');
    t.match(
      never.stdout,
      /^Missing: {6}never seen\nLast words: {3}not known: no session with it since this aggregator started/m,
    );
    t.match(never.stdout, /^Data: {9}nothing was reported yet/m);
    t.match(never.stdout, /^Next: {9}nodeseal node list/m);
  });

  await t.test('of a rule and a finding', async (t) => {
    const check = await fleet.run('describe check selinux.enforcing');
    t.match(
      check.stdout,
      /^Rule: {9}selinux.enforcing\nAsks: .*\nSeverity: {5}critical\nWhy: {10}In permissive mode/,
    );
    t.match(check.stdout, /^Nodes: {8}3 pass, 1 fail\n/m);
    t.match(
      check.stdout,
      /^Does not pass:\n✗ FAIL {2}critical {2}selinux.enforcing {2}message of selinux.enforcing \[worker-3, for 3d\]$/m,
    );
    t.match(check.stdout, /^Seen on worker-3:\n {2}mode: permissive, expected enforcing$/m);
    t.match(check.stdout, /^Next: {9}nodeseal describe node worker-3$/m);
    t.match(
      (await fleet.run('describe check fips')).stdout,
      /^RULE .*\nfips.kernel-enabled +pass /,
    );
    const excepted = await fleet.run('describe finding fips.kernel-enabled');
    t.match(excepted.stdout, /^Exceptions:\nfips.kernel-enabled: alice until/m);
    const one = await fleet.run('describe finding/worker-3/selinux.enforcing -o json');
    t.match(JSON.parse(one.stdout), {
      kind: 'FindingList',
      items: [{ node: 'worker-3', result: 'fail', since: /^20/ }],
      coverage: { expected: 1, reporting: 1 },
    });
    const json = await fleet.run('describe check selinux.enforcing -o json');
    t.match(JSON.parse(json.stdout), { kind: 'Check', findings: [{ since: /^20/ }, {}, {}, {}] });
  });

  await t.test('of an image', async (t) => {
    const { exit, stdout } = await fleet.run(`describe image ${APP}`);
    t.equal(exit, 0);
    t.match(
      stdout,
      /^Image: {8}registry.example.com\/team\/app:v1\nDigest: {7}sha256:[0-9a-f]{64}\nNodes: {8}2 accepted, 1 unenforced, 1 rejected\n/,
    );
    t.match(stdout, /^✗ REJECTED .*\n {2}on +worker-4/m);
    t.match(stdout, new RegExp(`^Next: {9}nodeseal trust explain ${APP}$`, 'm'));
    const json = JSON.parse((await fleet.run(`describe image/${APP} -o json`)).stdout);
    t.match(json, { kind: 'ImageVerdictList', items: [{}, {}, {}, {}], coverage: { expected: 6 } });
  });

  await t.test('with names that a terminal would act upon', async (t) => {
    const hostile = finding('selinux.enforcing', {
      result: 'fail',
      subject: HOSTILE_NAME,
      message: HOSTILE_NAME,
      observed: { [HOSTILE_NAME]: HOSTILE_NAME },
    });
    await fleet.report('worker-4', { files: ORDINARY, findings: [hostile] });
    for (const line of [
      'describe node worker-4',
      'describe finding worker-4/selinux.enforcing',
      'diff worker-1 worker-4',
    ]) {
      const { stdout } = await fleet.run(line);
      t.notMatch(stdout, HOSTILE, line);
      t.match(stdout, 'evil', line);
    }
  });

  await t.test('what was typed wrong, and what is not there', async (t) => {
    const cases: readonly (readonly [line: string, exit: number, says: RegExp])[] = [
      ['describe', 2, /missing required argument/],
      ['describe node', 2, /no node is named/],
      ['describe node/', 2, /no node is named/],
      ['describe image', 2, /no image is named/],
      ['describe drift x', 2, /not drift[\s\S]*nodeseal get drift/],
      ['describe policy x', 2, /nodeseal trust show --all-nodes/],
      ['describe nodse worker-1', 2, /did you mean 'nodes'/],
      ['describe node/a node/b', 2, /one thing/],
      ['describe node nowhere', 5, /nowhere/],
      ['describe image quay.io/no/such:v1', 5, /no image is called quay.io\/no\/such:v1/],
      ['describe image UPPER', 5, /no image is called UPPER/],
      ['describe finding no.such', 5, /no.such/],
      ['describe finding nowhere/selinux.enforcing', 5, /nowhere/],
      ['describe finding worker-1/no.such', 5, /no finding is called worker-1\/no.such/],
      ['describe check no.such', 5, /no.such/],
      ['describe check nosuch', 5, /no check is called nosuch/],
      ['describe node worker-1 -o csv', 2, /csv/],
    ];
    for (const [line, exit, says] of cases) {
      t.match(await fleet.run(line), { exit, stderr: says }, line);
    }
  });
});
