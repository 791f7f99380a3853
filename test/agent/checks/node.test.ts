import { chmodSync } from 'node:fs';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const CURRENT = '/etc/machine-config-daemon/currentconfig';
const KUBELET = '/etc/kubernetes/kubelet.conf';
const SYSCTL = '/etc/sysctl.d/99-own.conf';
type Files = Readonly<Record<string, string | undefined>>;

const ROLLED_OUT = {
  [KUBELET]: 'kind: KubeletConfiguration\n',
  [SYSCTL]: 'kernel.dmesg_restrict = 1\n',
  '/etc/containers/policy.json': '{}',
  '/etc/containers/registries.d/x.yaml': '',
};
const NODE: Files = {
  ...ROLLED_OUT,
  [CURRENT]: machineConfigOf(ROLLED_OUT, { kernelArguments: ['psi=0', 'a=1 b=2'] }),
  '/etc/os-release': 'VARIANT_ID=coreos\n',
  '/proc/cmdline': 'root=UUID=1 b=2 a=1 psi=0\n',
};

const CASES: readonly (readonly [name: string, change: Files, expected: readonly string[]])[] = [
  ['as rolled out', {}, ['node.mco-drift pass', 'node.mco-state pass']],
  [
    'with two differences, both named',
    { [KUBELET]: 'x', [SYSCTL]: undefined },
    [
      `node.mco-drift fail content @ ${KUBELET}`,
      `node.mco-drift fail missing @ ${SYSCTL}`,
      'node.mco-state pass',
    ],
  ],
  [
    'whose policy and registries.d differ, which other rules name',
    {
      '/etc/containers/policy.json': 'x',
      '/etc/containers/registries.d/x.yaml': 'x',
    },
    ['node.mco-drift pass', 'node.mco-state pass'],
  ],
  [
    'booted without an argument',
    { '/proc/cmdline': 'a=1 psi=0\n' },
    ['node.mco-drift fail kernel-arguments @ /proc/cmdline', 'node.mco-state pass'],
  ],
  [
    'of packages, whose arguments the daemon leaves alone',
    { '/proc/cmdline': 'quiet\n', '/etc/os-release': 'ID=rhel\n' },
    ['node.mco-drift pass', 'node.mco-state pass'],
  ],
  [
    'that was forced',
    { '/run/machine-config-daemon-force': '' },
    ['node.mco-drift pass', 'node.mco-state fail forced'],
  ],
  [
    'without a MachineConfig',
    { [CURRENT]: undefined },
    [
      'node.mco-drift notapplicable no-machine-config',
      'node.mco-state notapplicable no-machine-config',
    ],
  ],
  [
    'whose MachineConfig cannot be used',
    { [CURRENT]: '{' },
    ['node.mco-drift error parse', 'node.mco-state error parse'],
  ],
  [
    'with one content that does not decode',
    {
      [CURRENT]: (NODE[CURRENT] ?? '').replace('base64,', 'base64,*'),
      [SYSCTL]: 'x',
    },
    [
      `node.mco-drift error parse @ ${KUBELET}`,
      `node.mco-drift fail content @ ${SYSCTL}`,
      'node.mco-state pass',
    ],
  ],
];

for (const [name, change, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    const said = await say(node, t.testdir(treeOf({ ...NODE, ...change })));
    t.strictSame(
      said.filter((line) => line.startsWith('node.mco-')),
      expected,
    );
  });
}

t.test('a file with another mode is drift that weighs less', async (t) => {
  const root = t.testdir(treeOf(NODE));
  chmodSync(`${root}${KUBELET}`, 0o666);
  const [finding] = await node.run(contextAt(root), AbortSignal.timeout(5000));
  t.match(finding, {
    result: 'fail',
    reason: 'mode',
    severity: 'medium',
    subject: KUBELET,
    observed: { mode: '0666' },
    expected: { mode: '0644' },
  });
});

t.test('a managed path that is a folder is an error of that path', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, [KUBELET]: undefined, [`${KUBELET}/inside`]: '' }));
  t.ok((await say(node, root)).includes(`node.mco-drift error not-a-file @ ${KUBELET}`));
});
