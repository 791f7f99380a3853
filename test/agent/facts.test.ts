import t from 'tap';
import { factItems, readFacts } from '../../agent/facts.ts';
import { openHost } from '../../agent/host.ts';
import { hashItems } from '../../shared/report.ts';
import { treeOf } from '../support/host-tree.ts';
import { machineConfigOf } from '../support/machine-config.ts';

type Files = Readonly<Record<string, string>>;
const RHCOS = 'ID="rhcos"\nVERSION_ID="4.16"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.16"\n';

const KINDS: readonly (readonly [name: string, files: Files, kind: string])[] = [
  ['RHCOS up to 4.18', { '/etc/os-release': RHCOS }, 'coreos'],
  [
    'RHCOS from 4.19 on, which calls itself rhel',
    { '/etc/os-release': 'ID=rhel\nVARIANT_ID=coreos\n' },
    'coreos',
  ],
  [
    'RHEL in image mode',
    { '/etc/os-release': 'ID=rhel\n', '/run/ostree-booted': '' },
    'image-mode',
  ],
  ['RHEL of packages', { '/etc/os-release': 'ID="rhel"\n' }, 'package-mode'],
  ['a node without os-release', {}, 'package-mode'],
];

for (const [name, files, kind] of KINDS) {
  t.test(`${name} is of the kind ${kind}`, async (t) => {
    t.equal((await readFacts(openHost(t.testdir(treeOf(files))))).os.kind, kind);
  });
}

t.test('facts are those of the host root, not of this machine', async (t) => {
  const root = t.testdir(
    treeOf({
      '/usr/lib/os-release': `${RHCOS}PRETTY_NAME="Core \\"OS\\""\nPLATFORM_ID='platform:el9'\n`,
      '/proc/sys/kernel/osrelease': '5.14.0-427.el9_4.aarch64\n',
      '/proc/sys/kernel/random/boot_id': '1111\n',
      '/etc/machine-id': '0123\n',
      '/etc/hostname': 'worker-0\n',
      '/sys/fs/cgroup/cgroup.controllers': 'cpu\n',
      '/sys/kernel/security/lsm': 'lockdown,capability,selinux',
      '/run/crio/version': '"1.29.4"',
      '/etc/kubernetes/kubelet.conf': '',
      '/etc/machine-config-daemon/currentconfig': machineConfigOf({}),
    }),
  );
  t.strictSame(await readFacts(openHost(root)), {
    os: {
      kind: 'coreos',
      id: 'rhcos',
      version: '4.16',
      name: 'Core "OS"',
      openshift: '4.16',
      platform: 'platform:el9',
    },
    hostname: 'worker-0',
    machineId: '0123',
    bootId: '1111',
    kernel: '5.14.0-427.el9_4.aarch64',
    architecture: 'aarch64',
    cgroupVersion: 2,
    securityModules: 'lockdown,capability,selinux',
    crioVersion: '1.29.4',
    hasKubelet: true,
    machineConfig: 'rendered-worker-1',
    hardware: null,
  });
});

t.test('what is not there is null', async (t) => {
  const facts = await readFacts(openHost(t.testdir({})));
  t.match(facts, {
    hostname: null,
    kernel: null,
    cgroupVersion: null,
    machineConfig: null,
    hasKubelet: false,
  });
});

t.test('a MachineConfig that cannot be used is no fact', async (t) => {
  const root = t.testdir(treeOf({ '/etc/machine-config-daemon/currentconfig': '[' }));
  t.equal((await readFacts(openHost(root))).machineConfig, null);
});

t.test(
  'this machine tells its hardware, and the section has the same hash each time',
  async (t) => {
    const facts = await readFacts(openHost('/'));
    t.ok((facts.hardware?.memoryBytes ?? 0) > 1e8);
    t.ok((facts.hardware?.cpus ?? 0) >= 1);
    const again = await readFacts(openHost('/'));
    t.equal(hashItems(factItems(facts)), hashItems(factItems(again)));
  },
);
