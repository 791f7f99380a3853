type Files = Readonly<Record<string, string | undefined>>;

/** What differs of a container in a test from one that is in order. */
export interface TestContainer {
  /** One hexadecimal digit, of which its id is made. */
  readonly id?: string;
  readonly runtime?: 'crio' | 'libpod';
  readonly pid?: number;
  readonly uid?: number;
  /** As in proc(5) status: hexadecimal. */
  readonly effective?: string;
  readonly ambient?: string;
  readonly noNewPrivileges?: 0 | 1;
  readonly seccomp?: 0 | 2;
  readonly label?: string;
  readonly namespace?: string;
  readonly pod?: string;
  readonly name?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uidMap?: string;
  /** Members of the specification by their names: `process`, `linux`, `mounts`. */
  readonly process?: object;
  readonly linux?: object;
  readonly mounts?: readonly object[];
  /** Without its config.json. */
  readonly isBare?: true;
}

const ALL_CAPABILITIES = '000001ffffffffff';

/** The first process of a node, and what SELinux shows of itself. */
export const NODE_PROCESS: Files = {
  '/proc/1/cgroup': '0::/init.scope\n',
  '/proc/1/status': `Uid:\t0\t0\t0\t0\nCapEff:\t${ALL_CAPABILITIES}\nCapBnd:\t${ALL_CAPABILITIES}\n`,
  '/sys/fs/selinux/enforce': '1',
  '/sys/fs/cgroup/cgroup.controllers': 'cpu memory pids\n',
};

/** The 64 digits of an id made of one. */
export function idOf(digit: string): string {
  return digit.repeat(64);
}

/** The control group of a container, as systemd and the runtime name it. */
export function cgroupOf({ id = 'a', runtime = 'crio' }: TestContainer): string {
  const slice =
    runtime === 'crio'
      ? `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${id}.slice`
      : '/machine.slice';
  return `${slice}/${runtime}-${idOf(id)}.scope`;
}

/** Where the specification of a container lies. */
export function configPathOf({ id = 'a' }: TestContainer): string {
  return `/run/containers/storage/overlay-containers/${idOf(id)}/userdata/config.json`;
}

/** The files of a node that show a container, by their paths. */
export function containerFiles(container: TestContainer = {}): Files {
  const {
    pid = 2000,
    uid = 1000690000,
    label = 'system_u:system_r:container_t:s0:c5,c26',
  } = container;
  const { effective = '0000000000000000', ambient = '0000000000000000' } = container;
  const users = `${uid}\t${uid}\t${uid}\t${uid}`;
  return {
    [`/proc/${pid}/cgroup`]: `0::${cgroupOf(container)}\n`,
    [`/proc/${pid}/status`]: [
      'Name:\tp',
      `Uid:\t${users}`,
      `Gid:\t${users}`,
      `CapEff:\t${effective}`,
      `CapBnd:\t${effective}`,
      `CapAmb:\t${ambient}`,
      `NoNewPrivs:\t${container.noNewPrivileges ?? 1}`,
      `Seccomp:\t${container.seccomp ?? 2}`,
      '',
    ].join('\n'),
    [`/proc/${pid}/attr/current`]: `${label}\0`,
    [`/proc/${pid}/uid_map`]: container.uidMap ?? '         0          0 4294967295\n',
    ...(container.isBare === true
      ? {}
      : { [configPathOf(container)]: JSON.stringify(specOf(container)) }),
  };
}

/** As CRI-O 1.29 and podman 4.3 write it, without what no check asks for. */
function specOf(container: TestContainer): object {
  const { namespace = 'shop', pod = 'cart-0', name = 'web', runtime = 'crio' } = container;
  const kubernetes = {
    'io.kubernetes.cri-o.ContainerType': 'container',
    'io.kubernetes.cri-o.SandboxID': idOf('0'),
    'io.kubernetes.cri-o.Name': `k8s_${name}_${pod}_${namespace}_uid_0`,
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.name': pod,
    'io.kubernetes.container.name': name,
  };
  const podman = {
    'io.container.manager': 'libpod',
    'io.podman.annotations.privileged': 'FALSE',
  };
  return {
    ociVersion: '1.0.2',
    annotations: { ...(runtime === 'crio' ? kubernetes : podman), ...container.annotations },
    process: { user: { uid: 1000690000, gid: 0 }, noNewPrivileges: true, ...container.process },
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      maskedPaths: [
        '/proc/acpi',
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/timer_stats',
        '/proc/sched_debug',
        '/proc/scsi',
        '/sys/firmware',
      ],
      readonlyPaths: [
        '/proc/asound',
        '/proc/bus',
        '/proc/fs',
        '/proc/irq',
        '/proc/sys',
        '/proc/sysrq-trigger',
      ],
      ...container.linux,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      {
        destination: '/etc/hosts',
        type: 'bind',
        source: '/var/lib/kubelet/pods/1/etc-hosts',
        options: ['rw', 'rbind', 'rprivate', 'bind'],
      },
      ...(container.mounts ?? []),
    ],
  };
}
