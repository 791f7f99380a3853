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
import { registries } from '../../../agent/checks/registries.ts';
import { seccomp } from '../../../agent/checks/seccomp.ts';
import { selinux } from '../../../agent/checks/selinux.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';
import { policyOf, statusOf } from '../../support/selinux-policy.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const CHECKS = [selinux, fips, seccomp, trustPolicy, registries];
const ID = 'a'.repeat(64);
const PRIVILEGED = 'b'.repeat(64);
const POLICY = '/etc/containers/policy.json';
const REGISTRY = '/etc/containers/registries.d/quay.yaml';
const CRIO = '/etc/crio/crio.conf.d/00-default';
const BOOLEAN = '/sys/fs/selinux/booleans/container_use_devices';
const SELINUX_POLICY = '/etc/selinux/targeted/policy/policy.33';
const STORE = '/etc/selinux/targeted/active';
const ENTRY = '/boot/loader/entries/ostree-1-rhcos.conf';
const CONFIG_JSON = `/run/containers/storage/overlay-containers/${PRIVILEGED}/userdata/config.json`;

const ROLLED_OUT = {
  [POLICY]: JSON.stringify({
    default: [{ type: 'reject' }],
    transports: {
      docker: { 'quay.io': [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: '/etc/key' }] },
    },
  }),
  [REGISTRY]: 'docker:\n  quay.io:\n    lookaside: https://sig.example.test\n',
  [CRIO]: '[crio.runtime]\nselinux = true\n',
};
const process = (mode: number): string => `Name:\tp\nSeccomp:\t${mode}\n`;
const group = (id: string): string => `0::/kubepods.slice/crio-${id}.scope\n`;

/** A node on which every rule of every check passes. */
const NODE: Readonly<Record<string, string | Buffer>> = {
  ...ROLLED_OUT,
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
  '/proc/1/cgroup': '0::/init.scope\n',
  '/proc/900/attr/current': 'system_u:system_r:sshd_t:s0\0',
  '/proc/2000/cgroup': group(ID),
  '/proc/2000/status': process(2),
  '/proc/2001/cgroup': group(PRIVILEGED),
  '/proc/2001/status': process(0),
  [CONFIG_JSON]: '{"annotations":{"io.kubernetes.cri-o.PrivilegedRuntime":"true"}}',
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
  '/etc/containers/registries.conf': '',
  '/usr/share/containers/seccomp.json': '{"defaultAction":"SCMP_ACT_ERRNO"}',
  '/etc/kubernetes/kubelet.conf': 'seccompDefault: true\n',
  '/etc/key': 'key',
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
];
const BOOT_RULES = ['selinux.kernel-args', 'fips.kernel-args'];
const RUNTIME_RULES = ['selinux.booleans', 'selinux.unconfined-daemons'];
const POLICY_RULES = [
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
  '/sys/fs/selinux/enforce': ['selinux.enforcing', ...RUNTIME_RULES],
  '/sys/fs/selinux/status': ['selinux.uninterrupted'],
  '/sys/fs/selinux/policyvers': POLICY_RULES,
  '/sys/fs/selinux/mls': [],
  [BOOLEAN]: ['selinux.booleans'],
  [dirname(BOOLEAN)]: ['selinux.booleans'],
  [SELINUX_POLICY]: POLICY_RULES,
  [dirname(SELINUX_POLICY)]: POLICY_RULES,
  [`/usr${SELINUX_POLICY}`]: ['selinux.policy-unmodified', 'selinux.permissive-domains'],
  [`${STORE}/booleans.local`]: ['selinux.policy-unmodified'],
  [`${STORE}/modules`]: ['selinux.policy-unmodified'],
  [`${STORE}/modules/400`]: ['selinux.policy-unmodified'],
  '/etc/selinux/semanage.conf': [],
  '/proc/900/attr/current': ['selinux.unconfined-daemons'],
  '/proc/filesystems': [],
  '/proc/cmdline': BOOT_RULES,
  '/proc/1/attr/current': ['selinux.unconfined-daemons'],
  '/proc/1/mounts': [],
  '/proc/1/cgroup': ['seccomp.containers-filtered'],
  '/proc/2000/cgroup': ['seccomp.containers-filtered'],
  '/proc/2000/status': ['seccomp.containers-filtered'],
  [CONFIG_JSON]: ['seccomp.containers-filtered'],
  '/proc/sys/crypto/fips_enabled': ['fips.kernel-enabled', 'fips.cluster-intent'],
  '/proc/sys/kernel/osrelease': [],
  '/proc/sys/kernel/seccomp/actions_avail': ['seccomp.kernel-support'],
  '/etc/selinux/config': ['selinux.config-enforcing', ...POLICY_RULES],
  [ENTRY]: BOOT_RULES,
  [dirname(ENTRY)]: BOOT_RULES,
  '/boot/grub2/grubenv': BOOT_RULES,
  '/etc/crypto-policies/config': ['fips.crypto-policy-applied'],
  '/etc/crypto-policies/state/current': ['fips.crypto-policy', 'fips.crypto-policy-applied'],
  '/etc/crypto-policies/back-ends/nss.config': ['fips.crypto-policy-applied'],
  '/etc/crio/crio.conf': CRIO_RULES,
  [CRIO]: CRIO_RULES,
  [dirname(CRIO)]: [...CRIO_RULES, 'registries.unmanaged-files'],
  '/etc/kubernetes/kubelet.conf': ['seccomp.kubelet-default'],
  '/usr/share/containers/seccomp.json': ['seccomp.podman-profile'],
  '/etc/containers/registries.conf': ['registries.insecure', 'registries.policy-coherence'],
  '/etc/key': ['trust.key-files'],
  '/etc/passwd': [],
  '/etc/os-release': [],
  '/etc/containers/storage.conf': [],
  [POLICY]: [
    'trust.policy-valid',
    'trust.policy-managed',
    'trust.key-files',
    'registries.policy-coherence',
  ],
  [REGISTRY]: REGISTRIES_D_RULES,
  [dirname(REGISTRY)]: [...REGISTRIES_D_RULES, 'registries.unmanaged-files'],
  '/etc/machine-config-daemon/currentconfig': [
    'fips.cluster-intent',
    'trust.policy-managed',
    'registries.lookaside-managed',
    'registries.unmanaged-files',
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
  /crio|registries\.conf|seccomp\.json|kubelet|policy\.json|quay\.yaml|currentconfig|config\.json|storage\.conf/;
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

/** Answers that follow from another rule's error, and rules that judge a file by its kind. */
const CONSEQUENCES: readonly RegExp[] = [
  / unknown (?:no-policy|not-read)$/,
  / not-a-folder(?: @|$)/,
  /^trust\.policy-managed fail link$/,
];
const FOLDERS = new Set([ENTRY, CRIO, REGISTRY, SELINUX_POLICY].map(dirname));

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
        const isOwn = rules.some((rule) => line.startsWith(`${rule} `));
        t.ok(isOwn && isRight(path, line, reason), `${kind}: ${line}`);
      }
      rmSync(file, { recursive: true, force: true });
    }
    if (alwaysPrivileged === false) {
      renameSync(`${root}/kept`, file);
      chmodSync(file, 0o000);
      for (const line of changes(inOrder, await asNobody(() => sayAll(root)))) {
        const isOwn = rules.some((rule) => line.startsWith(`${rule} `));
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
  return (await Promise.all(CHECKS.map((check) => say(check, root)))).flat();
}

function changes(before: readonly string[], after: readonly string[]): readonly string[] {
  return after.filter((line) => !before.includes(line));
}
