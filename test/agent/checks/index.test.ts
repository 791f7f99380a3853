import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { runChecks } from '../../../agent/runner.ts';
import { findingKey } from '../../../shared/findings.ts';
import { hostRoot, noHostRoots } from '../../support/host-root.ts';
import { contextAt, say } from '../../support/host-tree.ts';

/** Each property of a node's tree that can be flipped, and the lines that are new after it. */
const FLIPS: readonly (readonly [options: string, lines: readonly string[]])[] = [
  ['--selinux permissive --selinux-config enforcing', ['selinux.enforcing fail permissive']],
  [
    '--selinux disabled --selinux-config enforcing',
    [
      'selinux.enforcing fail disabled',
      'selinux.uninterrupted notapplicable selinux-off',
      'selinux.booleans notapplicable selinux-off',
      'selinux.unconfined-daemons notapplicable selinux-off',
    ],
  ],
  [
    '--selinux-config permissive',
    ['selinux.enforcing fail lost-at-reboot', 'selinux.config-enforcing fail permissive'],
  ],
  [
    '--selinux-config disabled',
    ['selinux.enforcing fail lost-at-reboot', 'selinux.config-enforcing fail disabled'],
  ],
  ['--selinux-type mls', ['selinux.policy-type error not-visible @ /etc/selinux/mls/policy']],
  ['--selinux-cmdline enforcing=0', ['selinux.kernel-args fail booted-off @ /proc/cmdline']],
  ['--selinux-cmdline selinux=0', ['selinux.kernel-args fail booted-off @ /proc/cmdline']],
  [
    '--fips off',
    [
      'fips.kernel-enabled notapplicable not-expected',
      'fips.kernel-args notapplicable not-expected',
      'fips.crypto-policy notapplicable not-expected',
      'fips.crypto-policy-applied notapplicable not-expected',
      'fips.cluster-intent notapplicable not-expected',
    ],
  ],
  ['--fips-kernel off', ['fips.kernel-enabled fail refused']],
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
    '--crio-seccomp /usr/share/containers/seccomp.json',
    ['registries.unmanaged-files fail unmanaged @ /etc/crio/crio.conf.d/99-seccomp.conf'],
  ],
  ['--crio-selinux off', ['selinux.crio-enabled fail labels-off']],
  ['--seccomp-actions no-log', []],
  [
    '--policy accept',
    [
      'trust.key-files notapplicable no-keys',
      'registries.policy-coherence notapplicable no-signed-scope',
    ],
  ],
  [
    '--policy invalid',
    [
      'trust.policy-valid fail unknown-field',
      'trust.key-files unknown no-policy',
      'registries.policy-coherence unknown not-read',
    ],
  ],
  [
    '--policy missing',
    [
      'trust.policy-valid fail missing',
      'trust.policy-managed notchecked no-oracle',
      'trust.key-files unknown no-policy',
      'registries.policy-coherence unknown not-read',
    ],
  ],
  [
    '--registries-d none',
    [
      'registries.lookaside-valid notapplicable no-registries-d',
      'registries.lookaside-managed notchecked no-oracle',
      'registries.lookaside-urls notapplicable no-lookaside',
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
  ['--mc policy', ['trust.policy-managed fail content']],
  [
    '--mc registries',
    ['registries.lookaside-managed fail content @ /etc/containers/registries.d/default.yaml'],
  ],
  ['--mc fips', ['fips.cluster-intent fail not-cluster-intent']],
  ['--mc kargs', ['node.mco-drift fail kernel-arguments @ /proc/cmdline']],
  ...['empty', 'missing'].map((mc): readonly [string, readonly string[]] => [
    `--mc ${mc}`,
    [
      'fips.cluster-intent notapplicable no-machine-config',
      'trust.policy-managed notchecked no-oracle',
      'registries.lookaside-managed notchecked no-oracle',
      'registries.unmanaged-files notchecked no-oracle',
      'node.mco-drift notapplicable no-machine-config',
      'node.mco-state notapplicable no-machine-config',
    ],
  ]),
  ['--mc-encoding percent', []],
  ['--mc-encoding gzip', []],
  ['--containers 0', ['seccomp.containers-filtered notapplicable no-containers']],
  [
    '--unconfined 2',
    [
      `seccomp.containers-filtered fail unfiltered @ ${idOf(3000)}`,
      `seccomp.containers-filtered fail unfiltered @ ${idOf(3001)}`,
    ],
  ],
  ['--profile rhel9', []],
];

/** The id of the container that the maker of trees gives the process `pid`. */
function idOf(pid: number): string {
  return (pid * 7919).toString(16).padStart(64, '0');
}

t.test('over whole trees of nodes', { skip: noHostRoots }, async (t) => {
  const before = await sayAll(hostRoot());

  for (const profile of ['rhcos', 'rhel9']) {
    t.test(`an untouched ${profile} node does not start red`, async (t) => {
      for (const fips of ['on', 'off']) {
        const lines = await sayAll(hostRoot('--profile', profile, '--fips', fips));
        t.strictSame(
          lines.filter((line) => /^\S+ fail/.test(line)),
          [],
        );
        // These trees have no /boot, so nobody knows what boots next, and no policy to look at.
        t.strictSame(
          lines.filter((line) => /^\S+ (?:error|unknown)/.test(line)),
          [
            'selinux.kernel-args error not-visible @ /boot/loader/entries',
            'selinux.policy-type error not-visible @ /etc/selinux/targeted/policy',
            'selinux.policy-unmodified error not-visible',
            'selinux.permissive-domains error not-visible',
            ...(fips === 'on' ? ['fips.kernel-args error not-visible @ /boot/loader/entries'] : []),
          ],
        );
      }
    });
  }

  for (const [options, lines] of FLIPS) {
    t.test(`a node with ${options} changes these answers and no other`, async (t) => {
      const after = await sayAll(hostRoot(...options.split(' ')));
      t.strictSame(
        after.filter((line) => !before.includes(line)),
        lines,
      );
      const rules = new Set(after.map((line) => line.split(' ')[0]));
      t.strictSame([...rules], [...new Set(before.map((line) => line.split(' ')[0]))]);
    });
  }
});

t.test('this machine is looked at without a crash, every rule answered', async (t) => {
  const results = await runChecks(checks, contextAt('/'));
  const found = results.flatMap(({ results }) => results);
  t.strictSame(
    found.filter(({ reason }) => reason === 'crashed' || reason === 'no-statement'),
    [],
  );
  t.equal(new Set(found.map(findingKey)).size, found.length, 'no two findings have one key');
});

t.test('rules have ids of their check, each once, and say why and what to do', async (t) => {
  const ids = new Set<string>();
  for (const check of checks) {
    for (const rule of check.rules) {
      t.ok(rule.id.startsWith(`${check.id}.`), rule.id);
      t.notOk(ids.has(rule.id));
      ids.add(rule.id);
      t.match(rule.title, /^\S.*[^.]$/);
      t.match(rule.rationale, /\.$/);
      t.match(rule.remediation.text, /\.$/);
      t.ok(rule.mappings.length > 0, `${rule.id} is mapped`);
    }
    for (const path of [...check.watches, ...(check.polls ?? [])]) t.match(path, /^\//);
  }
});

async function sayAll(root: string): Promise<readonly string[]> {
  const judged = checks.filter(({ id }) => id !== 'images');
  return (await Promise.all(judged.map((check) => say(check, root)))).flat();
}
