// One piece: tables of nodes and profiles for the rules of one check.
import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { seccomp } from '../../../agent/checks/seccomp.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const ACTIONS = '/proc/sys/kernel/seccomp/actions_avail';
const DROP_INS = '/etc/crio/crio.conf.d';
const PROFILE = '/etc/crio/profile.json';
const DENY = '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[]}';
type Files = Readonly<Record<string, string | undefined>>;

const never = AbortSignal.timeout(60_000);
const ID = { a: 'a'.repeat(64), b: 'b'.repeat(64), c: 'c'.repeat(64), d: 'd'.repeat(64) };
const slice = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice';

/** A process in a control group; `mode` as in proc(5) status. */
function process(pid: number, group: string, mode: number): Files {
  return {
    [`/proc/${pid}/cgroup`]: `${group}\n`,
    [`/proc/${pid}/status`]: `Name:\tp\nSeccomp:\t${mode}\nSeccomp_filters:\t0\n`,
  };
}
const crio = (id: string): string => `0::${slice}/crio-${id}.scope`;
const config = (id: string, annotations: Readonly<Record<string, string>>): Files => ({
  [`/run/containers/storage/overlay-containers/${id}/userdata/config.json`]: JSON.stringify({
    annotations,
  }),
});

/** podman keeps the names of its containers in its records, not in their annotations. */
const podmanNames = (names: Readonly<Record<string, string>>): Files => ({
  '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify(
    Object.entries(names).map(([id, name]) => ({ id, names: [name], metadata: '{}' })),
  ),
});

/** An OpenShift node with one container behind a filter. */
const NODE: Files = {
  [ACTIONS]: 'kill_process kill_thread trap errno user_notif trace log allow\n',
  '/proc/sys/kernel/osrelease': '5.14.0\n',
  '/etc/os-release': 'ID="rhcos"\nVARIANT_ID=coreos\nOPENSHIFT_VERSION="4.16"\n',
  [`${DROP_INS}/00-default`]: '[crio.runtime]\nselinux = true\n',
  '/usr/share/containers/seccomp.json': DENY,
  '/etc/kubernetes/kubelet.conf': 'kind: KubeletConfiguration\nseccompDefault: true\n',
  ...process(1, '0::/init.scope', 0),
  ...process(2000, crio(ID.a), 2),
};
const legacy = {
  [`${DROP_INS}/01-mc-seccompUseDefault`]:
    '[crio.runtime]\nseccomp_use_default_when_empty = false\n',
};
const ownProfile = (path: string): Files => ({
  [`${DROP_INS}/99-own`]: `[crio.runtime]\nseccomp_profile = "${path}"\n`,
});
const PODMAN_DROP_INS = '/etc/containers/containers.conf.d';
const podman = (path: string, profile: string): Files => ({
  [path]: `[containers]\nseccomp_profile = "${profile}"\n`,
});
/** Nobody put a profile for pods there. */
const NO_PROFILES = 'seccomp.localhost-profiles notapplicable no-profiles';
const NO_PROFILE = 'seccomp.podman-profile notapplicable no-profile';
const filtered = 'seccomp.containers-filtered';
const named = {
  'io.kubernetes.cri-o.KubeName': 'pod',
  'io.kubernetes.pod.namespace': 'shop',
  'io.kubernetes.pod.name': 'cart-0',
  'io.kubernetes.container.name': 'web',
};

/** What the rule in question says; the other rules pass. */
const CASES: readonly (readonly [name: string, change: Files, expected: readonly string[]])[] = [
  ['in order', {}, []],
  [
    'whose kernel lacks errno',
    { [ACTIONS]: 'kill_process allow\n' },
    ['seccomp.kernel-support fail no-kernel-support'],
  ],
  ['whose kernel lacks log only', { [ACTIONS]: 'kill_process errno allow\n' }, []],
  [
    'whose kernel has no filters',
    { [ACTIONS]: undefined },
    ['seccomp.kernel-support fail no-kernel-support'],
  ],
  [
    'of which procfs is not visible',
    {
      [ACTIONS]: undefined,
      '/proc/sys/kernel/osrelease': undefined,
      '/proc/1/cgroup': undefined,
      '/proc/1/status': undefined,
    },
    ['seccomp.kernel-support error not-visible', `${filtered} error not-visible`],
  ],
  [
    'without containers',
    { '/proc/2000/cgroup': '0::/system.slice\n' },
    [`${filtered} notapplicable no-containers`],
  ],
  [
    'with a container without a filter',
    process(2000, crio(ID.a), 0),
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with a container of a Quadlet unit without a filter',
    process(2001, `0::/system.slice/web.service/libpod-payload-${ID.b}`, 0),
    [`${filtered} fail unfiltered @ ${ID.b}`],
  ],
  [
    'with the monitor of a Quadlet unit, which is no container',
    process(2001, '0::/system.slice/web.service/supervisor', 0),
    [],
  ],
  [
    'with a second process of a container without a filter',
    process(2001, `${crio(ID.a)}/container`, 0),
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with a named container without a filter',
    { ...process(2000, crio(ID.a), 0), ...config(ID.a, named) },
    [`${filtered} fail unfiltered @ shop/cart-0/web`],
  ],
  [
    'with a container without a filter in a namespace that is approved',
    {
      ...process(2000, crio(ID.a), 0),
      ...config(ID.a, { ...named, 'io.kubernetes.pod.namespace': 'openshift-dns' }),
    },
    [],
  ],
  [
    'with a container that every capability does not excuse from a filter',
    {
      ...process(2000, crio(ID.a), 0),
      '/proc/1/status': 'CapBnd:\t1\n',
      '/proc/2000/status': 'CapEff:\t1\nSeccomp:\t0\n',
    },
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with two containers without a filter, each named',
    { ...process(2000, crio(ID.a), 0), ...process(2001, crio(ID.b), 0) },
    [`${filtered} fail unfiltered @ ${ID.a}`, `${filtered} fail unfiltered @ ${ID.b}`],
  ],
  [
    'with a privileged container of CRI-O',
    {
      ...process(2000, crio(ID.a), 0),
      ...config(ID.a, { 'io.kubernetes.cri-o.PrivilegedRuntime': 'true' }),
    },
    [],
  ],
  [
    'with a privileged container of podman, in podman’s control group of version 1',
    {
      ...process(
        2000,
        `12:pids:/libpod_parent/libpod-${ID.a}\n1:name=systemd:/libpod_parent/libpod-${ID.a}`,
        0,
      ),
      [`/var/lib/containers/storage/overlay-containers/${ID.a}/userdata/config.json`]:
        JSON.stringify({
          annotations: { 'io.podman.annotations.privileged': 'TRUE' },
        }),
    },
    [],
  ],
  [
    'with a privileged container in a store of another driver and place',
    {
      ...process(2000, `0::/machine.slice/libpod-${ID.a}.scope`, 0),
      '/etc/containers/storage.conf': '[storage]\ndriver = "vfs"\ngraphroot = "/srv/store"\n',
      [`/srv/store/vfs-containers/${ID.a}/userdata/config.json`]: JSON.stringify({
        annotations: { 'io.podman.annotations.privileged': 'TRUE' },
      }),
    },
    [],
  ],
  [
    'with the sandbox of a pod',
    {
      ...process(2001, crio(ID.b), 0),
      ...config(ID.b, { 'io.kubernetes.cri-o.ContainerType': 'sandbox' }),
    },
    [],
  ],
  [
    'with the monitor of a container, which is none',
    process(2001, `0::${slice}/crio-conmon-${ID.b}.scope`, 0),
    [],
  ],
  [
    'whose config.json is no JSON, so that nothing excuses it',
    {
      ...process(2000, crio(ID.a), 0),
      [`/run/containers/storage/overlay-containers/${ID.a}/userdata/config.json`]: '{',
    },
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'whose only container ended meanwhile',
    { '/proc/2000/status': undefined },
    [`${filtered} notapplicable no-containers`],
  ],
  ['one of whose containers ended meanwhile', { '/proc/2001/cgroup': `${crio(ID.b)}\n` }, []],
  [
    'with a container of RHEL 8, whose kernel does not count filters',
    { '/proc/2000/status': 'Name:\tp\nNoNewPrivs:\t0\nSeccomp:\t2\nCpus_allowed:\t3\n' },
    [],
  ],
  [
    'with an unfiltered container of RHEL 8',
    { '/proc/2000/status': 'Name:\tp\nNoNewPrivs:\t0\nSeccomp:\t0\nCpus_allowed:\t3\n' },
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with a container in strict mode, which is stricter than a filter',
    process(2000, crio(ID.a), 1),
    [],
  ],
  [
    'whose kernel says nothing of seccomp',
    { '/proc/2000/status': 'Name:\tp\nNoNewPrivs:\t0\n' },
    [`${filtered} unknown not-told @ ${ID.a}`],
  ],
  [
    'whose container says RuntimeDefault and whose process has no filter',
    {
      ...process(2000, crio(ID.a), 0),
      ...config(ID.a, { ...named, 'io.kubernetes.cri-o.SeccompProfilePath': 'runtime/default' }),
    },
    [`${filtered} fail unfiltered @ shop/cart-0/web`],
  ],
  [
    'whose container says Unconfined and whose process has a filter',
    config(ID.a, { ...named, 'io.kubernetes.cri-o.SeccompProfilePath': 'unconfined' }),
    [],
  ],
  [
    'whose kubelet and CRI-O are told to leave containers alone, while its processes are filtered',
    { ...legacy, '/etc/kubernetes/kubelet.conf': 'kind: X\n' },
    [
      'seccomp.legacy-override fail weaker-default',
      'seccomp.kubelet-default notapplicable not-expected',
    ],
  ],
  [
    'with control groups of version 1, one line a controller',
    process(
      2000,
      `11:memory:${slice}/crio-${ID.a}.scope\n4:pids:${slice}/crio-${ID.a}.scope\n1:name=systemd:${slice}/crio-${ID.a}.scope`,
      0,
    ),
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with the monitor of a container under control groups of version 1',
    process(2001, `11:memory:${slice}/crio-conmon-${ID.b}.scope\n1:name=systemd:/`, 0),
    [],
  ],
  [
    'with a container of podman in a scope of systemd',
    {
      ...process(2000, `0::/machine.slice/libpod-${ID.a}.scope/container`, 0),
      ...config(ID.a, {}),
      ...podmanNames({ [ID.a]: 'web' }),
    },
    [`${filtered} fail unfiltered @ web`],
  ],
  [
    'with the monitor of a container of podman',
    process(2001, `0::/machine.slice/libpod-conmon-${ID.b}.scope`, 0),
    [],
  ],
  [
    'with a guaranteed pod, straight below kubepods.slice',
    process(2000, `0::/kubepods.slice/kubepods-pod1.slice/crio-${ID.a}.scope`, 0),
    [`${filtered} fail unfiltered @ ${ID.a}`],
  ],
  [
    'with an unfiltered container in an approved namespace',
    {
      ...process(2000, crio(ID.a), 0),
      ...config(ID.a, { ...named, 'io.kubernetes.pod.namespace': 'openshift-dns' }),
    },
    [],
  ],
  [
    'with a namespace that is named like an approved one',
    {
      ...process(2000, crio(ID.a), 0),
      ...config(ID.a, { ...named, 'io.kubernetes.pod.namespace': 'my-openshift-dns' }),
    },
    [`${filtered} fail unfiltered @ my-openshift-dns/cart-0/web`],
  ],
  ['with CRI-O unconfined', ownProfile('unconfined'), ['seccomp.crio-profile fail unconfined']],
  ['with a profile that is not there', ownProfile(PROFILE), ['seccomp.crio-profile fail missing']],
  [
    'with a profile of its own that nothing knows',
    { ...ownProfile(PROFILE), [PROFILE]: DENY },
    ['seccomp.crio-profile notchecked no-oracle'],
  ],
  [
    'with a profile of the operating system',
    { ...ownProfile('/usr/share/x.json'), '/usr/share/x.json': DENY },
    [],
  ],
  ...['/usr/local/x.json', '/usr/share/../../srv/x.json'].map(
    (path) =>
      [
        `with a profile of its own in ${path}, of which nothing says anything`,
        {
          ...ownProfile(path),
          '/usr/local/x.json': DENY,
          '/srv/x.json': DENY,
          '/usr/share/.x': '',
        },
        ['seccomp.crio-profile notchecked no-oracle'],
      ] as const,
  ),
  [
    'with a profile that lets everything through',
    { ...ownProfile(PROFILE), [PROFILE]: '{"defaultAction":"SCMP_ACT_ALLOW"}' },
    ['seccomp.crio-profile fail allow-default'],
  ],
  [
    'with a profile that only logs',
    { ...ownProfile(PROFILE), [PROFILE]: '{"defaultAction":"SCMP_ACT_LOG"}' },
    ['seccomp.crio-profile fail allow-default'],
  ],
  [
    'with a profile whose last default action, in another case of its name, is open',
    {
      ...ownProfile(PROFILE),
      [PROFILE]: '{"defaultAction":"SCMP_ACT_ERRNO","DEFAULTACTION":"SCMP_ACT_ALLOW"}',
    },
    ['seccomp.crio-profile fail allow-default'],
  ],
  [
    'with a profile whose default action is empty, which is no filter',
    { ...ownProfile(PROFILE), [PROFILE]: '{"defaultAction":""}' },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile whose default action no runtime knows',
    { ...ownProfile(PROFILE), [PROFILE]: '{"defaultAction":"errno"}' },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile whose default action is a number',
    { ...ownProfile(PROFILE), [PROFILE]: '{"defaultAction":1}' },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile that begins with a byte order mark',
    { ...ownProfile(PROFILE), [PROFILE]: `\ufeff${DENY}` },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile by a path that depends on where CRI-O was started',
    ownProfile('profile.json'),
    ['seccomp.crio-profile unknown relative'],
  ],
  [
    'with a profile that is no JSON',
    { ...ownProfile(PROFILE), [PROFILE]: '{' },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile that is a list',
    { ...ownProfile(PROFILE), [PROFILE]: '[]' },
    ['seccomp.crio-profile fail invalid'],
  ],
  [
    'with a profile for privileged containers that allows everything',
    {
      [`${DROP_INS}/99-own`]: `[crio.runtime]\nprivileged_seccomp_profile = "${PROFILE}"\n`,
      [PROFILE]: '{"defaultAction":"SCMP_ACT_ALLOW"}',
    },
    ['seccomp.crio-profile fail allow-default @ privileged_seccomp_profile'],
  ],
  [
    'with a profile for privileged containers that is taken back',
    { [`${DROP_INS}/99-own`]: '[crio.runtime]\nprivileged_seccomp_profile = ""\n' },
    [],
  ],
  [
    'with a runtime that is unconfined, beside one that is not',
    {
      [`${DROP_INS}/99-own`]:
        '[crio.runtime.runtimes.a]\nseccomp_profile = "unconfined"\n[crio.runtime.runtimes.b]\n',
    },
    ['seccomp.crio-profile fail unconfined @ runtime a'],
  ],
  [
    'with a runtime whose profile is missing',
    { [`${DROP_INS}/99-own`]: `[crio.runtime.runtimes.a]\nseccomp_profile = "${PROFILE}"\n` },
    ['seccomp.crio-profile fail missing @ runtime a'],
  ],
  [
    'with a runtime that a later file replaces whole',
    {
      [`${DROP_INS}/98-a`]: '[crio.runtime.runtimes.a]\nseccomp_profile = "unconfined"\n',
      [`${DROP_INS}/99-a`]: '[crio.runtime.runtimes.a]\nruntime_path = "/usr/bin/crun"\n',
    },
    [],
  ],
  [
    'whose later drop-in takes the profile back',
    { ...ownProfile('unconfined'), [`${DROP_INS}/99-z`]: '[crio.runtime]\nseccomp_profile = ""\n' },
    [],
  ],
  [
    'of OpenShift 4.16 with the drop-in of 4.10',
    legacy,
    ['seccomp.legacy-override fail weaker-default'],
  ],
  [
    'of OpenShift 4.17 with the drop-in of 4.10, which is dead there',
    { ...legacy, '/etc/os-release': 'OPENSHIFT_VERSION="4.17"\n' },
    [],
  ],
  ['whose CRI-O says its version itself', { ...legacy, '/run/crio/version': '"1.30.4"' }, []],
  [
    'of no known version with the drop-in of 4.10',
    { ...legacy, '/etc/os-release': 'ID=rhel\n' },
    ['seccomp.legacy-override unknown no-version'],
  ],
  [
    'whose kubelet defaults are off',
    { '/etc/kubernetes/kubelet.conf': 'seccompDefault: false\n' },
    ['seccomp.kubelet-default fail off'],
  ],
  [
    'whose kubelet is told nothing',
    { '/etc/kubernetes/kubelet.conf': 'kind: X\n' },
    ['seccomp.kubelet-default notapplicable not-expected'],
  ],
  [
    'whose kubelet is told in JSON',
    { '/etc/kubernetes/kubelet.conf': '{"seccompDefault": true}' },
    [],
  ],
  [
    'whose kubelet.conf is no YAML',
    { '/etc/kubernetes/kubelet.conf': 'a: [' },
    ['seccomp.kubelet-default error parse'],
  ],
  [
    'without kubelet',
    { '/etc/kubernetes/kubelet.conf': undefined },
    ['seccomp.kubelet-default notapplicable no-kubelet'],
  ],
  [
    'whose podman has no profile in a file',
    { '/usr/share/containers/seccomp.json': undefined },
    [NO_PROFILE],
  ],
  [
    'whose podman allows everything by the administrator’s file',
    { '/etc/containers/seccomp.json': '{"defaultAction":"SCMP_ACT_ALLOW"}' },
    ['seccomp.podman-profile fail allow-default'],
  ],
  [
    'whose podman is unconfined by its configuration',
    podman('/etc/containers/containers.conf', 'unconfined'),
    ['seccomp.podman-profile fail unconfined'],
  ],
  [
    'whose podman is unconfined by the last of two drop-ins, in another case of the name',
    {
      ...podman(`${PODMAN_DROP_INS}/10-a.conf`, '/usr/share/containers/seccomp.json'),
      [`${PODMAN_DROP_INS}/20-b.conf`]: '[Containers]\nSeccomp_Profile = "unconfined"\n',
    },
    ['seccomp.podman-profile fail unconfined'],
  ],
  [
    'whose podman ignores a drop-in of another ending',
    podman(`${PODMAN_DROP_INS}/10-a.conf~`, 'unconfined'),
    [],
  ],
  [
    'whose podman’s configuration names an open profile',
    {
      ...podman('/etc/containers/containers.conf', '/srv/own.json'),
      '/srv/own.json': '{"defaultAction":"SCMP_ACT_ALLOW"}',
    },
    ['seccomp.podman-profile fail allow-default'],
  ],
  [
    'whose podman’s configuration names a profile that is not there',
    podman('/usr/share/containers/containers.conf', '/srv/own.json'),
    ['seccomp.podman-profile fail missing'],
  ],
  [
    'whose podman’s configuration names a path that depends on where podman is started',
    podman('/etc/containers/containers.conf', 'own.json'),
    ['seccomp.podman-profile unknown relative'],
  ],
  [
    'whose podman’s drop-in takes a profile back',
    {
      ...podman('/etc/containers/containers.conf', 'unconfined'),
      ...podman(`${PODMAN_DROP_INS}/10-a.conf`, ''),
    },
    [],
  ],
  [
    'whose podman’s configuration is no TOML',
    { [`${PODMAN_DROP_INS}/10-a.conf`]: '[[' },
    ['seccomp.podman-profile error parse'],
  ],
  [
    'whose podman’s configuration has the wrong type',
    { [`${PODMAN_DROP_INS}/10-a.conf`]: '[containers]\nseccomp_profile = 1\n' },
    ['seccomp.podman-profile error parse'],
  ],
  [
    'whose podman’s profile is cut short',
    { '/usr/share/containers/seccomp.json': DENY.slice(0, -3) },
    ['seccomp.podman-profile fail invalid'],
  ],
  [
    'without CRI-O',
    { [`${DROP_INS}/00-default`]: undefined },
    ['seccomp.crio-profile notapplicable no-crio', 'seccomp.legacy-override notapplicable no-crio'],
  ],
  [
    'whose drop-in is no TOML',
    { [`${DROP_INS}/99-x`]: '[[' },
    ['seccomp.crio-profile error parse', 'seccomp.legacy-override error parse'],
  ],
  [
    'whose drop-in has the wrong type',
    { [`${DROP_INS}/99-x`]: '[crio.runtime]\nseccomp_profile = 1\n' },
    ['seccomp.crio-profile error parse'],
  ],
];

for (const [name, change, expected] of CASES) {
  t.test(`a node ${name}`, async (t) => {
    const lines = await say(seccomp, t.testdir(treeOf({ ...NODE, ...change })));
    t.strictSame(
      lines.filter((line) => !/ pass(?: @|$)/.test(line) && line !== NO_PROFILES),
      expected,
    );
    const spoken = new Set(lines.map((line) => line.split(' ')[0]));
    t.strictSame(
      [...spoken],
      seccomp.rules.map(({ id }) => id),
      'every rule speaks',
    );
  });
}

t.test('drop-ins of podman in a folder that is a link are read by nobody', async (t) => {
  const root = t.testdir(
    treeOf({ ...NODE, ...podman('/etc/containers/real/1.conf', 'unconfined') }),
  );
  symlinkSync('real', `${root}${PODMAN_DROP_INS}`);
  // podman 4.3.1 says so: `podman info --format '{{.Host.Security.SECCOMPProfilePath}}'`.
  t.ok((await say(seccomp, root)).includes('seccomp.podman-profile pass'));
});

const accepted = (files: Readonly<Record<string, { sha256: string; mode: number }>>) =>
  captureBaseline({ findings: [], files, acceptedAt: '2026-01-01T00:00:00Z', acceptedBy: 'admin' });

t.test('a profile that is part of the baseline passes', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, ...ownProfile(PROFILE), [PROFILE]: DENY }));
  const baseline = accepted({ [PROFILE]: { sha256: sha256(DENY), mode: 0o644 } });
  t.ok((await say(seccomp, root, baseline)).includes('seccomp.crio-profile pass'));
});

t.test('a profile that was changed since it was accepted fails', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, ...ownProfile(PROFILE), [PROFILE]: DENY }));
  const baseline = accepted({ [PROFILE]: { sha256: sha256('other'), mode: 0o644 } });
  t.ok((await say(seccomp, root, baseline)).includes('seccomp.crio-profile fail content'));
});

t.test('a profile that is not part of the baseline fails', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, ...ownProfile(PROFILE), [PROFILE]: DENY }));
  t.ok((await say(seccomp, root, accepted({}))).includes('seccomp.crio-profile fail unmanaged'));
});

t.test('what is not judged is counted', async (t) => {
  const files = {
    ...NODE,
    // The sandbox of a pod is no workload.
    ...process(2001, crio(ID.b), 0),
    ...config(ID.b, { 'io.kubernetes.cri-o.ContainerType': 'sandbox' }),
    ...process(2002, crio(ID.c), 0),
    ...config(ID.c, { 'io.kubernetes.cri-o.PrivilegedRuntime': 'true' }),
    ...process(2003, crio(ID.d), 0),
    ...config(ID.d, { ...named, 'io.kubernetes.pod.namespace': 'kube-system' }),
  };
  const findings = await seccomp.run(contextAt(t.testdir(treeOf(files))), never);
  const finding = findings.find(({ ruleId }) => ruleId === filtered);
  t.strictSame(finding?.observed, {
    unfiltered: 0,
    filtered: 1,
    privileged: 1,
    approved: 1,
  });
  t.match(finding?.message, '1 privileged, 1 the profile approves');
});

t.test('the profile in force says which containers are approved', async (t) => {
  const root = t.testdir(
    treeOf({ ...NODE, ...process(2000, crio(ID.a), 0), ...config(ID.a, named) }),
  );
  const passes = `${filtered} pass`;
  t.ok((await say(seccomp, root, undefined, { privilegedNamespaces: ['sh*'] })).includes(passes));
  t.notOk((await say(seccomp, root, undefined, { privilegedNamespaces: [] })).includes(passes));
  const podman = t.testdir(
    treeOf({
      ...NODE,
      ...process(2000, `0::/machine.slice/libpod-${ID.a}.scope`, 0),
      ...config(ID.a, {}),
      ...podmanNames({ [ID.a]: 'web' }),
    }),
  );
  t.ok((await say(seccomp, podman, undefined, { privilegedContainers: ['web'] })).includes(passes));
});

const LOCAL = '/var/lib/kubelet/seccomp';
const A = `${LOCAL}/a.json`;
const DEEP = `${LOCAL}/operator/shop/cart.json`;
const localRule = 'seccomp.localhost-profiles';

/** What the rule of localhost profiles says without a baseline. */
const LOCAL_CASES: readonly (readonly [name: string, files: Files, expected: readonly string[]])[] =
  [
    ['without the folder', {}, ['notapplicable no-profiles']],
    [
      'with profiles nobody knows',
      { [A]: DENY, [DEEP]: DENY },
      [`notchecked no-oracle @ ${A}`, `notchecked no-oracle @ ${DEEP}`],
    ],
    [
      'with one that allows everything',
      { [A]: '{"defaultAction":"SCMP_ACT_ALLOW"}' },
      [`fail allow-default @ ${A}`],
    ],
    [
      'with one that only logs',
      { [DEEP]: '{"defaultAction":"SCMP_ACT_LOG"}' },
      [`fail allow-default @ ${DEEP}`],
    ],
    ['with one that is no JSON', { [A]: '{' }, [`fail invalid @ ${A}`]],
    ['with one that is empty', { [A]: '' }, [`fail invalid @ ${A}`]],
    ['with one without a default', { [A]: '{"syscalls":[]}' }, [`fail invalid @ ${A}`]],
  ];

for (const [name, files, expected] of LOCAL_CASES) {
  t.test(`profiles of pods on a node ${name}`, async (t) => {
    const lines = await say(seccomp, t.testdir(treeOf({ ...NODE, ...files })));
    t.strictSame(
      lines.filter((line) => line.startsWith(localRule)),
      expected.map((line) => `${localRule} ${line}`),
    );
  });
}

t.test('a profile of pods is held to the baseline that captured it', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, [A]: DENY }));
  const baseline = captureBaseline({
    findings: await seccomp.run(contextAt(root), never),
    files: {},
    acceptedAt: '2026-01-01T00:00:00Z',
    acceptedBy: 'admin',
  });
  const local = async () =>
    (await say(seccomp, root, baseline)).filter((line) => line.startsWith(localRule));
  t.strictSame(await local(), [`${localRule} pass @ ${A}`]);
  writeFileSync(`${root}${A}`, `${DENY} `);
  t.strictSame(await local(), [`${localRule} fail changed @ ${A}`]);
  writeFileSync(`${root}${A}`, DENY);
  writeFileSync(`${root}${LOCAL}/b.json`, DENY);
  t.strictSame(await local(), [
    `${localRule} pass @ ${A}`,
    `${localRule} fail new @ ${LOCAL}/b.json`,
  ]);
  writeFileSync(`${root}${LOCAL}/b.json`, '{"defaultAction":"SCMP_ACT_ALLOW"}');
  t.strictSame((await local())[1], `${localRule} fail allow-default @ ${LOCAL}/b.json`);
});

t.test('a profile of pods that was rolled out is held to its MachineConfig', async (t) => {
  const current = machineConfigOf({ [A]: DENY });
  const files = { ...NODE, [A]: DENY, '/etc/machine-config-daemon/currentconfig': current };
  const root = t.testdir(treeOf(files));
  t.ok((await say(seccomp, root)).includes(`${localRule} pass @ ${A}`));
  writeFileSync(`${root}${A}`, `${DENY} `);
  t.ok((await say(seccomp, root)).includes(`${localRule} fail content @ ${A}`));
});

t.test(
  'links, pipes and depths among the profiles of pods end the look at them, not the check',
  async (t) => {
    const root = t.testdir(treeOf({ ...NODE, [A]: DENY, '/var/lib/spo/x.json': DENY }));
    symlinkSync('/var/lib/spo', `${root}${LOCAL}/operator`);
    symlinkSync('gone.json', `${root}${LOCAL}/b.json`);
    symlinkSync('c.json', `${root}${LOCAL}/c.json`);
    symlinkSync('.', `${root}${LOCAL}/loop`);
    execFileSync('mkfifo', [`${root}${LOCAL}/d.json`]);
    const lines = (await say(seccomp, root)).filter((line) => line.startsWith(localRule));
    for (const line of [
      `notchecked no-oracle @ ${LOCAL}/operator/x.json`,
      `fail missing @ ${LOCAL}/b.json`,
      `error link-loop @ ${LOCAL}/c.json`,
      `error not-a-file @ ${LOCAL}/d.json`,
      `error too-many @ ${LOCAL}/loop/loop/loop/loop/loop/loop`,
    ]) {
      t.ok(lines.includes(`${localRule} ${line}`), line);
    }
  },
);

t.test('no more profiles of pods are read than is bearable', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 1001 }, (_, at) => [`${LOCAL}/${String(at).padStart(4, '0')}`, DENY]),
  );
  const lines = await say(seccomp, t.testdir(treeOf({ ...NODE, ...many })));
  t.equal(lines.filter((line) => line.startsWith(`${localRule} notchecked`)).length, 1000);
  t.ok(lines.includes(`${localRule} error too-many @ ${LOCAL}/1000`));
});

t.test(
  'a profile of CRI-O that nothing knows is accepted with the baseline that captured it',
  async (t) => {
    const root = t.testdir(treeOf({ ...NODE, ...ownProfile(PROFILE), [PROFILE]: DENY }));
    const baseline = captureBaseline({
      findings: await seccomp.run(contextAt(root), never),
      files: {},
      acceptedAt: '2026-01-01T00:00:00Z',
      acceptedBy: 'admin',
    });
    t.ok((await say(seccomp, root, baseline)).includes('seccomp.crio-profile pass'));
    writeFileSync(`${root}${PROFILE}`, `${DENY} `);
    t.ok((await say(seccomp, root, baseline)).includes('seccomp.crio-profile fail unmanaged'));
  },
);

t.test('the check stops when it is told to', async (t) => {
  const root = t.testdir(treeOf(NODE));
  await t.rejects(seccomp.run(contextAt(root), AbortSignal.abort(new Error('stopped'))), /stopped/);
});
