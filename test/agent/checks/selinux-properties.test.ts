import { writeFileSync } from 'node:fs';
import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { hostRoot, makeHostRoot, noHostRoots } from '../../support/host-root.ts';
import { say } from '../../support/host-tree.ts';

const AT_NEXT_BOOT = 'selinux.enforcing fail lost-at-reboot';
const OFF = [
  'selinux.enforcing fail disabled',
  'selinux.uninterrupted notapplicable selinux-off',
  'selinux.booleans notapplicable selinux-off',
  'selinux.unconfined-daemons notapplicable selinux-off',
];
const UNCONFINED_CONTAINERS = 1;

/** Each property of SELinux on a node, alone and with those it goes with, and every answer that is new after it. */
const PROPERTIES: readonly (readonly [options: string, lines: readonly string[]])[] = [
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
  [`--unconfined ${UNCONFINED_CONTAINERS} --containers 0`, []],
];

/** What stands in a file of a node in order, changed by hand. */
const FILES: readonly (readonly [path: string, content: string, lines: readonly string[]])[] = [
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
  ['/proc/2000/attr/current', 'system_u:system_r:unconfined_service_t:s0\0', []],
  ['/sys/fs/selinux/status', 'x', ['selinux.uninterrupted error parse']],
];

t.test('properties of SELinux on whole trees of nodes', { skip: noHostRoots }, async (t) => {
  for (const profile of ['rhcos', 'rhel9']) {
    const before = await sayAll(hostRoot('--profile', profile));

    for (const [options, lines] of PROPERTIES) {
      t.test(`${profile}: ${options} changes these answers of SELinux and no other`, async (t) => {
        const after = await sayAll(hostRoot('--profile', profile, ...options.split(' ')));
        const changed = after.filter((line) => !before.includes(line));
        // Containers are another check's: here only that they are no daemons of the node.
        const isOther = (line: string): boolean =>
          options.startsWith('--unconfined') && line.startsWith('seccomp.containers-filtered');
        t.strictSame(changed.filter((line) => !isOther(line)).sort(), [...lines].sort());
        t.strictSame(rulesOf(after), rulesOf(before), 'every rule still speaks');
      });
    }

    for (const [path, content, lines] of FILES) {
      t.test(`${profile}: ${path} changed changes these answers and no other`, async (t) => {
        const root = makeHostRoot(t.testdir({}), '--profile', profile);
        writeFileSync(root + path, content);
        const after = await sayAll(root);
        t.strictSame(
          after.filter((line) => !before.includes(line)),
          lines,
        );
        t.strictSame(rulesOf(after), rulesOf(before), 'every rule still speaks');
      });
    }
  }
});

function rulesOf(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.map((line) => line.split(' ')[0] ?? ''))];
}

async function sayAll(root: string): Promise<readonly string[]> {
  const judged = checks.filter(({ id }) => id !== 'images');
  return (await Promise.all(judged.map((check) => say(check, root)))).flat();
}
