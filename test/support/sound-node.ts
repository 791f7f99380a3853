import { configPathOf, containerFiles, NODE_PROCESS } from './container-tree.ts';
import { machineConfigOf } from './machine-config.ts';
import { policyOf, statusOf } from './selinux-policy.ts';
import { fixture } from './trust-fixtures.ts';

export const POLICY: string = '/etc/containers/policy.json';
export const REGISTRY: string = '/etc/containers/registries.d/quay.yaml';
export const CRIO: string = '/etc/crio/crio.conf.d/00-default';
export const BOOLEAN: string = '/sys/fs/selinux/booleans/container_use_devices';
export const SELINUX_POLICY: string = '/etc/selinux/targeted/policy/policy.33';
export const STORE: string = '/etc/selinux/targeted/active';
export const NAMESPACE: string = '/etc/crio/policies/shop.json';
export const LOCALHOST: string = '/var/lib/kubelet/seccomp/a.json';
export const ENTRY: string = '/boot/loader/entries/ostree-1-rhcos.conf';
export const KUBELET: string = '/etc/kubernetes/kubelet.conf';
export const UNIT: string = '/etc/systemd/system/kubelet.service';
export const ANNOTATIONS: string = '/etc/machine-config-daemon/node-annotations.json';
export const SECRET: string = '/etc/machine-config-daemon/orig/etc/x.mcdorig';
const PRIVILEGED = {
  id: 'b',
  pid: 2001,
  namespace: 'openshift-dns',
  seccomp: 0,
  label: 'system_u:system_r:spc_t:s0',
} as const;
export const CONFIG_JSON: string = configPathOf(PRIVILEGED);

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
export const NODE: Readonly<Record<string, string | Buffer | undefined>> = {
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
  [UNIT]: `[Service]\nExecStart=/usr/bin/kubelet --config=${KUBELET}\n`,
  [ANNOTATIONS]: '{"machineconfiguration.openshift.io/state":"Done"}',
  [SECRET]: '',
  '/proc/sys/kernel/dmesg_restrict': '1\n',
  '/etc/key': fixture('keys/rsa.asc').toString(),
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
  '/etc/os-release': 'VARIANT_ID=coreos\n',
  '/etc/containers/storage.conf': '[storage]\ndriver = "overlay"\n',
  '/etc/machine-config-daemon/currentconfig': machineConfigOf(ROLLED_OUT, { fips: true }),
};
