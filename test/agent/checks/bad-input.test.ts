// One piece: one table of what a node can hold in place of each file that a check reads.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import t from 'tap';
import { fips } from '../../../agent/checks/fips.ts';
import { node } from '../../../agent/checks/node.ts';
import { registries } from '../../../agent/checks/registries.ts';
import { runtime } from '../../../agent/checks/runtime.ts';
import { seccomp } from '../../../agent/checks/seccomp.ts';
import { selinux } from '../../../agent/checks/selinux.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { acceptableFiles, surveyFiles } from '../../../agent/survey.ts';
import { configPathOf, containerFiles, NODE_PROCESS } from '../../support/container-tree.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';
import { policyOf, statusOf } from '../../support/selinux-policy.ts';
import { fixture } from '../../support/trust-fixtures.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const CHECKS = [selinux, fips, seccomp, runtime, trustPolicy, registries, node];
/** What a profile asks for, so that no rule is without a question. */
const VALUES = {
  sysctls: { 'kernel.dmesg_restrict': ['1'] },
  kernelArguments: ['fips=1'],
  allowedRegistries: ['quay.io', 'registry.redhat.io', 'registry.access.redhat.com'],
  allowedMirrors: ['m.test'],
};
const POLICY = '/etc/containers/policy.json';
const REGISTRY = '/etc/containers/registries.d/quay.yaml';
const CRIO = '/etc/crio/crio.conf.d/00-default';
const BOOLEAN = '/sys/fs/selinux/booleans/container_use_devices';
const SELINUX_POLICY = '/etc/selinux/targeted/policy/policy.33';
const STORE = '/etc/selinux/targeted/active';
const NAMESPACE = '/etc/crio/policies/shop.json';
const LOCALHOST = '/var/lib/kubelet/seccomp/a.json';
const ENTRY = '/boot/loader/entries/ostree-1-rhcos.conf';
const KUBELET = '/etc/kubernetes/kubelet.conf';
const UNIT = '/etc/systemd/system/kubelet.service';
const ANNOTATIONS = '/etc/machine-config-daemon/node-annotations.json';
const SECRET = '/etc/machine-config-daemon/orig/etc/x.mcdorig';
const PRIVILEGED = {
  id: 'b',
  pid: 2001,
  namespace: 'openshift-dns',
  seccomp: 0,
  label: 'system_u:system_r:spc_t:s0',
} as const;
const CONFIG_JSON = configPathOf(PRIVILEGED);

const SIGNED = [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }];
const POLICY_TEXT = JSON.stringify({
  default: [{ type: 'reject' }],
  transports: {
    docker: {
      'quay.io': SIGNED,
      'registry.redhat.io': SIGNED,
      'registry.access.redhat.com': SIGNED,
    },
  },
});
const ROLLED_OUT = {
  [POLICY]: POLICY_TEXT,
  [NAMESPACE]: POLICY_TEXT,
  [REGISTRY]:
    'docker:\n  quay.io:\n    lookaside: https://sig.example.test\n' +
    '  registry.redhat.io:\n    lookaside: https://registry.redhat.io/containers/sigstore\n' +
    '  registry.access.redhat.com:\n    lookaside: https://access.redhat.com/webassets/docker/content/sigstore\n',
  [CRIO]: '[crio.runtime]\nselinux = true\n',
  [LOCALHOST]: '{"defaultAction":"SCMP_ACT_ERRNO"}',
};

/** A node on which every rule of every check passes. */
const NODE: Readonly<Record<string, string | Buffer | undefined>> = {
  ...ROLLED_OUT,
  ...NODE_PROCESS,
  ...containerFiles(),
  ...containerFiles({
    ...PRIVILEGED,
    annotations: { 'io.kubernetes.cri-o.PrivilegedRuntime': 'true' },
  }),
  '/sys/fs/selinux/enforce': '1',
  '/sys/fs/selinux/status': statusOf(4),
  '/sys/fs/selinux/policyvers': '33',
  '/sys/fs/selinux/mls': '1',
  [BOOLEAN]: '0 0',
  [SELINUX_POLICY]: policyOf({ permissive: ['sshd_t'] }),
  [`/usr${SELINUX_POLICY}`]: policyOf({ permissive: ['sshd_t'] }),
  [`${STORE}/booleans.local`]: '# nothing\n',
  [`${STORE}/modules/100/base/cil`]: 'x',
  [`${STORE}/modules/400/extra_varrun/cil`]: 'x',
  '/etc/selinux/semanage.conf': 'store-root = /etc/selinux\n',
  '/proc/filesystems': 'nodev\tselinuxfs\n',
  '/proc/cmdline': 'boot=UUID=1 fips=1\n',
  '/proc/1/attr/current': 'system_u:system_r:init_t:s0\0',
  '/proc/1/mounts': '/dev/sda3 /boot ext4 rw 0 0\n',
  '/proc/900/attr/current': 'system_u:system_r:sshd_t:s0\0',
  '/proc/sys/crypto/fips_enabled': '1\n',
  '/proc/sys/kernel/osrelease': '5.14.0-1.x86_64\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  [ENTRY]: 'options boot=UUID=1 fips=1\n',
  '/boot/grub2/grubenv': '# GRUB Environment Block\n',
  '/etc/crypto-policies/config': 'FIPS\n',
  '/etc/crypto-policies/state/current': 'FIPS\n',
  '/etc/crypto-policies/back-ends/nss.config': '',
  '/usr/share/crypto-policies/FIPS/nss.txt': '',
  '/etc/crio/crio.conf': '',
  '/etc/containers/registries.conf':
    '[[registry]]\nlocation = "r.test"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.test"\n',
  '/usr/share/containers/seccomp.json': '{"defaultAction":"SCMP_ACT_ERRNO"}',
  [KUBELET]: 'seccompDefault: true\ntlsCipherSuites: [TLS_AES_128_GCM_SHA256]\n',
  [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet --v=2\n',
  [ANNOTATIONS]: '{"machineconfiguration.openshift.io/state":"Done"}',
  [SECRET]: '',
  '/proc/sys/kernel/dmesg_restrict': '1\n',
  '/etc/key': fixture('keys/rsa.asc').toString(),
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
  '/etc/os-release': 'VARIANT_ID=coreos\n',
  '/etc/containers/storage.conf': '[storage]\ndriver = "overlay"\n',
  '/etc/machine-config-daemon/currentconfig': machineConfigOf(ROLLED_OUT, { fips: true }),
};

const CRIO_RULES = [
  'selinux.crio-enabled',
  'seccomp.crio-profile',
  'seccomp.legacy-override',
  'registries.insecure',
  'registries.short-names',
  'fips.container-override',
];
const POLICY_RULES = [
  'default-reject',
  'redhat-signed',
  'scope-lint',
  'key-files',
  'key-fingerprints',
];
const PERMISSIONS = 'node.file-permissions';
const RUNTIME_RULES = [
  'seccomp.containers-filtered',
  'fips.container-override',
  ...runtime.rules.map(({ id }) => id),
];
const LABEL_RULES = ['runtime.mcs-unique', 'runtime.selinux-domain'];
const BOOT_RULES = ['selinux.kernel-args', 'fips.kernel-args'];
const SELINUX_RULES = ['selinux.booleans', 'selinux.unconfined-daemons'];
const SELINUX_POLICY_RULES = [
  'selinux.policy-type',
  'selinux.policy-unmodified',
  'selinux.permissive-domains',
];
const REGISTRIES_D_RULES = [
  'registries.lookaside-valid',
  'registries.lookaside-managed',
  'registries.lookaside-urls',
  'registries.policy-coherence',
];

/** Every file the checks read, and the rules that may say something else when it is bad. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  '/sys/fs/selinux/enforce': ['selinux.enforcing', ...SELINUX_RULES, ...LABEL_RULES],
  '/sys/fs/selinux/status': ['selinux.uninterrupted'],
  '/sys/fs/selinux/policyvers': SELINUX_POLICY_RULES,
  '/sys/fs/selinux/mls': [],
  [BOOLEAN]: ['selinux.booleans'],
  [dirname(BOOLEAN)]: ['selinux.booleans'],
  [SELINUX_POLICY]: SELINUX_POLICY_RULES,
  [dirname(SELINUX_POLICY)]: SELINUX_POLICY_RULES,
  [`/usr${SELINUX_POLICY}`]: ['selinux.policy-unmodified', 'selinux.permissive-domains'],
  [`${STORE}/booleans.local`]: ['selinux.policy-unmodified'],
  [`${STORE}/modules`]: ['selinux.policy-unmodified'],
  [`${STORE}/modules/400`]: ['selinux.policy-unmodified'],
  '/etc/selinux/semanage.conf': [],
  '/proc/900/attr/current': ['selinux.unconfined-daemons'],
  '/proc/filesystems': [],
  '/proc/cmdline': [...BOOT_RULES, 'node.kernel-hardening'],
  '/proc/1/attr/current': ['selinux.unconfined-daemons'],
  '/proc/1/mounts': [],
  '/proc/1/cgroup': RUNTIME_RULES,
  '/proc/1/status': RUNTIME_RULES,
  '/proc/2000/cgroup': RUNTIME_RULES,
  '/proc/2000/status': RUNTIME_RULES,
  '/proc/2000/attr/current': [...LABEL_RULES, 'selinux.unconfined-daemons'],
  '/proc/2000/uid_map': [],
  [configPathOf({})]: [
    'runtime.host-namespaces',
    'runtime.masked-paths',
    'runtime.host-mounts',
    'fips.container-override',
  ],
  [CONFIG_JSON]: RUNTIME_RULES,
  '/sys/fs/cgroup/cgroup.controllers': ['runtime.cgroup-version'],
  '/proc/sys/kernel/dmesg_restrict': ['node.kernel-hardening'],
  '/proc/sys/crypto/fips_enabled': [
    'fips.kernel-enabled',
    'fips.cluster-intent',
    'fips.container-override',
  ],
  '/proc/sys/kernel/osrelease': [],
  '/proc/sys/kernel/seccomp/actions_avail': ['seccomp.kernel-support'],
  '/etc/selinux/config': ['selinux.config-enforcing', ...SELINUX_POLICY_RULES, PERMISSIONS],
  [ENTRY]: BOOT_RULES,
  [dirname(ENTRY)]: BOOT_RULES,
  '/boot/grub2/grubenv': BOOT_RULES,
  '/etc/crypto-policies/config': ['fips.crypto-policy-applied'],
  '/etc/crypto-policies/state/current': ['fips.crypto-policy', 'fips.crypto-policy-applied'],
  '/etc/crypto-policies/back-ends/nss.config': ['fips.crypto-policy-applied'],
  '/etc/crio/crio.conf': CRIO_RULES,
  [CRIO]: [...CRIO_RULES, PERMISSIONS, 'node.mco-drift'],
  [dirname(CRIO)]: [...CRIO_RULES, 'registries.unmanaged-files', PERMISSIONS, 'node.mco-drift'],
  [KUBELET]: ['seccomp.kubelet-default', 'node.kubelet-hardening', PERMISSIONS],
  [UNIT]: ['seccomp.kubelet-default', 'node.kubelet-hardening', PERMISSIONS],
  [ANNOTATIONS]: ['node.mco-state'],
  [SECRET]: [PERMISSIONS],
  '/usr/share/containers/seccomp.json': ['seccomp.podman-profile'],
  '/etc/containers/registries.conf': [
    'registries.insecure',
    'registries.policy-coherence',
    PERMISSIONS,
    'registries.allowed-effective',
    'registries.short-names',
    'registries.mirrors',
  ],
  '/etc/key': ['trust.key-files', 'trust.key-fingerprints'],
  [NAMESPACE]: ['trust.namespace-policies', 'trust.key-files', 'node.mco-drift', PERMISSIONS],
  [dirname(NAMESPACE)]: [
    'trust.namespace-policies',
    'registries.unmanaged-files',
    'node.mco-drift',
    PERMISSIONS,
  ],
  [LOCALHOST]: ['seccomp.localhost-profiles', 'node.mco-drift'],
  [dirname(LOCALHOST)]: ['seccomp.localhost-profiles', 'node.mco-drift'],
  '/etc/passwd': [],
  '/etc/os-release': [],
  '/etc/containers/storage.conf': [PERMISSIONS],
  [POLICY]: [
    'trust.policy-valid',
    'trust.policy-managed',
    ...POLICY_RULES.map((rule) => `trust.${rule}`),
    'trust.namespace-policies',
    'registries.lookaside-urls',
    'registries.policy-coherence',
    PERMISSIONS,
    'registries.allowed-effective',
  ],
  [REGISTRY]: [...REGISTRIES_D_RULES, PERMISSIONS],
  [dirname(REGISTRY)]: [...REGISTRIES_D_RULES, 'registries.unmanaged-files', PERMISSIONS],
  '/etc/machine-config-daemon/currentconfig': [
    'fips.cluster-intent',
    'trust.policy-managed',
    'registries.lookaside-managed',
    'registries.unmanaged-files',
    'node.mco-drift',
    'node.mco-state',
    PERMISSIONS,
    'trust.namespace-policies',
    'seccomp.localhost-profiles',
  ],
};

interface Kind {
  readonly make: (path: string) => void;
  /** Reason of the error where the file cannot be read at all. */
  readonly reason?: string;
  /** Only for files in a language with brackets. */
  readonly isNested?: true;
}

const DEPTH = 20_000;
const BRACKETS =
  /crio|registries\.conf|seccomp|kubelet|annotations|policy\.json|quay\.yaml|currentconfig|config\.json|storage\.conf/;
const KINDS: Readonly<Record<string, Kind>> = {
  absent: { make: () => {} },
  empty: { make: (path) => writeFileSync(path, '') },
  binary: { make: (path) => writeFileSync(path, Buffer.from([0, 1, 0xfe, 0xff, 0x0a, 0x80])) },
  'one endless line': { make: (path) => writeFileSync(path, 'x'.repeat(1_000_000)) },
  'nested deeply in lists': {
    make: (path) => writeFileSync(path, `a = ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`),
    isNested: true,
  },
  'nested deeply in objects': {
    make: (path) => writeFileSync(path, '{"a":'.repeat(DEPTH)),
    isNested: true,
  },
  'a folder': { make: (path) => mkdirSync(path), reason: 'not-a-file' },
  'a fifo': { make: (path) => execFileSync('mkfifo', [path]), reason: 'not-a-file' },
  'a sparse file of 50 MB': {
    make: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 50_000_000);
    },
    reason: 'too-large',
  },
  'a link to itself': {
    make: (path) => symlinkSync(basename(path), path),
    reason: 'link-loop',
  },
};

/** It looks at every file of the folders that configure the node, whatever it is. */
const EVERYWHERE = ['node.unmanaged-files'];

/** Answers that follow from another rule's error, and rules that judge a file by its kind. */
const CONSEQUENCES: readonly RegExp[] = [
  / unknown (?:no-policy|not-read)(?: @|$)/,
  / not-a-folder(?: @|$)/,
  /^trust\.policy-managed fail link$/,
  // Whatever it is that stands there, it is not what tells the version.
  /^runtime\.cgroup-version error not-visible$/,
  /^node\.file-permissions fail (?:link|not-a-file) /,
  /^node\.mco-drift fail (?:missing|dangling-link|link) /,
  /^seccomp\.localhost-profiles notapplicable no-profiles$/,
];
const isRoot = process.getuid?.() === 0;
const FOLDERS = new Set(
  [ENTRY, CRIO, REGISTRY, SELINUX_POLICY, NAMESPACE, LOCALHOST].map((path) => dirname(path)),
);

/** What was accepted of this node: its keys, and the files that no MachineConfig brings. */
const accepted = contextAt(t.testdir(treeOf(NODE)));
const baseline = captureBaseline({
  findings: await trustPolicy.run(accepted, AbortSignal.timeout(10_000)),
  files: acceptableFiles(
    await surveyFiles(accepted.host, await desiredState(accepted.host, undefined)),
  ),
  acceptedAt: '2026-01-01T00:00:00Z',
  acceptedBy: 'admin',
});

const inOrder = await sayAll(t.testdir(treeOf(NODE)));

t.test('on a node in order every rule that can look passes', async (t) => {
  t.strictSame(
    inOrder.filter((line) => !/ pass( @|$)/.test(line)),
    ['selinux.file-labels notchecked no-xattr'],
  );
});

for (const [path, rules] of Object.entries(FILES)) {
  t.test(`${path} touches only its own rules, however bad it is`, async (t) => {
    const root = t.testdir(treeOf(NODE));
    const file = root + path;
    renameSync(file, `${root}/kept`);
    for (const [kind, { make, reason, isNested }] of Object.entries(KINDS)) {
      if (isNested && !BRACKETS.test(path)) continue;
      make(file);
      for (const line of changes(inOrder, await sayAll(root))) {
        const isOwn = [...rules, ...EVERYWHERE].some((rule) => line.startsWith(`${rule} `));
        t.ok(isOwn && isRight(path, line, reason), `${kind}: ${line}`);
      }
      rmSync(file, { recursive: true, force: true });
    }
    if (alwaysPrivileged === false) {
      renameSync(`${root}/kept`, file);
      chmodSync(file, 0o000);
      for (const line of changes(inOrder, await asNobody(() => sayAll(root)))) {
        const isOwn = [...rules, ...EVERYWHERE].some((rule) => line.startsWith(`${rule} `));
        t.ok(isOwn && isRight(path, line, 'permission'), `unreadable: ${line}`);
      }
      chmodSync(file, 0o755);
    }
    t.ok(rules.every((rule) => inOrder.some((line) => line.startsWith(rule))));
  });
}

/** A file that cannot be read at all is an error with its reason, or what follows from one. */
function isRight(path: string, line: string, reason: string | undefined): boolean {
  if (reason === undefined || FOLDERS.has(path)) return true;
  if (CONSEQUENCES.some((one) => one.test(line))) return true;
  return line.split(' ').slice(1, 3).join(' ') === `error ${reason}`;
}

async function sayAll(root: string): Promise<readonly string[]> {
  const spoken = CHECKS.map((check) => say(check, root, baseline, VALUES));
  const lines = (await Promise.all(spoken)).flat();
  // Files of tests belong to whoever runs them.
  return isRoot ? lines : lines.filter((line) => !line.startsWith(PERMISSIONS));
}

function changes(before: readonly string[], after: readonly string[]): readonly string[] {
  return after.filter((line) => !before.includes(line));
}
