import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { hostRoot, noHostRoots } from '../../support/host-root.ts';
import { say } from '../../support/host-tree.ts';

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

/**
 * Properties of a node's tree in the places of FIPS, seccomp and trust, flipped one by one: the answers that are new
 * then. Answers of other rules stay, to the letter.
 */
const FLIPS: readonly (readonly [options: string, lines: readonly string[]])[] = [
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
];

/** The id of the container that the maker of trees gives the process `pid`. */
function idOf(pid: number): string {
  return (pid * 7919).toString(16).padStart(64, '0');
}

t.test('over whole trees of nodes', { skip: noHostRoots }, async (t) => {
  const before = await sayAll(hostRoot());

  for (const [options, lines] of FLIPS) {
    t.test(`${options} changes these answers and no other`, async (t) => {
      const after = await sayAll(hostRoot(...options.split(' ')));
      t.strictSame(
        after.filter((line) => !before.includes(line)),
        lines,
      );
      const changed = new Set(lines.map(ruleOf));
      const gone = before.filter((line) => !after.includes(line)).map(ruleOf);
      t.strictSame(
        gone.filter((rule) => !changed.has(rule)),
        [],
        'no rule loses an answer without another',
      );
      t.strictSame(new Set(after.map(ruleOf)), new Set(before.map(ruleOf)), 'every rule speaks');
    });
  }
});

function ruleOf(line: string): string | undefined {
  return line.split(' ')[0];
}

async function sayAll(root: string): Promise<readonly string[]> {
  const judged = checks.filter(({ id }) => id !== 'images');
  return (await Promise.all(judged.map((check) => say(check, root)))).flat();
}
