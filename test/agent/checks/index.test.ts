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
      'runtime.mcs-unique notapplicable selinux-off',
      'runtime.selinux-domain notapplicable selinux-off',
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
  ['--crio-selinux off', ['selinux.crio-enabled fail labels-off']],
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
      'node.unmanaged-files notchecked no-oracle',
      'node.mco-state notapplicable no-machine-config',
    ],
  ]),
  ['--mc-encoding percent', []],
  ['--mc-encoding gzip', []],
  ['--profile rhel9', []],
];

/** What an untouched node does not do and only a strict profile asks for. */
const ASKED_BY_STRICT_PROFILES = [
  'trust.redhat-signed fail unsigned @ quay.io/openshift-release-dev',
  'registries.short-names fail public-host',
];

t.test('over whole trees of nodes', { skip: noHostRoots }, async (t) => {
  const before = await sayAll(hostRoot());

  for (const profile of ['rhcos', 'rhel9']) {
    t.test(`an untouched ${profile} node does not start red`, async (t) => {
      for (const fips of ['on', 'off']) {
        const lines = await sayAll(hostRoot('--profile', profile, '--fips', fips));
        t.strictSame(
          lines.filter((line) => /^\S+ fail/.test(line)),
          ASKED_BY_STRICT_PROFILES,
        );
        // These trees have no /boot, so nobody knows what boots next; no policy; no control groups; no specification of a container.
        t.strictSame(
          lines.filter((line) => /^\S+ (?:error|unknown)/.test(line)),
          [
            'selinux.kernel-args error not-visible @ /boot/loader/entries',
            'selinux.policy-type error not-visible @ /etc/selinux/targeted/policy',
            'selinux.policy-unmodified error not-visible',
            'selinux.permissive-domains error not-visible',
            ...(fips === 'on' ? ['fips.kernel-args error not-visible @ /boot/loader/entries'] : []),
            ...(fips === 'on' ? ['fips.container-override unknown no-config @ config.json'] : []),
            'runtime.host-namespaces unknown no-config',
            'runtime.masked-paths unknown no-config',
            'runtime.cgroup-version error not-visible',
            'runtime.host-mounts unknown no-config',
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
  const lines = (await Promise.all(judged.map((check) => say(check, root)))).flat();
  // The files of a tree belong to whoever runs the test.
  const isRoot = process.getuid?.() === 0;
  return isRoot ? lines : lines.filter((line) => !line.startsWith('node.file-permissions '));
}
