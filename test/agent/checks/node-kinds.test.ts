import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { profileFor } from '../../../agent/profile-choice.ts';
import { runChecks } from '../../../agent/runner.ts';
import { containerFiles, NODE_PROCESS } from '../../support/container-tree.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';
import { policyOf, statusOf } from '../../support/selinux-policy.ts';

type Files = Readonly<Record<string, string | Buffer | undefined>>;

/** What every supported system shows, with SELinux on and FIPS off. */
const SYSTEM: Files = {
  ...NODE_PROCESS,
  '/proc/1/attr/current': 'system_u:system_r:init_t:s0\0',
  '/proc/1/mounts': '/dev/sda3 /boot xfs rw 0 0\n',
  '/proc/cmdline': 'BOOT_IMAGE=(hd0,gpt2)/vmlinuz root=UUID=1 ro\n',
  '/proc/filesystems': 'nodev\tselinuxfs\n',
  '/proc/sys/crypto/fips_enabled': '0\n',
  '/proc/sys/kernel/osrelease': '5.14.0-427.el9_4.x86_64\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process kill_thread trap errno log allow\n',
  '/proc/sys/kernel/modules_disabled': '0\n',
  '/sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/sys/fs/selinux/status': statusOf(4),
  '/sys/fs/selinux/policyvers': '33',
  '/sys/fs/selinux/booleans/container_use_devices': '0 0',
  '/etc/selinux/targeted/policy/policy.33': policyOf(),
  '/usr/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  // What it is held against: on systems made of an image, and on those made of packages.
  '/usr/etc/selinux/targeted/policy/policy.33': policyOf(),
  '/var/lib/selinux/targeted/active/policy.kern': policyOf(),
  '/boot/loader/entries/1-5.14.0.conf': 'title RHEL\noptions root=UUID=1 ro\n',
  '/etc/crypto-policies/config': 'DEFAULT\n',
  '/etc/crypto-policies/state/current': 'DEFAULT\n',
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\n',
};
/** containers-common of RHEL 9. */
const CONTAINERS: Files = {
  '/etc/containers/policy.json': JSON.stringify({
    default: [{ type: 'insecureAcceptAnything' }],
    transports: { 'docker-daemon': { '': [{ type: 'insecureAcceptAnything' }] } },
  }),
  '/etc/containers/registries.conf':
    'unqualified-search-registries = ["registry.access.redhat.com"]\n',
  '/etc/containers/registries.d/default.yaml': 'default-docker:\n  lookaside-staging: file:///x\n',
  '/usr/share/containers/seccomp.json': '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[]}',
};
const CRIO: Files = {
  '/usr/bin/crio': '',
  '/etc/crio/crio.conf': '[crio.runtime]\nselinux = true\n',
  '/run/crio/version': '"1.25.5"',
};
const rhel = (version: string): Files => ({
  '/etc/os-release': `ID="rhel"\nVERSION_ID="${version}"\nPLATFORM_ID="platform:el${version.split('.')[0]}"\n`,
});
const ROLLED_OUT = {
  '/etc/kubernetes/kubelet.conf': 'kind: KubeletConfiguration\n',
  '/etc/crio/crio.conf.d/00-default': '[crio.runtime]\nselinux = true\n',
};

const MCO = 'node.mco-drift notapplicable no-machine-config';
const NO_KUBELET = 'node.kubelet-hardening notapplicable no-kubelet';
const NO_CRIO = 'seccomp.crio-profile notapplicable no-crio';
const NO_CONTAINERS = 'runtime.privileged notapplicable no-containers';

/** What is on the node, and some of the lines that say what it does not have. */
const NODES: readonly (readonly [name: string, files: Files, lines: readonly string[]])[] = [
  [
    'RHEL 9 with podman and no container',
    { ...SYSTEM, ...rhel('9.4'), ...CONTAINERS },
    [MCO, NO_KUBELET, NO_CRIO, NO_CONTAINERS],
  ],
  [
    'RHEL 9 with a container of podman that runs as a user',
    {
      ...SYSTEM,
      ...rhel('9.4'),
      ...CONTAINERS,
      ...containerFiles({ runtime: 'libpod', uid: 1001 }),
    },
    [MCO, NO_KUBELET, NO_CRIO, 'runtime.privileged pass'],
  ],
  [
    'RHEL 10 with nothing of containers',
    { ...SYSTEM, ...rhel('10.0') },
    [MCO, NO_KUBELET, NO_CRIO, NO_CONTAINERS],
  ],
  [
    'RHEL 8 with CRI-O and control groups of version 1',
    {
      ...SYSTEM,
      ...rhel('8.10'),
      ...CONTAINERS,
      ...CRIO,
      ...containerFiles(),
      '/sys/fs/cgroup/cgroup.controllers': undefined,
      '/sys/fs/cgroup/memory/x': '',
    },
    [MCO, NO_KUBELET, 'seccomp.crio-profile pass', 'runtime.cgroup-version pass'],
  ],
  [
    'MicroShift',
    {
      ...SYSTEM,
      ...rhel('9.4'),
      ...CONTAINERS,
      ...CRIO,
      ...containerFiles({ namespace: 'openshift-dns', uid: 0 }),
      '/etc/microshift/config.yaml': '',
      '/etc/crio/crio.conf.d/10-microshift.conf': '[crio.runtime]\nselinux = true\n',
    },
    [MCO, NO_KUBELET, 'runtime.nonroot pass'],
  ],
  [
    'RHEL in image mode',
    {
      ...SYSTEM,
      ...rhel('9.6'),
      ...CONTAINERS,
      '/run/ostree-booted': '',
      '/run/ostree/staged-deployment': 'x',
    },
    [MCO, NO_KUBELET, NO_CRIO],
  ],
  [
    'HyperShift',
    {
      ...SYSTEM,
      ...CONTAINERS,
      ...containerFiles(),
      ...ROLLED_OUT,
      '/etc/os-release': 'ID="rhcos"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.16"\n',
      '/run/ostree-booted': '',
      '/etc/machine-config-daemon/currentconfig': '',
      '/etc/mcd-currentconfig.json': machineConfigOf({
        ...ROLLED_OUT,
        ...Object.fromEntries(
          Object.entries(CONTAINERS).flatMap(([path, text = '']) =>
            path.startsWith('/etc/') ? [[path, text]] : [],
          ),
        ),
      }),
    },
    ['node.mco-drift pass', 'node.mco-state pass', 'node.kubelet-hardening pass @ readOnlyPort'],
  ],
  [
    'HyperShift whose MachineConfig is nowhere',
    {
      ...SYSTEM,
      ...CONTAINERS,
      ...ROLLED_OUT,
      '/etc/os-release': 'ID="rhel"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.19"\n',
      '/etc/machine-config-daemon/currentconfig': '',
    },
    [MCO, 'node.mco-state notapplicable no-machine-config', NO_CONTAINERS],
  ],
];

for (const [name, files, expected] of NODES) {
  t.test(`on ${name} nothing fails and nothing is an error`, async (t) => {
    const root = t.testdir(treeOf(files));
    const context = contextAt(root);
    const { profile } = await profileFor(context.host, undefined, checks);
    const ran = await runChecks(checks, { ...context, values: profile.values, profile });
    const results = ran.flatMap((check) => check.results);
    const lines = results.map(lineOf);
    const isOwned = process.getuid?.() === 0;
    t.strictSame(
      lines.filter(
        (line) =>
          /^\S+ (?:fail|error)/.test(line) &&
          (isOwned || !line.startsWith('node.file-permissions')),
      ),
      [],
    );
    for (const line of expected) t.ok(lines.includes(line), line);
    const spoken = new Set(results.map(({ ruleId }) => ruleId));
    t.equal(spoken.size, checks.flatMap(({ rules }) => rules).length, 'every rule speaks');
    t.notOk(lines.some((line) => line.includes('no-statement')));
  });
}
