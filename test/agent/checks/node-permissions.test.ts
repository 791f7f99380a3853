import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { contextAt, say, type Tree, treeOf } from '../../support/host-tree.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const RULE = 'node.file-permissions';
const PULL_SECRET = '/var/lib/kubelet/config.json';
const COPY = `/etc/machine-config-daemon/orig${PULL_SECRET}.mcdorig`;
const KUBELET = '/etc/kubernetes/kubelet.conf';
const POLICY = '/etc/containers/policy.json';

/** Every file of the table of expected modes, by its mode there. */
const MODES: Readonly<Record<string, number>> = {
  [POLICY]: 0o644,
  '/etc/containers/registries.conf': 0o644,
  '/etc/containers/storage.conf': 0o644,
  '/etc/containers/registries.d/a.yaml': 0o644,
  '/etc/containers/registries.conf.d/a.conf': 0o644,
  '/etc/crio/crio.conf': 0o644,
  '/etc/crio/crio.conf.d/00-default': 0o644,
  '/etc/crio/policies/shop.json': 0o644,
  [KUBELET]: 0o644,
  '/etc/kubernetes/kubelet-ca.crt': 0o644,
  '/var/lib/kubelet/kubeconfig': 0o600,
  [PULL_SECRET]: 0o600,
  '/etc/systemd/system/kubelet.service': 0o644,
  '/etc/pki/ca-trust/source/anchors/openshift-config-user-ca-bundle.crt': 0o600,
  '/etc/machine-config-daemon/currentconfig': 0o644,
  '/etc/selinux/config': 0o644,
  [COPY]: 0o600,
  '/etc/machine-config-daemon/orig/etc/containers/policy.json.mcdorig': 0o644,
};

function made(t: { readonly testdir: (tree: Tree) => string }): string {
  const files = Object.fromEntries(Object.keys(MODES).map((path) => [path, '']));
  const root = t.testdir(treeOf(files));
  for (const [path, mode] of Object.entries(MODES)) chmodSync(root + path, mode);
  return root;
}

async function said(root: string): Promise<readonly string[]> {
  return (await say(node, root)).filter((line) => line.startsWith(`${RULE} `));
}

const skip = process.getuid?.() === 0 ? false : 'needs files of root';

t.test('files as they should be', { skip }, async (t) => {
  t.strictSame(await said(made(t)), [`${RULE} pass`]);
});

t.test('a folder in which others may replace the files', { skip }, async (t) => {
  const folder = dirname(POLICY);
  for (const [mode, expected] of [
    [0o775, `fail writable-folder @ ${folder}`],
    [0o757, `fail writable-folder @ ${folder}`],
    [0o1777, 'pass'],
    [0o700, 'pass'],
  ] as const) {
    const root = made(t);
    chmodSync(root + folder, mode);
    t.strictSame(await said(root), [`${RULE} ${expected}`], mode.toString(8));
  }
});

t.test('a node without any of them has nothing to look at', async (t) => {
  t.strictSame(await said(t.testdir({})), [`${RULE} notapplicable no-files`]);
});

for (const [path, mode] of Object.entries(MODES)) {
  t.test(`${path}`, { skip }, async (t) => {
    const root = made(t);
    const place = root + path;
    chmodSync(place, 0o400);
    t.strictSame(await said(root), [`${RULE} pass`], 'may be stricter');
    for (const bit of [0o020, 0o002]) {
      chmodSync(place, mode | bit);
      t.strictSame(
        await said(root),
        [`${RULE} fail writable @ ${path}`],
        'may not be changed by others',
      );
    }
    for (const bit of [0o100, 0o4000, ...(mode === 0o600 ? [0o040, 0o004] : [])]) {
      chmodSync(place, mode | bit);
      t.strictSame(
        await said(root),
        [`${RULE} fail mode @ ${path}`],
        `may not have ${bit.toString(8)}`,
      );
    }
    chmodSync(place, mode);
    for (const [uid, gid] of [
      [1000, 0],
      [0, 1000],
    ] as const) {
      chownSync(place, uid, gid);
      t.strictSame(await said(root), [`${RULE} fail owner @ ${path}`], 'belongs to root');
    }
    rmSync(place);
    t.strictSame(await said(root), [`${RULE} pass`], 'may be absent');
    symlinkSync('/etc/os-release', place);
    t.strictSame(await said(root), [`${RULE} fail link @ ${path}`], 'is no link');
    rmSync(place);
    // Folders in folders hold no files of these names.
    if (/\.d\/|policies|orig/.test(path)) return;
    mkdirSync(place);
    t.strictSame(await said(root), [`${RULE} fail not-a-file @ ${path}`], 'is a file');
  });
}

t.test('a finding says what is and what should be', { skip }, async (t) => {
  const root = made(t);
  chmodSync(root + PULL_SECRET, 0o644);
  const findings = await node.run(contextAt(root), AbortSignal.timeout(5000));
  t.match(
    findings.find(({ ruleId }) => ruleId === RULE),
    {
      subject: PULL_SECRET,
      message: `${PULL_SECRET} has mode 0644, expected 0600 or stricter`,
      observed: { mode: '0644', owner: '0:0', kind: 'file' },
      expected: { mode: '0600', owner: '0:0', kind: 'file' },
    },
  );
});

t.test('files of others in the folders are not looked at', { skip }, async (t) => {
  const root = made(t);
  const files = ['/etc/containers/registries.d/a.yml', '/etc/crio/policies/notes.txt'];
  t.testdir(
    treeOf(Object.fromEntries([...Object.keys(MODES), ...files].map((path) => [path, '']))),
  );
  for (const [path, mode] of Object.entries(MODES)) chmodSync(root + path, mode);
  for (const path of files) chmodSync(root + path, 0o666);
  t.strictSame(await said(root), [`${RULE} pass`]);
});

t.test(
  'a folder that may not be listed is an error of it',
  { skip: skip || alwaysPrivileged },
  async (t) => {
    const root = made(t);
    chmodSync(`${root}/etc/crio/policies`, 0o700);
    t.strictSame(await asNobody(() => said(root)), [
      `${RULE} error permission @ /etc/crio/policies`,
    ]);
  },
);

t.test(
  'a copy of any other file may be a program or a link, but none of others',
  { skip },
  async (t) => {
    const root = made(t);
    const copy = '/etc/machine-config-daemon/orig/usr/local/bin/x.sh.mcdorig';
    const place = root + copy;
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync('/usr/bin/y', place);
    t.strictSame(await said(root), [`${RULE} pass`]);
    rmSync(place);
    writeFileSync(place, '');
    for (const [mode, line] of [
      [0o755, `${RULE} pass`],
      [0o775, `${RULE} fail writable @ ${copy}`],
      [0o4755, `${RULE} fail mode @ ${copy}`],
    ] as const) {
      chmodSync(place, mode);
      t.strictSame(await said(root), [line], mode.toString(8));
    }
  },
);
