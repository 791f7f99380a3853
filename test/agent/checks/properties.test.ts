import { writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { hostRoot, makeHostRoot, noHostRoots } from '../../support/host-root.ts';
import { say } from '../../support/host-tree.ts';

/** Answers that are new when a property of a node is flipped. */
type Lines = readonly string[];

const AT_NEXT_BOOT = 'selinux.enforcing fail lost-at-reboot';
const OFF = [
  'selinux.enforcing fail disabled',
  'selinux.uninterrupted notapplicable selinux-off',
  'selinux.booleans notapplicable selinux-off',
  'selinux.unconfined-daemons notapplicable selinux-off',
  'runtime.mcs-unique notapplicable selinux-off',
  'runtime.selinux-domain notapplicable selinux-off',
];
const NO_KEYS = [
  'trust.key-files notapplicable no-keys',
  'trust.key-fingerprints notapplicable no-keys',
];
/** What follows from a policy that cannot be read. */
const NO_POLICY = [
  'trust.default-reject unknown no-policy',
  'trust.redhat-signed unknown no-policy',
  'trust.scope-lint unknown no-policy',
  'trust.key-files unknown no-policy',
  'trust.key-fingerprints unknown no-policy',
  'registries.lookaside-urls unknown not-read',
  'registries.policy-coherence unknown not-read',
];

/** Properties of a node in order, flipped one by one, alone and with those they go with. Answers of other rules stay. */
const PROPERTIES: readonly (readonly [options: string, lines: Lines, onRhel?: Lines])[] = [
  ['--selinux enforcing', []],
  [
    '--selinux permissive',
    ['selinux.enforcing fail permissive', 'selinux.config-enforcing fail permissive'],
  ],
  ['--selinux permissive --selinux-config enforcing', ['selinux.enforcing fail permissive']],
  ['--selinux disabled', [...OFF, 'selinux.config-enforcing fail disabled']],
  ['--selinux disabled --selinux-config enforcing', OFF],
  [
    '--selinux disabled --selinux-config enforcing --selinux-cmdline selinux=0',
    [...OFF, 'selinux.kernel-args fail booted-off @ /proc/cmdline'],
  ],
  ['--selinux-config permissive', [AT_NEXT_BOOT, 'selinux.config-enforcing fail permissive']],
  ['--selinux-config disabled', [AT_NEXT_BOOT, 'selinux.config-enforcing fail disabled']],
  ['--selinux-type mls', ['selinux.policy-type error not-visible @ /etc/selinux/mls/policy']],
  ['--selinux-cmdline enforcing=0', ['selinux.kernel-args fail booted-off @ /proc/cmdline']],
  ['--selinux-cmdline selinux=0', ['selinux.kernel-args fail booted-off @ /proc/cmdline']],
  ['--crio-selinux off', ['selinux.crio-enabled fail labels-off']],
  [
    '--fips off',
    [
      'fips.kernel-enabled notapplicable not-expected',
      'fips.kernel-args notapplicable not-expected',
      'fips.crypto-policy notapplicable not-expected',
      'fips.crypto-policy-applied notapplicable not-expected',
      'fips.cluster-intent notapplicable not-expected',
      'fips.container-override notapplicable not-expected',
    ],
  ],
  [
    '--fips-kernel off',
    ['fips.kernel-enabled fail refused', 'fips.container-override notapplicable fips-off'],
  ],
  [
    '--fips-kernel off --fips-cmdline off',
    [
      'fips.kernel-enabled fail policy-only',
      'fips.kernel-args fail missing @ /proc/cmdline',
      'fips.container-override notapplicable fips-off',
    ],
  ],
  ['--fips-cmdline off', ['fips.kernel-args fail missing @ /proc/cmdline']],
  ['--crypto-policy DEFAULT', ['fips.crypto-policy fail kernel-only']],
  ['--crypto-policy FIPS:OSPP', []],
  ['--crypto-policy FIPS:AD-SUPPORT', ['fips.crypto-policy fail relaxed']],
  [
    '--crypto-state DEFAULT',
    ['fips.crypto-policy fail kernel-only', 'fips.crypto-policy-applied fail not-applied'],
  ],
  ['--seccomp-default off', ['seccomp.kubelet-default fail off']],
  ['--seccomp-default unset', ['seccomp.kubelet-default notapplicable not-expected']],
  ['--seccomp-file permissive', ['seccomp.podman-profile fail allow-default']],
  ['--seccomp-file invalid', ['seccomp.podman-profile fail invalid']],
  ['--seccomp-file missing', ['seccomp.podman-profile notapplicable no-profile']],
  [
    '--crio-seccomp unconfined',
    [
      'seccomp.crio-profile fail unconfined',
      'registries.unmanaged-files fail unmanaged @ /etc/crio/crio.conf.d/99-seccomp.conf',
    ],
  ],
  [
    '--crio-seccomp /etc/crio/gone.json',
    [
      'seccomp.crio-profile fail missing',
      'registries.unmanaged-files fail unmanaged @ /etc/crio/crio.conf.d/99-seccomp.conf',
    ],
  ],
  [
    '--crio-seccomp /usr/share/containers/seccomp.json',
    ['registries.unmanaged-files fail unmanaged @ /etc/crio/crio.conf.d/99-seccomp.conf'],
  ],
  ['--seccomp-actions no-log', []],
  [
    '--policy accept',
    [
      'trust.default-reject fail accepts-anything',
      'trust.redhat-signed fail unsigned @ registry.redhat.io',
      'trust.redhat-signed fail unsigned @ registry.access.redhat.com',
      ...NO_KEYS,
      'registries.lookaside-urls notapplicable no-signed-scope',
      'registries.policy-coherence notapplicable no-signed-scope',
    ],
  ],
  [
    '--policy reject',
    [
      'trust.redhat-signed notapplicable refused @ registry.redhat.io',
      'trust.redhat-signed notapplicable refused @ registry.access.redhat.com',
      'trust.redhat-signed notapplicable refused @ quay.io/openshift-release-dev',
      ...NO_KEYS,
      'registries.lookaside-urls notapplicable no-signed-scope',
      'registries.policy-coherence notapplicable no-signed-scope',
    ],
  ],
  ['--policy invalid', ['trust.policy-valid fail unknown-field', ...NO_POLICY]],
  [
    '--policy missing',
    ['trust.policy-valid fail missing', 'trust.policy-managed notchecked no-oracle', ...NO_POLICY],
  ],
  [
    '--registries-d none',
    [
      'registries.lookaside-valid notapplicable no-registries-d',
      'registries.lookaside-managed notchecked no-oracle',
      'registries.lookaside-urls fail missing @ registry.access.redhat.com',
      'registries.lookaside-urls fail missing @ registry.redhat.io',
      'registries.policy-coherence fail no-lookaside @ registry.access.redhat.com',
      'registries.policy-coherence fail no-lookaside @ registry.redhat.io',
    ],
  ],
  [
    '--registries-d conflict',
    [
      'registries.lookaside-valid fail duplicate-scope',
      'registries.lookaside-urls unknown not-read',
      'registries.policy-coherence unknown not-read',
    ],
  ],
  [
    '--registries-d invalid',
    [
      'registries.lookaside-valid fail yaml',
      'registries.lookaside-urls unknown not-read',
      'registries.policy-coherence unknown not-read',
    ],
  ],
  [
    '--containers 0',
    [
      'fips.container-override pass',
      ...[
        'seccomp.containers-filtered',
        'runtime.privileged',
        'runtime.host-namespaces',
        'runtime.mcs-unique',
        'runtime.selinux-domain',
        'runtime.capabilities',
        'runtime.no-new-privs',
        'runtime.nonroot',
        'runtime.masked-paths',
        'runtime.host-mounts',
      ].map((rule) => `${rule} notapplicable no-containers`),
    ],
  ],
  [
    '--unconfined 2',
    [
      'seccomp.containers-filtered fail unfiltered',
      'runtime.privileged fail privileged',
      'runtime.selinux-domain fail not-confined',
      'runtime.capabilities fail extra-capabilities',
      'runtime.nonroot fail root',
    ].flatMap((line) => [`${line} @ ${idOf(3000)}`, `${line} @ ${idOf(3001)}`]),
  ],
  ['--mc policy', ['trust.policy-managed fail content']],
  [
    '--mc registries',
    ['registries.lookaside-managed fail content @ /etc/containers/registries.d/default.yaml'],
  ],
  ['--mc fips', ['fips.cluster-intent fail not-cluster-intent']],
  // On RHEL the machine-config-daemon leaves the kernel alone.
  ['--mc kargs', ['node.mco-drift fail kernel-arguments @ /proc/cmdline'], []],
  ...['empty', 'missing'].map((mc): readonly [string, Lines] => [
    `--mc ${mc}`,
    [
      'fips.cluster-intent notapplicable no-machine-config',
      'trust.policy-managed notchecked no-oracle',
      'registries.lookaside-managed notchecked no-oracle',
      'registries.unmanaged-files notchecked no-oracle',
      'node.mco-drift notapplicable no-machine-config',
      'node.unmanaged-files notchecked no-oracle',
      'node.mco-state notapplicable no-machine-config',
    ],
  ]),
  ['--mc-encoding percent', []],
  ['--mc-encoding gzip', []],
];

/** What stands in a file of a node in order, changed by hand. */
const FILES: readonly (readonly [path: string, content: string, lines: Lines])[] = [
  [
    '/sys/fs/selinux/booleans/container_use_devices',
    '1 1',
    ['selinux.booleans fail turned-on @ /sys/fs/selinux/booleans/container_use_devices'],
  ],
  [
    '/sys/fs/selinux/booleans/container_manage_cgroup',
    '0 1',
    ['selinux.booleans fail uncommitted @ /sys/fs/selinux/booleans/container_manage_cgroup'],
  ],
  [
    '/proc/1300/attr/current',
    'system_u:system_r:unconfined_service_t:s0\0',
    ['selinux.unconfined-daemons fail unconfined @ kubelet'],
  ],
  [
    '/proc/2000/attr/current',
    'system_u:system_r:unconfined_service_t:s0\0',
    [`runtime.selinux-domain fail not-confined @ ${idOf(2000)}`],
  ],
  ['/sys/fs/selinux/status', 'x', ['selinux.uninterrupted error parse']],
];

/** The id of the container that the maker of trees gives the process `pid`. */
function idOf(pid: number): string {
  return (pid * 7919).toString(16).padStart(64, '0');
}

t.test('over whole trees of nodes', { skip: noHostRoots }, async (t) => {
  for (const profile of ['rhcos', 'rhel9']) {
    const before = await sayAll(hostRoot('--profile', profile));

    for (const [options, lines, onRhel = lines] of PROPERTIES) {
      t.test(`${profile}: ${options} changes these answers and no other`, async (t) => {
        const after = await sayAll(hostRoot('--profile', profile, ...options.split(' ')));
        assertChange(t, before, after, profile === 'rhcos' ? lines : onRhel);
      });
    }

    for (const [path, content, lines] of FILES) {
      t.test(`${profile}: ${path} changed changes these answers and no other`, async (t) => {
        const root = makeHostRoot(t.testdir({}), '--profile', profile);
        writeFileSync(root + path, content);
        assertChange(t, before, await sayAll(root), lines);
      });
    }
  }
});

/** The answers that are new are `lines`, none is gone without another of its rule, and every rule speaks. */
function assertChange(t: Test, before: Lines, after: Lines, lines: Lines): void {
  t.strictSame(after.filter((line) => !before.includes(line)).sort(), lines.toSorted());
  const changed = new Set(lines.map(ruleOf));
  const gone = before.filter((line) => !after.includes(line)).map(ruleOf);
  t.strictSame(
    gone.filter((rule) => !changed.has(rule)),
    [],
    'no rule loses an answer without another',
  );
  t.strictSame(new Set(after.map(ruleOf)), new Set(before.map(ruleOf)), 'every rule speaks');
}

function ruleOf(line: string): string | undefined {
  return line.split(' ')[0];
}

async function sayAll(root: string): Promise<Lines> {
  const judged = checks.filter(({ id }) => id !== 'images');
  const lines = (await Promise.all(judged.map((check) => say(check, root)))).flat();
  // The files of a tree belong to whoever runs the test.
  const isRoot = process.getuid?.() === 0;
  return isRoot ? lines : lines.filter((line) => !line.startsWith('node.file-permissions '));
}
