import { mkdirSync, symlinkSync } from 'node:fs';
import t from 'tap';
import { lockdown } from '../../../agent/checks/lockdown.ts';
import type { ProfileValues } from '../../../agent/profile-values.ts';
import { say, treeOf } from '../../support/host-tree.ts';

const MODULES = '/proc/sys/kernel/modules_disabled';
const LOCKDOWN = '/sys/kernel/security/lockdown';
const EFIVARS = '/sys/firmware/efi/efivars';
const SECURE_BOOT = `${EFIVARS}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c`;
const ON = Buffer.from([6, 0, 0, 0, 1]);
const OFF = Buffer.from([6, 0, 0, 0, 0]);
const SYSCTL_D = '/etc/sysctl.d/90-modules.conf';
const MODE = '[none] integrity confidentiality\n';

type Files = Readonly<Record<string, string | Buffer | undefined>>;

/** A node as installed: EFI without Secure Boot, modules can be loaded, nothing is locked down. */
const NODE: Files = {
  '/proc/cmdline': 'root=UUID=1 quiet\n',
  '/proc/sys/kernel/osrelease': '5.14.0-1.x86_64\n',
  [MODULES]: '0\n',
  '/sys/kernel/security/lsm': 'lockdown,capability,yama,selinux,bpf',
  [LOCKDOWN]: MODE,
  [SECURE_BOOT]: OFF,
  '/usr/lib/sysctl.d/50-default.conf': 'kernel.sysrq = 16\n# kernel.modules_disabled = 1\n',
};
const NOT_ASKED = 'lockdown.modules-disabled notapplicable not-expected';
const NOT_LOCKED = 'lockdown.mode notapplicable not-expected';

/** What differs on the node, and what each rule says then; the other one stays. */
const MODULE_CASES: readonly (readonly [name: string, change: Files, line: string])[] = [
  ['as installed', {}, 'notapplicable not-expected'],
  ['locked', { [MODULES]: '1\n' }, 'pass'],
  ['locked, and asked for', { [MODULES]: '1\n', [SYSCTL_D]: 'kernel.modules_disabled=1' }, 'pass'],
  ['asked for', { [SYSCTL_D]: 'kernel.modules_disabled = 1\n' }, 'fail not-applied'],
  [
    'with a slash, errors ignored',
    { [SYSCTL_D]: '-kernel/modules_disabled=1' },
    'fail not-applied',
  ],
  ['as a comment', { [SYSCTL_D]: ';kernel.modules_disabled=1' }, 'notapplicable not-expected'],
  [
    'another file',
    { '/etc/sysctl.d/a.txt': 'kernel.modules_disabled=1' },
    'notapplicable not-expected',
  ],
  [
    'taken back by a later file',
    {
      [SYSCTL_D]: 'kernel.modules_disabled=1',
      '/run/sysctl.d/99.conf': 'kernel.modules_disabled=0',
    },
    'notapplicable not-expected',
  ],
  [
    'hidden by a file of the same name',
    { '/usr/lib/sysctl.d/90-modules.conf': 'kernel.modules_disabled=1', [SYSCTL_D]: '' },
    'notapplicable not-expected',
  ],
  [
    'asked for in /usr/local',
    { '/usr/local/lib/sysctl.d/50-lock.conf': 'kernel.modules_disabled = 1\n' },
    'fail not-applied',
  ],
  ['a kernel without modules', { [MODULES]: undefined }, 'notapplicable no-modules'],
  ['an empty answer', { [MODULES]: '' }, 'error parse'],
  ['another number', { [MODULES]: '2\n' }, 'error parse'],
  ['bytes', { [MODULES]: Buffer.from([0xff, 0xfe]) }, 'error encoding'],
  ['a configuration of bytes', { [SYSCTL_D]: Buffer.from([0xff, 0xfe]) }, 'error encoding'],
  ['a folder in its place', { [MODULES]: undefined, [`${MODULES}/a`]: '' }, 'error not-a-file'],
];
for (const [name, change, line] of MODULE_CASES) {
  t.test(`loading of modules: ${name}`, async (t) => {
    const lines = await say(lockdown, t.testdir(treeOf({ ...NODE, ...change })));
    t.strictSame(lines, [`lockdown.modules-disabled ${line}`, NOT_LOCKED]);
  });
}

t.test('a link to nothing hides a file of sysctl.d', async (t) => {
  const vendors = '/usr/lib/sysctl.d/50-lock.conf';
  const root = t.testdir(
    treeOf({ ...NODE, [vendors]: 'kernel.modules_disabled = 1\n', '/etc/sysctl.d/.keep': '' }),
  );
  t.equal((await say(lockdown, root))[0], 'lockdown.modules-disabled fail not-applied');
  // What it leads to is there on a node, and is no file.
  mkdirSync(`${root}/dev/null`, { recursive: true });
  symlinkSync('/dev/null', `${root}/etc/sysctl.d/50-lock.conf`);
  t.equal((await say(lockdown, root))[0], NOT_ASKED);
});

const BOOTED: Files = { [SECURE_BOOT]: ON };
const ARGUMENT: Files = { '/proc/cmdline': 'lockdown=confidentiality quiet' };
const INTEGRITY: Files = { [LOCKDOWN]: 'none [integrity] confidentiality\n' };
const CONFIDENTIALITY: Files = { [LOCKDOWN]: 'none integrity [confidentiality]\n' };
const NO_EFI: Files = { [SECURE_BOOT]: undefined };
const MODE_CASES: readonly (readonly [name: string, change: Files, line: string])[] = [
  ['as installed', {}, 'notapplicable not-expected'],
  ['Secure Boot, integrity', { ...BOOTED, ...INTEGRITY }, 'pass'],
  ['Secure Boot, confidentiality', { ...BOOTED, ...CONFIDENTIALITY }, 'pass'],
  ['integrity of its own accord', INTEGRITY, 'pass'],
  ['Secure Boot, none', BOOTED, 'fail not-locked-down'],
  ['Secure Boot, a kernel without it', { ...BOOTED, [LOCKDOWN]: undefined }, 'fail missing'],
  ['asked for, none', ARGUMENT, 'fail not-locked-down'],
  ['asked for more', { ...ARGUMENT, ...INTEGRITY }, 'fail not-locked-down'],
  ['asked for, so', { ...ARGUMENT, ...CONFIDENTIALITY }, 'pass'],
  [
    'asked for by an unknown word',
    { '/proc/cmdline': 'lockdown=yes' },
    'notapplicable not-expected',
  ],
  ['no EFI', NO_EFI, 'notapplicable not-expected'],
  [
    'EFI without Secure Boot',
    { ...NO_EFI, [`${EFIVARS}/BootOrder-8be4df61`]: '' },
    'notapplicable not-expected',
  ],
  [
    'EFI, variables not mounted',
    { ...NO_EFI, '/sys/firmware/efi/runtime': '0x0' },
    'unknown not-visible',
  ],
  [
    'the same, locked down',
    { ...NO_EFI, ...INTEGRITY, '/sys/firmware/efi/runtime': '0x0' },
    'pass',
  ],
  ['a kernel without it', { [LOCKDOWN]: undefined }, 'notapplicable not-expected'],
  [
    'securityfs not mounted',
    { [LOCKDOWN]: undefined, '/sys/kernel/security/lsm': undefined },
    'error not-visible',
  ],
  ['nothing chosen', { [LOCKDOWN]: 'none integrity confidentiality\n' }, 'error parse'],
  ['a mode nobody knows', { [LOCKDOWN]: 'none [paranoia]\n' }, 'error parse'],
  ['an empty answer', { [LOCKDOWN]: '' }, 'error parse'],
  ['a variable cut short', { [SECURE_BOOT]: ON.subarray(0, 4) }, 'error parse'],
  ['a variable too long', { [SECURE_BOOT]: Buffer.alloc(6) }, 'error parse'],
  ['a folder in its place', { [LOCKDOWN]: undefined, [`${LOCKDOWN}/a`]: '' }, 'error not-a-file'],
];
for (const [name, change, line] of MODE_CASES) {
  t.test(`lockdown: ${name}`, async (t) => {
    const lines = await say(lockdown, t.testdir(treeOf({ ...NODE, ...change })));
    t.strictSame(lines, [NOT_ASKED, `lockdown.mode ${line}`]);
  });
}

t.test('a profile may ask for it', async (t) => {
  const root = t.testdir(treeOf(NODE));
  const modules = async (values: ProfileValues['sysctls']): Promise<string | undefined> =>
    (await say(lockdown, root, undefined, { sysctls: values }))[0];
  t.equal(
    await modules({ 'kernel.modules_disabled': ['1'] }),
    'lockdown.modules-disabled fail not-applied',
  );
  t.equal(await modules({ 'kernel.modules_disabled': ['0', '1'] }), NOT_ASKED);
});

t.test('where no kernel is visible nothing passes', async (t) => {
  t.strictSame(await say(lockdown, t.testdir({})), [
    'lockdown.modules-disabled error not-visible',
    'lockdown.mode error not-visible',
  ]);
});
