import { chmodSync, rmSync } from 'node:fs';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { registries } from '../../../agent/checks/registries.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { openHost } from '../../../agent/host.ts';
import { surveyFiles } from '../../../agent/survey.ts';
import { hostRoot, makeHostRoot, noHostRoots } from '../../support/host-root.ts';
import { say } from '../../support/host-tree.ts';

const ENCODINGS = ['percent', 'base64', 'gzip'] as const;
const DRIFT = /^(?:node\.mco-drift|trust\.policy-managed|registries\.lookaside-managed) /;

/** What the rules that compare with the MachineConfig say of the node. */
async function compared(root: string): Promise<readonly string[]> {
  const said = [];
  for (const check of [node, trustPolicy, registries]) said.push(...(await say(check, root)));
  return said.filter((line) => DRIFT.test(line));
}

const SAME = [
  'node.mco-drift pass',
  'trust.policy-managed pass',
  'registries.lookaside-managed pass',
];
const MISSING = [
  'node.mco-drift notapplicable no-machine-config',
  'trust.policy-managed notchecked no-oracle',
  'registries.lookaside-managed notchecked no-oracle',
];
const CASES: Readonly<Record<string, readonly string[]>> = {
  match: SAME,
  policy: [SAME[0] ?? '', 'trust.policy-managed fail content', SAME[2] ?? ''],
  registries: [
    SAME[0] ?? '',
    SAME[1] ?? '',
    'registries.lookaside-managed fail content @ /etc/containers/registries.d/default.yaml',
  ],
  fips: SAME,
  kargs: ['node.mco-drift fail kernel-arguments @ /proc/cmdline', SAME[1] ?? '', SAME[2] ?? ''],
  empty: MISSING,
  missing: MISSING,
};

for (const [mc, expected] of Object.entries(CASES)) {
  for (const encoding of ENCODINGS) {
    t.test(`a whole node, --mc ${mc} in ${encoding}`, { skip: noHostRoots }, async (t) => {
      t.strictSame(await compared(hostRoot('--mc', mc, '--mc-encoding', encoding)), expected);
    });
  }
}

t.test('every difference of a whole node is named at once', { skip: noHostRoots }, async (t) => {
  const root = makeHostRoot(t.testdir({}), '--mc', 'kargs');
  const kubelet = '/etc/kubernetes/kubelet.conf';
  chmodSync(`${root}${kubelet}`, 0o666);
  rmSync(`${root}/etc/containers/storage.conf`);
  t.strictSame((await compared(root)).slice(0, 3), [
    'node.mco-drift fail missing @ /etc/containers/storage.conf',
    `node.mco-drift fail mode @ ${kubelet}`,
    'node.mco-drift fail kernel-arguments @ /proc/cmdline',
  ]);
});

t.test(
  'every file of a whole node is in the class it belongs to',
  { skip: noHostRoots },
  async (t) => {
    const host = openHost(hostRoot('--mc', 'policy'));
    const files = await surveyFiles(host, await desiredState(host, undefined));
    const classes = new Map(files.map((file) => [file.path, file.class]));
    t.equal(classes.get('/etc/containers/policy.json'), 'managed-drift');
    t.equal(classes.get('/etc/kubernetes/kubelet.conf'), 'managed');
    t.ok(files.length < 100, `${files.length} items`);
    t.equal(classes.size, files.length, 'one item a path');
  },
);
