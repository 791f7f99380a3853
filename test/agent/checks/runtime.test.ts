// One piece: tables of containers and nodes for the rules of one check.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import t from 'tap';
import { runtime } from '../../../agent/checks/runtime.ts';
import {
  cgroupOf,
  configPathOf,
  containerFiles,
  idOf,
  NODE_PROCESS,
  type TestContainer,
} from '../../support/container-tree.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

type Files = Readonly<Record<string, string | undefined>>;

const ALL = '000001ffffffffff';
const WEB = 'shop/cart-0/web';
/** CAP_SYS_ADMIN and, with it, CAP_NET_RAW. */
const SYS_ADMIN = '0000000000200000';
const ADMIN_RAW = '0000000000202000';
const bind = (source: string, ...options: readonly string[]): object => ({
  destination: '/host',
  type: 'bind',
  source,
  options: ['rbind', ...options],
});
const labelled = (level: string, type = 'container_t'): string =>
  `system_u:system_r:${type}:${level}`;
const second: TestContainer = { id: 'b', pid: 2001, name: 'db' };

/** What differs from a node with the one container, and the lines that do not pass. */
const CASES: readonly (readonly [
  name: string,
  containers: readonly TestContainer[],
  expected: readonly string[],
])[] = [
  ['in order', [{}], []],
  [
    'that has every capability',
    [{ effective: ALL }],
    [
      `runtime.privileged fail privileged @ ${WEB}`,
      `runtime.capabilities fail extra-capabilities @ ${WEB}`,
    ],
  ],
  [
    'whose runtime says that it is privileged',
    [{ annotations: { 'io.kubernetes.cri-o.PrivilegedRuntime': 'true' } }],
    [`runtime.privileged fail privileged @ ${WEB}`],
  ],
  [
    'that is privileged by its specification and runs as a user without capabilities',
    [
      {
        process: { capabilities: { bounding: bounding() } },
        linux: { maskedPaths: [], readonlyPaths: [], namespaces: ownNamespaces() },
      },
    ],
    [`runtime.privileged fail privileged @ ${WEB}`],
  ],
  [
    'that has every capability in a user namespace of its own',
    [{ effective: ALL, uidMap: '0 100000 65536\n' }],
    [`runtime.capabilities fail extra-capabilities @ ${WEB}`],
  ],
  [
    'in a namespace that is approved, whatever it has',
    [
      {
        namespace: 'openshift-monitoring',
        effective: ALL,
        uid: 0,
        noNewPrivileges: 0,
        label: labelled('s0', 'spc_t'),
        linux: {},
        mounts: [bind('/')],
      },
    ],
    [],
  ],
  [
    'with SYS_ADMIN',
    [{ effective: SYS_ADMIN }],
    [`runtime.capabilities fail extra-capabilities @ ${WEB}`],
  ],
  [
    'with an ambient SYS_ADMIN',
    [{ ambient: SYS_ADMIN }],
    [`runtime.capabilities fail extra-capabilities @ ${WEB}`],
  ],
  // CHOWN … SETPCAP and NET_BIND_SERVICE; podman adds SYS_CHROOT and SETFCAP.
  ['with the default capabilities of CRI-O', [{ effective: '00000000000005fb' }], []],
  [
    'with the default capabilities of podman, under CRI-O',
    [{ effective: '00000000800405fb' }],
    [`runtime.capabilities fail extra-capabilities @ ${WEB}`],
  ],
  ['that runs as root', [{ uid: 0, noNewPrivileges: 0 }], [`runtime.nonroot fail root @ ${WEB}`]],
  ['that runs as root of a user namespace', [{ uid: 100000, uidMap: '0 100000 65536\n' }], []],
  [
    'that may gain privileges',
    [{ noNewPrivileges: 0 }],
    [`runtime.no-new-privs fail new-privileges @ ${WEB}`],
  ],
  [
    'whose second process runs as root',
    [{}, { pid: 2001, uid: 0 }],
    [`runtime.nonroot fail root @ ${WEB}`],
  ],
  [
    'with the namespaces of the node',
    [{ linux: { namespaces: [{ type: 'mount' }] } }],
    [`runtime.host-namespaces fail host-namespaces @ ${WEB}`],
  ],
  [
    'with the network of the node by path',
    [
      {
        linux: {
          namespaces: [
            { type: 'pid' },
            { type: 'ipc' },
            { type: 'network', path: '/proc/1/ns/net' },
          ],
        },
      },
    ],
    [`runtime.host-namespaces fail host-namespaces @ ${WEB}`],
  ],
  [
    'with an unmasked /proc',
    [{ linux: { namespaces: ownNamespaces(), maskedPaths: [], readonlyPaths: [] } }],
    [`runtime.masked-paths fail unmasked @ ${WEB}`],
  ],
  [
    'with one path unmasked',
    [
      {
        linux: {
          namespaces: ownNamespaces(),
          readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq'],
        },
      },
    ],
    [`runtime.masked-paths fail unmasked @ ${WEB}`],
  ],
  [
    'without a domain',
    [{ label: labelled('s0', 'spc_t') }],
    [`runtime.selinux-domain fail not-confined @ ${WEB}`],
  ],
  [
    'in the domain of the engine',
    [{ label: labelled('s0', 'container_runtime_t') }],
    [`runtime.selinux-domain fail not-confined @ ${WEB}`],
  ],
  [
    'in a domain of another daemon',
    [{ label: labelled('s0:c1,c2', 'httpd_t') }],
    [`runtime.selinux-domain fail other-domain @ ${WEB}`],
  ],
  ['with systemd inside', [{ label: labelled('s0:c1,c2', 'container_init_t') }], []],
  ['in a domain made by udica', [{ label: labelled('s0:c1,c2', 'my_app.process') }], []],
  [
    'without categories',
    [{ label: labelled('s0') }],
    [`runtime.mcs-unique fail no-categories @ ${WEB}`],
  ],
  [
    'with all categories',
    [{ label: labelled('s0-s0:c0.c1023') }],
    [`runtime.mcs-unique fail all-categories @ ${WEB}`],
  ],
  [
    'with the categories of another namespace, in another order',
    [
      { label: labelled('s0:c5,c26') },
      { ...second, namespace: 'bank', label: labelled('s0:c26,c5') },
    ],
    [`runtime.mcs-unique fail shared @ ${WEB}`, 'runtime.mcs-unique fail shared @ bank/cart-0/db'],
  ],
  ['with the categories of a container of its namespace', [{}, second], []],
  [
    'with the level of a container that nothing confines',
    [{}, { ...second, namespace: 'openshift-dns', label: labelled('s0:c5,c26', 'spc_t') }],
    [],
  ],
  [
    'with the socket of CRI-O',
    [{ mounts: [bind('/var/run/crio/crio.sock')] }],
    [`runtime.host-mounts fail host-mounts @ ${WEB}`],
  ],
  ['with /dev read-only', [{ mounts: [bind('/dev', 'ro')] }], []],
  ...['/', '/etc/', '/etc/kubernetes/manifests', '/proc', '/run', '/run/podman/podman.sock'].map(
    (path) =>
      [
        `with ${path} of the node, read-only`,
        [{ mounts: [bind(path, 'ro')] }],
        [`runtime.host-mounts fail host-mounts @ ${WEB}`],
      ] as const,
  ),
  ...['/dev', '/var/lib/kubelet', '/var/lib/kubelet/pki', '/srv/../etc'].map(
    (path) =>
      [
        `with ${path} of the node`,
        [{ mounts: [bind(path)] }],
        [`runtime.host-mounts fail host-mounts @ ${WEB}`],
      ] as const,
  ),
  ...['/srv', '/etc/localtime', '/var/lib/kubelet/pods/1/volumes/x', '/run/secrets'].map(
    (path) => [`with ${path} of the node`, [{ mounts: [bind(path)] }], []] as const,
  ),
  [
    'that only holds the namespaces of a pod',
    [
      {},
      {
        ...second,
        effective: ALL,
        annotations: { 'io.kubernetes.cri-o.ContainerType': 'sandbox' },
      },
    ],
    [],
  ],
  [
    'whose config.json is not there',
    [{ isBare: true }],
    [
      'runtime.host-namespaces unknown no-config',
      'runtime.masked-paths unknown no-config',
      'runtime.host-mounts unknown no-config',
    ],
  ],
];

function ownNamespaces(): readonly object[] {
  return ['pid', 'network', 'ipc'].map((type) => ({ type }));
}

function bounding(): readonly string[] {
  return 'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
    .split(' ')
    .map((name) => `CAP_${name}`);
}

function nodeWith(containers: readonly TestContainer[], change: Files = {}): Files {
  return { ...NODE_PROCESS, ...Object.assign({}, ...containers.map(containerFiles)), ...change };
}

function notPassing(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !/ pass(?: @|$)/.test(line));
}

for (const [name, containers, expected] of CASES) {
  t.test(`a container ${name}`, async (t) => {
    const lines = await say(runtime, t.testdir(treeOf(nodeWith(containers))));
    t.strictSame(notPassing(lines), expected);
    t.strictSame(
      [...new Set(lines.map((line) => line.split(' ')[0]))],
      runtime.rules.map(({ id }) => id),
      'every rule speaks',
    );
  });
}

const others = runtime.rules.map(({ id }) => id).filter((id) => id !== 'runtime.cgroup-version');
const NODES: readonly (readonly [name: string, change: Files, expected: readonly string[]])[] = [
  [
    'without containers',
    { '/proc/2000/cgroup': '0::/system.slice\n' },
    others.map((id) => `${id} notapplicable no-containers`),
  ],
  [
    'whose processes are not visible',
    { '/proc/1/cgroup': undefined, '/proc/1/status': undefined },
    runtime.rules.map(({ id }) =>
      id === 'runtime.cgroup-version'
        ? `${id} error not-visible @ /proc`
        : `${id} error not-visible`,
    ),
  ],
  [
    'whose only container ended meanwhile',
    { '/proc/2000/status': undefined },
    others.map((id) => `${id} notapplicable no-containers`),
  ],
  [
    'whose only container ended before its specification was read',
    { [configPathOf({})]: undefined, '/proc/2000/status': undefined },
    others.map((id) => `${id} notapplicable no-containers`),
  ],
  [
    'without SELinux',
    {
      '/sys/fs/selinux/enforce': undefined,
      '/proc/filesystems': 'nodev\tproc\n',
      '/proc/2000/attr/current': undefined,
    },
    [
      'runtime.mcs-unique notapplicable selinux-off',
      'runtime.selinux-domain notapplicable selinux-off',
    ],
  ],
  [
    'whose labels are not visible',
    { '/proc/2000/attr/current': undefined },
    ['runtime.mcs-unique error not-visible', 'runtime.selinux-domain error not-visible'],
  ],
  [
    'of OpenShift 4.19 with control groups of version 1',
    {
      '/etc/os-release': 'OPENSHIFT_VERSION="4.19"\n',
      '/sys/fs/cgroup/cgroup.controllers': undefined,
      '/sys/fs/cgroup/memory/x': '',
    },
    ['runtime.cgroup-version fail cgroup-v1'],
  ],
  [
    'of OpenShift 4.18 with control groups of version 1',
    {
      '/etc/os-release': 'OPENSHIFT_VERSION="4.18"\n',
      '/sys/fs/cgroup/cgroup.controllers': undefined,
      '/sys/fs/cgroup/memory/x': '',
    },
    [],
  ],
  [
    'whose control groups are not visible',
    { '/sys/fs/cgroup/cgroup.controllers': undefined },
    ['runtime.cgroup-version error not-visible'],
  ],
  [
    'that limits no process',
    { [`/sys/fs/cgroup${cgroupOf({})}/pids.max`]: 'max\n' },
    [`runtime.cgroup-version fail unlimited-processes @ ${WEB}`],
  ],
  [
    'that limits the processes of the pod',
    {
      [`/sys/fs/cgroup${cgroupOf({})}/pids.max`]: 'max\n',
      [`/sys/fs/cgroup${cgroupOf({}).replace(/\/crio.*/, '')}/pids.max`]: '4096\n',
    },
    [],
  ],
  [
    'that limits no process, by control groups of version 1',
    {
      '/proc/2000/cgroup': `9:pids:${cgroupOf({})}\n1:name=systemd:${cgroupOf({})}\n`,
      [`/sys/fs/cgroup/pids${cgroupOf({})}/pids.max`]: 'max\n',
    },
    [`runtime.cgroup-version fail unlimited-processes @ ${WEB}`],
  ],
  [
    'whose kernel does not say what a process may do',
    { '/proc/2000/status': 'Name:\tp\nUid:\tx\nCapEff:\tfffffffffffffffff\n' },
    [
      `runtime.capabilities unknown no-status @ ${WEB}`,
      `runtime.no-new-privs unknown no-status @ ${WEB}`,
      `runtime.nonroot unknown no-status @ ${WEB}`,
    ],
  ],
  [
    'whose config.json is no JSON',
    { [configPathOf({})]: '{' },
    [
      `runtime.host-namespaces error parse @ ${idOf('a')}`,
      `runtime.masked-paths error parse @ ${idOf('a')}`,
      `runtime.host-mounts error parse @ ${idOf('a')}`,
    ],
  ],
];

for (const [name, change, expected] of NODES) {
  t.test(`a node ${name}`, async (t) => {
    const lines = await say(runtime, t.testdir(treeOf(nodeWith([{}], change))));
    t.strictSame(notPassing(lines), expected);
  });
}

t.test('what is approved', async (t) => {
  const podman: TestContainer = { runtime: 'libpod', uid: 0, effective: '00000000800405fb' };
  const record = JSON.stringify([{ id: idOf('a'), names: ['web'], metadata: '{}' }]);
  const named = { '/var/lib/containers/storage/overlay-containers/containers.json': record };

  t.test('a container of podman has the name of its record, and is approved by it', async (t) => {
    const root = t.testdir(treeOf(nodeWith([podman], named)));
    t.strictSame(notPassing(await say(runtime, root)), ['runtime.nonroot fail root @ web']);
    const approved = { privilegedContainers: ['w*'] };
    t.strictSame(notPassing(await say(runtime, root, undefined, approved)), []);
  });

  t.test('a container of podman without a name is approved by no pattern', async (t) => {
    const root = t.testdir(treeOf(nodeWith([podman])));
    const approved = { privilegedContainers: ['*'] };
    t.strictSame(notPassing(await say(runtime, root, undefined, approved)), [
      `runtime.nonroot fail root @ ${idOf('a')}`,
    ]);
  });

  t.test('a pod of a namespace is not approved by the name of its container', async (t) => {
    const root = t.testdir(treeOf(nodeWith([{ uid: 0 }])));
    const approved = { privilegedContainers: ['*'], privilegedNamespaces: [] };
    t.strictSame(notPassing(await say(runtime, root, undefined, approved)), [
      `runtime.nonroot fail root @ ${WEB}`,
    ]);
  });

  t.test('annotations that a pod brings do not hide its containers', async (t) => {
    const forged = {
      'io.kubernetes.cri-o.Namespace': 'kube-system',
      'io.container.type': 'sandbox',
      'io.podman.annotations.name': 'web',
    };
    const root = t.testdir(treeOf(nodeWith([{ uid: 0, annotations: forged }])));
    const approved = { privilegedContainers: ['web'] };
    t.strictSame(notPassing(await say(runtime, root, undefined, approved)), [
      `runtime.nonroot fail root @ ${WEB}`,
    ]);
  });

  t.test('a container of podman is in no namespace, whatever its annotations say', async (t) => {
    const annotations = { 'io.kubernetes.pod.namespace': 'kube-system' };
    const root = t.testdir(treeOf(nodeWith([{ ...podman, annotations }], named)));
    t.strictSame(notPassing(await say(runtime, root)), ['runtime.nonroot fail root @ web']);
  });

  t.test(
    'the container that holds a pod of podman is no workload, unless privileged',
    async (t) => {
      const path = '/var/lib/containers/storage/overlay-containers/containers.json';
      const names = ['0123456789ab-infra'];
      const infra = { [path]: JSON.stringify([{ id: idOf('a'), names, metadata: '{}' }]) };
      const lines = await say(runtime, t.testdir(treeOf(nodeWith([podman], infra))));
      t.ok(lines.includes('runtime.nonroot notapplicable no-containers'));
      const annotations = { 'io.podman.annotations.privileged': 'TRUE' };
      const files = nodeWith([{ ...podman, annotations }], infra);
      t.strictSame(notPassing(await say(runtime, t.testdir(treeOf(files)))), [
        'runtime.privileged fail privileged @ 0123456789ab-infra',
        'runtime.nonroot fail root @ 0123456789ab-infra',
      ]);
    },
  );

  t.test('those that would fail are counted in the evidence', async (t) => {
    const containers = [{ namespace: 'kube-system', uid: 0 }, second];
    const root = t.testdir(treeOf(nodeWith(containers)));
    const findings = await runtime.run(contextAt(root), AbortSignal.timeout(5000));
    const found = findings.find(({ ruleId }) => ruleId === 'runtime.nonroot');
    t.match(found, { result: 'pass', observed: { approved: 1 }, message: /, except 1 that may$/ });
  });

  t.test('one container and several are spoken of as such', async (t) => {
    const messages = async (
      ...containers: readonly TestContainer[]
    ): Promise<readonly string[]> => {
      const root = t.testdir(treeOf(nodeWith(containers)));
      const findings = await runtime.run(contextAt(root), AbortSignal.timeout(5000));
      return findings.map(({ message }) => message);
    };
    const [one, two] = [await messages({}), await messages({}, second)];
    t.ok(one.includes('1 container runs without the rights of the node'), one.join('\n'));
    t.ok(two.includes('2 containers run without the rights of the node'), two.join('\n'));
    for (const message of one) t.notMatch(message, /\b1 containers|\b1 container (?:run|have)\b/);
  });
});

t.test('what a finding says', async (t) => {
  const SAID: readonly (readonly [rule: string, container: TestContainer, finding: object])[] = [
    [
      'capabilities',
      { effective: ADMIN_RAW },
      { observed: { extra: 'NET_RAW SYS_ADMIN', userNamespace: false }, severity: 'medium' },
    ],
    [
      'capabilities',
      { effective: SYS_ADMIN, uidMap: '0 1 65536' },
      { observed: { userNamespace: true }, severity: 'low' },
    ],
    [
      'host-namespaces',
      { linux: { namespaces: [{ type: 'network' }] } },
      { observed: { hostPID: true, hostIPC: true, hostNetwork: false } },
    ],
    [
      'selinux-domain',
      {
        label: labelled('s0', 'spc_t'),
        linux: { namespaces: [{ type: 'network' }, { type: 'ipc' }] },
      },
      { observed: { type: 'spc_t', cause: 'hostPID' } },
    ],
    [
      'selinux-domain',
      { label: labelled('s0', 'spc_t'), process: { selinuxLabel: labelled('s0', 'spc_t') } },
      { observed: { cause: 'explicit type' } },
    ],
    [
      'selinux-domain',
      { label: labelled('s0', 'spc_t'), effective: ALL },
      { observed: { cause: 'privileged' } },
    ],
    ['host-mounts', { mounts: [bind('/'), bind('/proc')] }, { observed: { mounts: '/ /proc' } }],
  ];
  for (const [rule, container, expected] of SAID) {
    const root = t.testdir(treeOf(nodeWith([container])));
    const findings = await runtime.run(contextAt(root), AbortSignal.timeout(5000));
    t.match(
      findings.find(({ ruleId }) => ruleId === `runtime.${rule}`),
      { result: 'fail', subject: WEB, ...expected },
    );
  }
});

t.test('the links of processes go before the specification', async (t) => {
  const root = t.testdir(treeOf(nodeWith([{ linux: { namespaces: [] } }])));
  for (const [pid, inode] of [
    [1, 1],
    [2000, 2],
  ]) {
    mkdirSync(`${root}/proc/${pid}/ns`);
    for (const name of ['pid', 'ipc', 'net']) {
      symlinkSync(`${name}:[${inode}]`, `${root}/proc/${pid}/ns/${name}`);
    }
  }
  t.ok((await say(runtime, root)).includes('runtime.host-namespaces pass'));
  rmSync(`${root}/proc/2000/ns/pid`);
  symlinkSync('pid:[1]', `${root}/proc/2000/ns/pid`);
  const findings = await runtime.run(contextAt(root), AbortSignal.timeout(5000));
  t.match(
    findings.find(({ ruleId }) => ruleId === 'runtime.host-namespaces'),
    { result: 'fail', observed: { hostPID: true, hostIPC: false, hostNetwork: false } },
  );
});

t.test('without privileges', { skip: alwaysPrivileged }, async (t) => {
  t.test('links that may not be read leave it to the specification', async (t) => {
    const root = t.testdir(treeOf(nodeWith([{}], { '/proc/1/ns/x': '', '/proc/2000/ns/x': '' })));
    chmodSync(`${root}/proc/1/ns`, 0o000);
    chmodSync(`${root}/proc/2000/ns`, 0o000);
    t.strictSame(notPassing(await asNobody(() => say(runtime, root))), []);
    for (const pid of [1, 2000]) chmodSync(`${root}/proc/${pid}/ns`, 0o755);
  });

  t.test('links that nothing replaces are an error that names the privilege', async (t) => {
    const bare: TestContainer = { isBare: true };
    const root = t.testdir(treeOf(nodeWith([bare], { '/proc/1/ns/x': '', '/proc/2000/ns/x': '' })));
    chmodSync(`${root}/proc/2000/ns`, 0o000);
    const findings = await asNobody(() => runtime.run(contextAt(root), AbortSignal.timeout(5000)));
    t.match(
      findings.find(({ ruleId }) => ruleId === 'runtime.host-namespaces'),
      { result: 'error', reason: 'permission', message: /CAP_SYS_PTRACE/ },
    );
    chmodSync(`${root}/proc/2000/ns`, 0o755);
  });

  t.test('labels that may not be read are those of the specification', async (t) => {
    const process = { selinuxLabel: labelled('s0:c5,c26') };
    const root = t.testdir(treeOf(nodeWith([{ process }])));
    chmodSync(`${root}/proc/2000/attr/current`, 0o000);
    t.strictSame(notPassing(await asNobody(() => say(runtime, root))), []);
  });

  t.test('labels that nothing tells are an error that names the privilege', async (t) => {
    const root = t.testdir(treeOf(nodeWith([{}])));
    chmodSync(`${root}/proc/2000/attr/current`, 0o000);
    const findings = await asNobody(() => runtime.run(contextAt(root), AbortSignal.timeout(5000)));
    t.match(
      findings.find(({ ruleId }) => ruleId === 'runtime.selinux-domain'),
      { result: 'error', reason: 'permission', subject: WEB, message: /spc_t/ },
    );
  });

  t.test('a specification that may not be read makes no container fail', async (t) => {
    const root = t.testdir(treeOf(nodeWith([{ uid: 0 }])));
    chmodSync(root + configPathOf({}), 0o000);
    t.strictSame(notPassing(await asNobody(() => say(runtime, root))), [
      `runtime.host-namespaces error permission @ ${idOf('a')}`,
      `runtime.nonroot error permission @ ${idOf('a')}`,
      `runtime.masked-paths error permission @ ${idOf('a')}`,
      `runtime.host-mounts error permission @ ${idOf('a')}`,
    ]);
  });
});
