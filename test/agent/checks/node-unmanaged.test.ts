import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { openHost } from '../../../agent/host.ts';
import { acceptableFiles, surveyFiles } from '../../../agent/survey.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const RULE = 'node.unmanaged-files';
const SYSCTL = '/etc/sysctl.d/99-own.conf';
type Files = Readonly<Record<string, string | undefined>>;

const ROLLED_OUT = { [SYSCTL]: 'kernel.dmesg_restrict = 1\n' };
const NODE: Files = {
  ...ROLLED_OUT,
  '/etc/machine-config-daemon/currentconfig': machineConfigOf(ROLLED_OUT),
  '/usr/etc/os-release': '',
};
/** Without the image's copy of /etc. */
const PACKAGED = { '/usr/etc/os-release': undefined };

async function told(root: string, baseline?: Parameters<typeof say>[2]) {
  return (await say(node, root, baseline)).filter((line) => line.startsWith(RULE));
}

const PASS = [`${RULE} pass`];
const CASES: readonly (readonly [name: string, change: Files, expected: readonly string[]])[] = [
  ['with managed files alone', {}, PASS],
  ['with a file of the image', { '/etc/sudoers.d/x': 'x', '/usr/etc/sudoers.d/x': 'x' }, PASS],
  [
    'with a file of the image that was changed',
    { '/etc/sudoers.d/x': 'ALL', '/usr/etc/sudoers.d/x': 'x' },
    [`${RULE} fail vendor-modified @ /etc/sudoers.d/x`],
  ],
  ...[
    '/etc/containers/systemd/evil.container',
    '/etc/crio/runtimes/evil',
    '/etc/kubernetes/manifests/evil.yaml',
    '/etc/systemd/system/crio.service.d/99-evil.conf',
    '/etc/systemd/system/kubelet.service.d/99-evil.conf',
    '/etc/sysctl.d/zz-evil.conf',
    '/etc/modprobe.d/evil.conf',
    '/etc/pki/rpm-gpg/RPM-GPG-KEY-evil',
    '/etc/pki/sigstore/evil.pub',
    '/etc/pki/ca-trust/source/anchors/evil.crt',
    '/etc/crypto-policies/local.d/evil.config',
    '/etc/selinux/targeted/active/modules/400/evil/cil',
    '/usr/local/bin/evil',
    '/etc/ssh/sshd_config.d/00-evil.conf',
    '/root/.config/containers/containers.conf',
    '/etc/sudoers.d/evil',
    '/etc/cni/net.d/00-evil.conflist',
    '/etc/audit/rules.d/00-evil.rules',
    '/etc/systemd/system/kubelet.service',
    '/etc/chrony.conf',
  ].map((path) => [`with ${path}`, { [path]: 'x' }, [`${RULE} fail unmanaged @ ${path}`]] as const),
  [
    'with the time taken from another server than the image has it',
    { '/etc/chrony.conf': 'server evil\n', '/usr/etc/chrony.conf': 'pool x\n' },
    [`${RULE} fail vendor-modified @ /etc/chrony.conf`],
  ],
  [
    'with files of the trust configuration, which another rule names',
    { '/etc/containers/registries.d/evil.yaml': 'x', '/etc/crio/policies/evil.json': '{}' },
    PASS,
  ],
  [
    'with what the platform writes while it runs',
    {
      '/etc/kubernetes/manifests/etcd-pod.yaml': 'x',
      '/etc/systemd/system/kubelet.service.d/20-nodenet.conf': 'x',
      '/etc/systemd/system/crio.service.d/20-nodenet.conf': 'x',
    },
    PASS,
  ],
  [
    'with a name that only looks like the platform’s',
    { '/etc/kubernetes/manifests/etcd-pod.yaml.yaml': 'x' },
    [`${RULE} fail unmanaged @ /etc/kubernetes/manifests/etcd-pod.yaml.yaml`],
  ],
  ['with folders of static pods', { '/etc/kubernetes/static-pod-resources/a-1/x': 'x' }, PASS],
  ['of packages, without a baseline', PACKAGED, [`${RULE} notchecked no-baseline`]],
  [
    'that nothing is known of',
    { '/etc/machine-config-daemon/currentconfig': undefined },
    [`${RULE} notchecked no-oracle`],
  ],
  [
    'whose MachineConfig cannot be used',
    { '/etc/machine-config-daemon/currentconfig': '[]' },
    [`${RULE} error parse`],
  ],
];

for (const [name, change, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    t.strictSame(await told(t.testdir(treeOf({ ...NODE, ...change }))), expected);
  });
}

t.test(
  'a node of packages has what was accepted, and what came since is somebody’s own',
  async (t) => {
    const files = { '/etc/sudoers.d/admins': 'x', '/etc/modprobe.d/tuned.conf': '' };
    const root = t.testdir(treeOf({ ...PACKAGED, ...files }));
    const host = openHost(root);
    const baseline = captureBaseline({
      findings: [],
      files: acceptableFiles(await surveyFiles(host, await desiredState(host, undefined))),
      acceptedAt: '2026-01-01T00:00:00Z',
      acceptedBy: 'admin',
    });
    t.strictSame(await told(root, baseline), PASS);
    writeFileSync(`${root}/etc/sudoers.d/evil`, 'x');
    t.strictSame(await told(root, baseline), [`${RULE} fail unmanaged @ /etc/sudoers.d/evil`]);
  },
);

t.test(
  'a folder with more files than are looked at is one statement that counts them',
  async (t) => {
    const root = t.testdir(treeOf(NODE));
    for (let number = 0; number < 600; number++) {
      writeFileSync(`${root}/etc/sysctl.d/${number}.conf`, '');
    }
    const found = await node.run(contextAt(root), AbortSignal.timeout(5000));
    t.match(
      found.filter(({ ruleId }) => ruleId === RULE),
      [{ result: 'fail', reason: 'too-many', subject: '/etc/sysctl.d', observed: { files: 601 } }],
    );
    const host = openHost(root);
    const survey = await surveyFiles(host, await desiredState(host, undefined));
    t.match(
      survey.filter(({ path }) => path.startsWith('/etc/sysctl.d')),
      [
        { path: '/etc/sysctl.d', class: 'unknown', reason: 'too-many', count: 601 },
        { path: SYSCTL, class: 'managed' },
      ],
      'and what is managed there is still compared',
    );
  },
);

t.test('a program too large to be hashed is named all the same', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, '/usr/local/bin/big': '' }));
  writeFileSync(`${root}/usr/local/bin/big`, Buffer.alloc(5 * 1024 * 1024));
  t.strictSame(await told(root), [`${RULE} fail unmanaged @ /usr/local/bin/big`]);
});

t.test('on CoreOS /usr/local/bin is a link to /var', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, '/var/usrlocal/bin/evil': 'x', '/usr/lib/x': '' }));
  symlinkSync('../var/usrlocal', `${root}/usr/local`);
  t.strictSame(await told(root), [`${RULE} fail unmanaged @ /usr/local/bin/evil`]);
});

t.test('a folder too deep, and a link, are named as they are', async (t) => {
  const root = t.testdir(treeOf(NODE));
  mkdirSync(`${root}/etc/sudoers.d/a/b/c`, { recursive: true });
  symlinkSync('/nowhere', `${root}/etc/sudoers.d/link`);
  t.strictSame(await told(root), [
    `${RULE} error not-a-file @ /etc/sudoers.d/a/b`,
    `${RULE} fail unmanaged @ /etc/sudoers.d/link`,
  ]);
});

t.test('a folder that cannot be listed is an error', { skip: alwaysPrivileged }, async (t) => {
  const root = t.testdir(treeOf({ ...NODE, '/etc/sudoers.d/x': '' }));
  chmodSync(`${root}/etc/sudoers.d`, 0);
  const lines = await asNobody(async () => await told(root));
  chmodSync(`${root}/etc/sudoers.d`, 0o755);
  t.strictSame(lines, [`${RULE} error permission @ /etc/sudoers.d`]);
});
