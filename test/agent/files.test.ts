import { chmodSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import t from 'tap';
import { captureBaseline } from '../../agent/desired/baseline.ts';
import { desiredState } from '../../agent/desired/desired.ts';
import { openHost } from '../../agent/host.ts';
import { acceptableFiles, inspectFiles, surveyFiles } from '../../agent/survey.ts';
import { sha256 } from '../../shared/canonical.ts';
import { treeOf } from '../support/host-tree.ts';
import { machineConfigOf } from '../support/machine-config.ts';
import { alwaysPrivileged, asNobody } from '../support/unprivileged.ts';

const POLICY = '/etc/containers/policy.json';
const REGISTRY = '/etc/containers/registries.d/quay.yaml';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
const TEXT = JSON.stringify({
  default: [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/pki/key' }],
});
const ROLLED_OUT = { [POLICY]: TEXT, [REGISTRY]: 'docker: {}\n' };
type Files = Readonly<Record<string, string | undefined>>;

/** Path to class and reason, of a node with this tree. */
async function classes(root: string): Promise<Readonly<Record<string, string>>> {
  const host = openHost(root);
  const files = await surveyFiles(host, await desiredState(host, undefined));
  return Object.fromEntries(
    files.map((file) => [file.path, [file.class, file.reason].filter(Boolean).join(' ')]),
  );
}

const NODE: Files = {
  ...ROLLED_OUT,
  [CURRENT]: machineConfigOf(ROLLED_OUT),
  '/etc/pki/key': 'key',
};
const CLASSES: readonly (readonly [
  name: string,
  files: Files,
  expected: Readonly<Record<string, string>>,
])[] = [
  ['as rolled out', {}, {}],
  ['with a changed file', { [POLICY]: `${TEXT}\n` }, { [POLICY]: 'managed-drift' }],
  ['with a missing file', { [REGISTRY]: undefined }, { [REGISTRY]: 'managed-drift missing' }],
  [
    'with a file beside the managed ones',
    { '/etc/crio/crio.conf.d/99-x': '' },
    { '/etc/crio/crio.conf.d/99-x': 'unmanaged' },
  ],
  [
    'with policies of CRI-O elsewhere, and their keys',
    {
      '/etc/crio/crio.conf':
        '[crio.image]\nsignature_policy = "/srv/own.json"\nsignature_policy_dir = "/srv/spaces"\n',
      '/srv/own.json': TEXT.replace('/etc/pki/key', '/srv/own.pub'),
      '/srv/own.pub': 'key',
      '/srv/spaces/team.json': TEXT.replace('/etc/pki/key', '/srv/team.pub'),
      '/srv/team.pub': 'key',
    },
    {
      '/etc/crio/crio.conf': 'unmanaged',
      '/srv/own.json': 'unmanaged',
      '/srv/own.pub': 'unmanaged',
      '/srv/spaces/team.json': 'unmanaged',
      '/srv/team.pub': 'unmanaged',
    },
  ],
  [
    'with a file as the operating system brought it',
    { '/etc/containers/registries.conf': 'a', '/usr/etc/containers/registries.conf': 'a' },
    { '/etc/containers/registries.conf': 'vendor' },
  ],
  [
    'with a changed file of the operating system',
    { '/etc/containers/registries.conf': 'b', '/usr/etc/containers/registries.conf': 'a' },
    { '/etc/containers/registries.conf': 'vendor-modified' },
  ],
  [
    'with a file in /usr',
    { '/usr/share/containers/policy.json': TEXT },
    { '/usr/share/containers/policy.json': 'vendor' },
  ],
  [
    'with keys in folders of registries',
    { '/etc/containers/certs.d/quay.io/ca.crt': 'x' },
    { '/etc/containers/certs.d/quay.io/ca.crt': 'unmanaged' },
  ],
  [
    'with a file beside those that packages brought, which nobody can tell from it',
    { '/etc/sudoers.d/x': '' },
    { '/etc/sudoers.d/x': 'unmanaged no-oracle' },
  ],
  [
    'with a file beside those that the image brought',
    { '/etc/sudoers.d/x': '', '/etc/sudoers.d/y': '', '/usr/etc/sudoers.d/y': '' },
    { '/etc/sudoers.d/x': 'unmanaged', '/etc/sudoers.d/y': 'vendor' },
  ],
  [
    'with folders of static pods, of which names alone are told',
    { '/etc/kubernetes/static-pod-resources/etcd-pod-7/secrets/tls.key': 'x' },
    { '/etc/kubernetes/static-pod-resources/etcd-pod-7': 'unmanaged name-only' },
  ],
  [
    'without a file that the image brought',
    { '/usr/etc/chrony.conf': 'x' },
    { '/etc/chrony.conf': 'vendor-modified missing' },
  ],
  [
    'with a program of its own',
    { '/usr/local/bin/x': '', '/usr/etc/x': '' },
    { '/usr/local/bin/x': 'unmanaged' },
  ],
  [
    'whose MachineConfig cannot be used',
    { [CURRENT]: '[]' },
    Object.fromEntries(
      [POLICY, REGISTRY, '/etc/pki/key'].map((path) => [path, 'unknown desired-unknown']),
    ),
  ],
];

for (const [name, files, expected] of CLASSES) {
  t.test(`a node ${name} has its files in their classes`, async (t) => {
    const usual = { [POLICY]: 'managed', [REGISTRY]: 'managed', '/etc/pki/key': 'unmanaged' };
    t.strictSame(await classes(t.testdir(treeOf({ ...NODE, ...files }))), {
      ...usual,
      ...expected,
    });
  });
}

t.test(
  'an item says hash, mode and owner of a file and who manages it, never what is in it',
  async (t) => {
    const root = t.testdir(treeOf(NODE));
    chmodSync(`${root}${POLICY}`, 0o600);
    const host = openHost(root);
    const items = await inspectFiles(host, await desiredState(host, undefined));
    t.strictSame(items.get(POLICY), {
      path: POLICY,
      sha256: sha256(TEXT),
      mode: 0o600,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      class: 'managed-drift',
      expectedSha256: sha256(TEXT),
      expectedMode: 0o644,
      expectedUid: process.getuid?.(),
      expectedGid: process.getgid?.(),
      manager: 'rendered-worker-1',
    });
    t.strictSame([...items.keys()], [...items.keys()].sort());
    t.notMatch(JSON.stringify([...items]), 'signedBy');
  },
);

t.test('a file as the image brought it, with another mode, is not as it brought it', async (t) => {
  const path = '/etc/ssh/sshd_config.d/50-redhat.conf';
  const root = t.testdir(treeOf({ [path]: 'x', [`/usr${path}`]: 'x' }));
  t.equal((await classes(root))[path], 'vendor');
  chmodSync(`${root}${path}`, 0o666);
  t.equal((await classes(root))[path], 'vendor-modified');
});

t.test('a file too large to be hashed has its size told', async (t) => {
  const path = '/usr/local/bin/big';
  const root = t.testdir(treeOf({ [path]: '', '/usr/etc/x': '' }));
  truncateSync(`${root}${path}`, 5_000_000);
  const host = openHost(root);
  const [file] = await surveyFiles(host, await desiredState(host, undefined));
  t.match(file, { path, class: 'unmanaged', reason: 'too-large', sha256: null, bytes: 5_000_000 });
});

t.test('a link in the place of a managed file is drift, even to the same content', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, '/srv/policy.json': TEXT }));
  rmSync(`${root}${POLICY}`);
  symlinkSync('/srv/policy.json', `${root}${POLICY}`);
  t.equal((await classes(root))[POLICY], 'managed-drift link');
  rmSync(`${root}/srv/policy.json`);
  t.equal((await classes(root))[POLICY], 'managed-drift dangling-link');
});

t.test('what cannot be read is listed with its reason', { skip: alwaysPrivileged }, async (t) => {
  const root = t.testdir(treeOf({ ...NODE, '/etc/crio/policies/shop.json': '{}' }));
  chmodSync(`${root}${POLICY}`, 0);
  chmodSync(`${root}/etc/crio/policies`, 0);
  const found = await asNobody(async () => await classes(root));
  chmodSync(`${root}/etc/crio/policies`, 0o755);
  t.equal(found[POLICY], 'unknown permission');
  t.equal(found['/etc/crio/policies'], 'unknown permission');
  t.equal(found[REGISTRY], 'managed');
});

t.test('what is on a node can be accepted, and is managed from then on', async (t) => {
  const root = t.testdir(treeOf({ [POLICY]: TEXT, '/etc/crio/crio.conf.d/99-x': 'x' }));
  const host = openHost(root);
  const before = await surveyFiles(host, await desiredState(host, undefined));
  t.ok(before.every((file) => file.class === 'unmanaged'));
  const baseline = captureBaseline({
    findings: [],
    files: acceptableFiles(before),
    acceptedAt: '2026-01-01T00:00:00Z',
    acceptedBy: 'admin',
  });
  const after = await surveyFiles(host, await desiredState(host, baseline));
  const accepted = after.filter(({ sha256 }) => sha256 !== null);
  t.equal(accepted.length, 2);
  t.ok(accepted.every((file) => file.class === 'managed'));
});

t.test(
  'beside the trust configuration a person accepts what nothing else speaks for',
  async (t) => {
    const [vendor, rolledOut, own] = [
      '/etc/sudoers.d/x',
      '/etc/sysctl.d/x.conf',
      '/etc/cni/net.d/x',
    ];
    const files = { [vendor]: 'x', [rolledOut]: 'x', [own]: 'x', [`/usr${vendor}`]: 'x' };
    const config = machineConfigOf({ ...ROLLED_OUT, [rolledOut]: 'x' });
    const root = t.testdir(treeOf({ ...NODE, ...files, [CURRENT]: config }));
    const host = openHost(root);
    const accepted = async () =>
      Object.keys(acceptableFiles(await surveyFiles(host, await desiredState(host, undefined))));
    t.strictSame(await accepted(), [own, POLICY, REGISTRY, '/etc/pki/key'].sort());
    chmodSync(`${root}${vendor}`, 0o600);
    t.ok(
      (await accepted()).includes(vendor),
      'but also what was changed since the image brought it',
    );
  },
);
