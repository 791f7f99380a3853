// One piece: one command with its flags and exit codes.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { treeOf } from '../../support/host-tree.ts';
import { conforms, jsonSchema } from '../../support/schemas.ts';
import { policyOf } from '../../support/selinux-policy.ts';
import { sharedDir } from '../../support/shared.ts';
import { HOSTILE, runCli } from '../fake-io.ts';

const SELINUX = {
  '/sys/fs/selinux/enforce': '1',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/etc/selinux/targeted/policy/policy.33': policyOf(),
};
const ONLY = ['--only', 'selinux.enforcing,selinux.config-enforcing,selinux.policy-type'];

t.test('a node that is as it should be', async (t) => {
  const root = t.testdir(treeOf(SELINUX));
  const { exit, stdout, stderr } = await runCli(['check', '--host-root', root, ...ONLY]);
  t.equal(exit, 0);
  t.equal(stderr, '');
  t.equal(
    stdout,
    `✓ PASS  critical  selinux.enforcing         SELinux is enforcing
✓ PASS  high      selinux.config-enforcing  /etc/selinux/config says SELINUX=enforcing
✓ PASS  medium    selinux.policy-type       the configured policy is targeted
✓ PASS  medium    selinux.policy-type       the next boot loads /etc/selinux/targeted/policy/policy.33
4 passed of 4
Profile: rhel-host, by the kind of node
`,
  );
});

t.test('a node that was switched to permissive', async (t) => {
  const root = t.testdir(treeOf({ ...SELINUX, '/sys/fs/selinux/enforce': '0' }));
  const check = async (...words: string[]) =>
    await runCli(['check', '--host-root', root, ...ONLY, ...words]);
  const table = await check();
  t.equal(table.exit, 1);
  t.match(table.stdout, /^✗ FAIL {2}critical {2}selinux.enforcing {9}SELinux is permissive/);
  t.match(table.stdout, /\n1 failed, 3 passed of 4\nProfile: rhel-host, by the kind of node\n$/);

  const json = JSON.parse((await check('-o', 'json')).stdout);
  t.match(json, {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'CheckResultList',
    profile: 'rhel-host',
    summary: { pass: 3, fail: 1, error: 0, unknown: 0, notapplicable: 0, notchecked: 0 },
  });
  t.notOk('coverage' in json, 'a list of one node has no coverage');
  const [first] = json.items;
  t.match(first, {
    ruleId: 'selinux.enforcing',
    checkId: 'selinux',
    title: String,
    result: 'fail',
    severity: 'critical',
    message: String,
    observed: {},
    remediation: { kind: String, text: String },
    mappings: Array,
    durationMs: Number,
  });
  t.equal((await check('-o', 'name')).stdout.split('\n')[0], 'finding/selinux.enforcing');
  t.match(
    (await check('-o', 'csv')).stdout,
    /^ruleId,result,severity,subject,reason,message\nselinux.enforcing,fail,critical,/,
  );
  t.equal((await check('-o', 'jsonl')).stdout.trimEnd().split('\n').length, 4);
  t.equal((await check('--skip', 'selinux.enforcing')).exit, 0, 'what was skipped does not count');
  t.same(await check('-q'), { exit: 1, stdout: '', stderr: '' }, 'quiet: the exit code alone');
});

t.test('a node for other tools', async (t) => {
  const root = t.testdir(treeOf({ ...SELINUX, '/sys/fs/selinux/enforce': '0' }));
  const check = async (output: string): Promise<string> => {
    const words = ['check', '--host-root', root, ...ONLY, '-o', output];
    const { exit, stdout, stderr } = await runCli(words, { env: { NODE_NAME: 'node-7' } });
    t.strictSame([exit, stderr], [1, ''], output);
    return stdout;
  };
  const sarif = JSON.parse(await check('sarif'));
  await conforms(t, jsonSchema('sarif-schema-2.1.0.json'), sarif);
  t.match(sarif.runs[0], {
    results: [{ kind: 'pass' }, { kind: 'fail', ruleId: 'selinux.enforcing' }, {}, {}],
    invocations: [{ machine: 'node-7' }],
    properties: { coverage: { expected: 1, reporting: 1 } },
  });
  t.match(await check('junit'), '<testsuite name="node-7" tests="4" failures="1"');
  const oscal = JSON.parse(await check('oscal'));
  await conforms(t, jsonSchema('oscal_assessment-results_schema.json'), oscal);
  const uuids = [...JSON.stringify(oscal).matchAll(/"uuid":"([^"]+)"/g)].map(([, uuid]) => uuid);
  t.equal(new Set(uuids).size, uuids.length, 'each thing has its own uuid');
  const [, report] = JSON.parse(await check('openreports')).items;
  t.match(report, { scope: { name: 'node-7' }, summary: { pass: 3, fail: 1 } });
  t.notOk('nodeseal.dev/results' in report.metadata.annotations, 'there is no server to lead to');
});

const thresholds: readonly (readonly [string, number])[] = [
  ['info', 1],
  ['medium', 1],
  ['high', 0],
  ['critical', 0],
];
for (const [failOn, expected] of thresholds) {
  t.test(`--fail-on ${failOn} of a failure that is medium`, async (t) => {
    const config = 'SELINUX=enforcing\nSELINUXTYPE=minimum\n';
    const root = t.testdir(treeOf({ ...SELINUX, '/etc/selinux/config': config }));
    const words = ['check', '--host-root', root, ...ONLY, '--fail-on', failOn];
    t.equal((await runCli(words)).exit, expected);
  });
}

t.test('a profile decides what counts', async (t) => {
  const folder = t.testdir({
    node: treeOf({ ...SELINUX, '/sys/fs/selinux/enforce': '0' }),
    'own.yaml':
      'title: T\ndescription: D\nrules:\n  selinux.enforcing: {role: unscored}\n  selinux.policy-type: {selected: false}\n',
  });
  const words = ['check', '--host-root', join(folder, 'node'), ...ONLY];
  const file = join(folder, 'own.yaml');
  const own = await runCli([...words, '--profile', file]);
  t.equal(own.exit, 0);
  t.match(
    own.stdout,
    /\n- NOT APPLICABLE +critical +selinux.enforcing +informational: SELinux is permissive/,
  );
  t.match(own.stdout, /^\? NOT CHECKED +medium +selinux.policy-type +the profile .* does not ask/);
  t.ok(own.stdout.endsWith(`\nProfile: ${file}\n`));
  const json = JSON.parse((await runCli([...words, '--profile', file, '-o', 'json'])).stdout);
  t.match(json, { profile: file, summary: { fail: 0, notapplicable: 1, notchecked: 1, pass: 1 } });
  t.equal((await runCli([...words, '--profile', 'stig'])).exit, 1);

  const unknown = await runCli([...words, '--profile', 'stigg']);
  t.equal(unknown.exit, 7);
  t.match(unknown.stderr, /why: profile: unknown profile "stigg", did you mean "stig"/);
  writeFileSync(file, 'title: T\ndescription: D\nrules:\n  selinux.enforced: {}\n');
  const misspelt = await runCli([...words, '--profile', file]);
  t.equal(misspelt.exit, 7);
  t.match(misspelt.stderr, /own.yaml:4:\d+: .*did you mean "selinux.enforcing"/);
  t.equal(misspelt.stdout, '');
});

t.test('the profile is chosen by the kind of node', async (t) => {
  const cases: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['nothing', {}, 'rhel-host'],
    ['a kubelet alone', { '/etc/kubernetes/kubelet.conf': '' }, 'rhel-host'],
    [
      'CoreOS without a kubelet',
      { '/etc/os-release': 'ID=rhel\nVARIANT_ID=coreos\n' },
      'rhel-host',
    ],
    [
      'CoreOS with a kubelet, as on a hosted cluster',
      { '/etc/os-release': 'VARIANT_ID=coreos\n', '/etc/kubernetes/kubelet.conf': '' },
      'openshift-default',
    ],
    [
      'a MachineConfig, as on a RHEL worker',
      { '/etc/os-release': 'ID=rhel\n', '/etc/machine-config-daemon/currentconfig': '{}' },
      'openshift-default',
    ],
  ];
  for (const [name, files, expected] of cases) {
    t.test(name, async (t) => {
      const root = t.testdir(treeOf({ ...SELINUX, ...files }));
      const { stdout } = await runCli(['check', '--host-root', root, ...ONLY, '-o', 'json']);
      t.equal(JSON.parse(stdout).profile, expected);
    });
  }
});

t.test('what somebody vouches for does not count, and is not hidden', async (t) => {
  const text = `exceptions:
  - rule: selinux.enforcing
    reason: "installation of a driver \\e[31m"
    owner: alice
    expires: 2026-12-01
`;
  const folder = t.testdir({
    node: treeOf({ ...SELINUX, '/sys/fs/selinux/enforce': '0' }),
    'e.yaml': text,
  });
  const file = join(folder, 'e.yaml');
  const words = ['check', '--host-root', join(folder, 'node'), '--exceptions', file];
  const only = [...words, '--only', 'selinux.enforcing,exceptions'];
  const excepted = await runCli(only);
  t.equal(excepted.exit, 0);
  t.match(
    excepted.stdout,
    /- NOT APPLICABLE +critical +selinux.enforcing +exception of alice until 2026-12-01 \(installation of a driver \\x1b\[31m\): SELinux is permissive/,
  );
  t.match(excepted.stdout, /✓ PASS +medium +exceptions.expired +the exception of alice/);
  t.notMatch(excepted.stdout, HOSTILE);
  const [item] = JSON.parse((await runCli([...only, '-o', 'json'])).stdout).items.filter(
    ({ ruleId }: { ruleId: string }) => ruleId === 'selinux.enforcing',
  );
  t.match(item, {
    result: 'notapplicable',
    reason: 'exception',
    override: { oldResult: 'fail', authority: 'alice', until: '2026-12-01' },
  });
  t.match(
    (await runCli([...only, '-o', 'wide'])).stdout,
    /selinux.enforcing +not applicable .* exception /,
  );

  const late = await runCli(only, { nowMs: Date.parse('2026-12-02T00:00:00Z') });
  t.equal(late.exit, 1);
  t.match(late.stdout, /✗ FAIL +critical +selinux.enforcing/);
  t.match(late.stdout, /✗ FAIL +medium +exceptions.expired/);

  writeFileSync(file, text.replace('    owner: alice\n', ''));
  const broken = await runCli([...words, '--only', 'selinux.enforcing']);
  t.equal(broken.exit, 1, 'a file with a mistake holds for nothing');
  t.match(broken.stderr, /^note: no exception holds: .*e.yaml:2:5: exceptions\[0\]/);
  t.match((await runCli(only)).stdout, /✗ FAIL +high +exceptions.valid +no exception holds/);
});

t.test('what could not be looked at is not clean', async (t) => {
  const root = t.testdir(treeOf({ '/etc/selinux/config/a-folder': '' }));
  const words = ['check', '--host-root', root, '--only', 'selinux.config-enforcing'];
  const { exit, stdout } = await runCli(words);
  t.equal(exit, 6);
  t.match(stdout, /^! ERROR /);
});

t.test('on a terminal what failed is told whole, what passed is cut', async (t) => {
  const root = t.testdir(treeOf({ ...SELINUX, '/sys/fs/selinux/enforce': '0' }));
  const words = ['check', '--host-root', root, ...ONLY];
  const [failed] = JSON.parse((await runCli([...words, '-o', 'json'])).stdout).items;
  for (const columns of [100, 80, 70, 60]) {
    const { stdout, stderr } = await runCli(words, { isTerminal: true, columns });
    t.match(stdout.replaceAll(/\s+/g, ' '), failed.message, `whole at ${columns} columns`);
    t.equal(stderr, 'Next: nodeseal explain selinux.enforcing\n');
    const widest = Math.max(...stdout.split('\n').map((line) => line.length));
    t.ok(widest <= columns, `${widest} of ${columns} columns`);
  }
});

t.test('an escape sequence in a file of the node does not reach the terminal', async (t) => {
  const config = 'SELINUX=\u001b]0;owned\u0007\u009b31m\u202e\nSELINUXTYPE=targeted\n';
  const root = t.testdir(treeOf({ ...SELINUX, '/etc/selinux/config': config }));
  for (const format of ['table', 'wide', 'json', 'yaml', 'jsonl', 'csv', 'name']) {
    const { stdout } = await runCli(['check', '--host-root', root, ...ONLY, '-o', format]);
    t.notMatch(stdout, HOSTILE, format);
  }
});

t.test('a host root that cannot be used', async (t) => {
  const root = t.testdir({ file: '' });
  const none = await runCli(['check', '--host-root', join(root, 'nowhere')]);
  t.equal(none.exit, 5);
  t.match(none.stderr, /^error: cannot use the host root .*nowhere\n {2}why: no such file\n$/);
  const file = await runCli(['verify', '--host-root', join(root, 'file')]);
  t.equal(file.exit, 7);
  t.match(file.stderr, 'it is no folder');
});

t.test('a baseline is captured once, shown with what differs, accepted anew', async (t) => {
  const node = treeOf({ ...SELINUX, '/etc/containers/policy.json': '{}' });
  const folder = t.testdir({ node });
  const [root, state] = [join(folder, 'node'), join(folder, 'state')];
  const baseline = async (verb: string, ...words: string[]) =>
    await runCli(['baseline', verb, '--host-root', root, '--state-dir', state, ...words]);
  t.equal((await baseline('show')).exit, 5, 'there is none yet');
  const captured = await baseline('capture', '--by', 'alice\u001b[31m');
  t.equal(captured.exit, 0, captured.stderr);
  t.match(captured.stdout, 'Accepted:  2026-11-21T12:00:00.000Z by alice\\x1b[31m\n');
  t.equal((await baseline('capture')).exit, 2, 'a second capture is refused');
  t.equal((await baseline('show')).exit, 0, 'nothing differs yet');

  writeFileSync(join(root, 'etc/containers/policy.json'), '{"default":[]}');
  const shown = await baseline('show', '-o', 'json');
  t.equal(shown.exit, 1);
  t.match(JSON.parse(shown.stdout).differences, [
    { what: 'file', name: '/etc/containers/policy.json', change: 'changed' },
  ]);
  t.match((await baseline('show')).stdout, '~ file /etc/containers/policy.json: changed\n');
  t.equal((await baseline('accept')).exit, 0);
  t.equal((await baseline('show')).exit, 0);

  const file = join(state, 'baseline.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('alice', 'mallory').replace('420', '511'));
  const tampered = await baseline('show');
  t.equal(tampered.exit, 7);
  t.match(tampered.stderr, /changed after it was accepted\n {2}next: look who changed it/);
  const check = await runCli(['check', '--host-root', root, '--state-dir', state]);
  t.equal(check.exit, 7, 'rules are not judged by a baseline that was tampered with');
  t.equal((await baseline('accept')).exit, 0, 'and it can be replaced');
});

const shared = sharedDir();
const skip = shared === undefined && 'needs ../shared/tools/make-host-root';
t.test('a whole node made by make-host-root', { skip }, async (t) => {
  const root = t.testdir({});
  const tool = join(shared ?? '', 'tools', 'make-host-root');
  execFileSync(tool, [join(root, 'node'), '--selinux', 'permissive'], { stdio: 'ignore' });
  const host = ['--host-root', join(root, 'node')];
  const { exit, stdout } = await runCli(['check', ...host, '-o', 'json']);
  t.equal(exit, 1);
  const failed = JSON.parse(stdout).items.filter(
    ({ result }: { result: string }) => result === 'fail',
  );
  t.ok(failed.some(({ ruleId }: { ruleId: string }) => ruleId === 'selinux.enforcing'));
  const trust = await runCli(['trust', 'show', ...host]);
  t.equal(trust.exit, 0);
  t.match(trust.stdout, /^TRANSPORT +NAME +TYPE +ID +STORE\nall +default +reject /);
  t.match(trust.stdout, /\ndocker +registry.redhat.io +signedBy .* https:\/\/registry.redhat.io/);
});
