import { posix } from 'node:path';
import type { SpecMount } from '../container-spec.ts';
import { NO_SPEC, type Question } from './runtime-approval.ts';

/** What keeps a container apart from the node: namespaces, hidden paths, mounts. */
export const nodeNamespaces: Question = {
  otherwise: [
    'has process, IPC and network namespaces of its own',
    'have process, IPC and network namespaces of their own',
  ],
  judge: ({ shares, subject }) => {
    if (shares === undefined) return NO_SPEC;
    if ('message' in shares) {
      const message = `${shares.message}: to read the namespaces of processes takes CAP_SYS_PTRACE`;
      return { result: 'error', reason: shares.reason, message, observed: { path: shares.path } };
    }
    if (shares.size === 0) return undefined;
    const names = [...shares].join(', ');
    return {
      result: 'fail',
      reason: 'host-namespaces',
      message: `the container ${subject} runs with ${names}`,
      observed: {
        hostPID: shares.has('hostPID'),
        hostIPC: shares.has('hostIPC'),
        hostNetwork: shares.has('hostNetwork'),
      },
      expected: { hostPID: false, hostIPC: false, hostNetwork: false },
    };
  },
};

/** What every runtime of the supported releases hides; newer ones hide more. */
const MASKED = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
];
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** A privileged container has nothing hidden by design; `privileged` speaks of it. */
export const hiddenPaths: Question = {
  otherwise: [
    'has the sensitive files of /proc and /sys hidden, or is privileged',
    'have the sensitive files of /proc and /sys hidden, or are privileged',
  ],
  judge: ({ spec, isPrivileged, subject }) => {
    if (isPrivileged) return undefined;
    if (spec === undefined) return NO_SPEC;
    const masked = new Set(spec.maskedPaths.map(posix.normalize));
    const readonly = new Set(spec.readonlyPaths.map(posix.normalize));
    const lacking = [
      ...MASKED.filter((path) => !masked.has(path)),
      ...READONLY.filter((path) => !readonly.has(path) && !masked.has(path)),
    ];
    if (lacking.length === 0) return undefined;
    return {
      result: 'fail',
      reason: 'unmasked',
      message: `the container ${subject} reaches ${lacking.join(', ')}`,
      observed: { open: lacking.join(' ') },
      expected: { open: '' },
    };
  },
};

interface SensitivePath {
  readonly path: string;
  /** What lies below it is as bad; else only the path itself, since volumes and caches lie below. */
  readonly below?: true;
  /** To read it is harmless. */
  readonly ifWritable?: true;
}

/** `/var/run` is `/run` on every supported system. */
const SENSITIVE: readonly SensitivePath[] = [
  { path: '/' },
  { path: '/boot', ifWritable: true },
  { path: '/dev', ifWritable: true },
  { path: '/etc' },
  { path: '/etc/crio', below: true, ifWritable: true },
  { path: '/etc/kubernetes', below: true },
  { path: '/etc/shadow' },
  { path: '/proc', below: true },
  { path: '/root' },
  { path: '/run' },
  { path: '/run/containerd' },
  { path: '/run/containerd/containerd.sock' },
  { path: '/run/crio', below: true },
  { path: '/run/docker.sock' },
  { path: '/run/podman', below: true },
  { path: '/sys', ifWritable: true },
  { path: '/usr', ifWritable: true },
  { path: '/var' },
  { path: '/var/lib' },
  { path: '/var/lib/containers' },
  { path: '/var/lib/containers/storage' },
  { path: '/var/lib/etcd', below: true },
  { path: '/var/lib/kubelet' },
  { path: '/var/lib/kubelet/config.json' },
  { path: '/var/lib/kubelet/kubeconfig' },
  { path: '/var/lib/kubelet/pki', below: true },
  { path: '/var/lib/kubelet/pods' },
];

export const sensitiveMounts: Question = {
  otherwise: ['mounts no sensitive path of the node', 'mount no sensitive path of the node'],
  judge: ({ spec, subject }) => {
    if (spec === undefined) return NO_SPEC;
    const found = [...new Set(spec.mounts.flatMap((mount) => sensitiveSource(mount) ?? []))].sort();
    if (found.length === 0) return undefined;
    return {
      result: 'fail',
      reason: 'host-mounts',
      message: `the container ${subject} mounts ${found.join(', ')} of the node`,
      observed: { mounts: found.join(' ') },
      expected: { mounts: '' },
    };
  },
};

/** The path of the node that a mount gives away; undefined for one that does not. */
function sensitiveSource({ type, source, options }: SpecMount): string | undefined {
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  if (!isBind || source?.startsWith('/') !== true) return undefined;
  const plain = posix.resolve(source).replace(/^\/var\/run(?=\/|$)/, '/run');
  const isWritable = !options.includes('ro');
  const isSensitive = SENSITIVE.some(
    ({ path, below, ifWritable }) =>
      (plain === path || (below === true && plain.startsWith(`${path}/`))) &&
      (isWritable || ifWritable !== true),
  );
  return isSensitive ? plain : undefined;
}
