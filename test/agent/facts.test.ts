import t from 'tap';
import { factItems, readFacts } from '../../agent/facts.ts';
import { openHost } from '../../agent/host.ts';
import { hashItems } from '../../shared/report.ts';
import { treeOf } from '../support/host-tree.ts';
import { machineConfigOf } from '../support/machine-config.ts';

type Files = Readonly<Record<string, string>>;
const RHCOS = 'ID="rhcos"\nVERSION_ID="4.16"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.16"\n';

/** os-release of RHEL CoreOS: its ID is `rhcos` to 4.18 and `rhel` from then on. */
function coreos(minor: number, rhel: string): Files {
  const own =
    minor < 19
      ? `ID="rhcos"\nVERSION_ID="4.${minor}"\nRHEL_VERSION="${rhel}"\n`
      : `ID="rhel"\nVERSION_ID="${rhel}"\n`;
  const platform = `PLATFORM_ID="platform:el${rhel.split('.')[0]}"\n`;
  return {
    '/etc/os-release': `${own}${platform}VARIANT_ID=coreos\nOPENSHIFT_VERSION="4.${minor}"\n`,
    '/run/ostree-booted': '',
  };
}
const rhel = (version: string): string => `ID="rhel"\nVERSION_ID="${version}"\n`;

const KINDS: readonly (readonly [name: string, files: Files, kind: string, facts?: object])[] = [
  ...(
    [
      [12, '8.6'],
      [13, '9.2'],
      [14, '9.2'],
      [15, '9.2'],
      [16, '9.4'],
      [17, '9.4'],
      [18, '9.4'],
      [19, '9.6'],
      [20, '9.6'],
    ] as const
  ).map(
    ([minor, version]) =>
      [
        `RHEL CoreOS of OpenShift 4.${minor}`,
        coreos(minor, version),
        'coreos',
        { os: { openshift: `4.${minor}`, platform: `platform:el${version.split('.')[0]}` } },
      ] as const,
  ),
  [
    'CentOS Stream CoreOS',
    { '/etc/os-release': 'ID="scos"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.17"\n' },
    'coreos',
  ],
  [
    'RHEL in image mode',
    { '/etc/os-release': 'ID=rhel\n', '/run/ostree-booted': '' },
    'image-mode',
  ],
  ...['8.10', '9.6', '10.0'].map(
    (version) =>
      [
        `RHEL ${version} of packages with podman`,
        { '/etc/os-release': rhel(version), '/usr/bin/podman': '' },
        'package-mode',
        { hasKubelet: false, isMicroshift: false, isHypershift: false, machineConfig: null },
      ] as const,
  ),
  [
    'RHEL with CRI-O alone',
    { '/etc/os-release': rhel('8.10'), '/run/crio/version': '"1.25.1"' },
    'package-mode',
    { crioVersion: '1.25.1', hasKubelet: false },
  ],
  [
    'MicroShift, by its configuration',
    { '/etc/os-release': rhel('9.4'), '/etc/microshift/config.yaml': '' },
    'package-mode',
    { isMicroshift: true, hasKubelet: false },
  ],
  [
    'MicroShift in an image, by its unit',
    {
      '/etc/os-release': rhel('9.6'),
      '/run/ostree-booted': '',
      '/usr/lib/systemd/system/microshift.service': '',
    },
    'image-mode',
    { isMicroshift: true },
  ],
  [
    'a node of a hosted control plane',
    {
      ...coreos(16, '9.4'),
      '/etc/machine-config-daemon/currentconfig': '',
      '/etc/mcd-currentconfig.json': machineConfigOf({}),
    },
    'coreos',
    { isHypershift: true, isMicroshift: false, machineConfig: 'rendered-worker-1' },
  ],
  ['a node without os-release', {}, 'package-mode'],
];

for (const [name, files, kind, expected = {}] of KINDS) {
  t.test(`${name} is of the kind ${kind}`, async (t) => {
    const facts = await readFacts(openHost(t.testdir(treeOf(files))));
    t.equal(facts.os.kind, kind);
    t.match(facts, expected);
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
    isMicroshift: false,
    isHypershift: false,
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
