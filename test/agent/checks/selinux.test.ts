// One piece: tables of nodes for the rules on the mode of SELinux, which read the same few files.
import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import { contextAt, treeOf } from '../../support/host-tree.ts';

const ENTRIES = '/boot/loader/entries';

/** A node that is enforcing in every place; each case changes some files of it. */
const NODE = {
  '/sys/fs/selinux/enforce': '1',
  '/proc/filesystems': 'nodev\tsysfs\nnodev\tselinuxfs\n\txfs\n',
  '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet\n',
  '/proc/1/attr/current': 'system_u:system_r:init_t:s0\0',
  '/etc/selinux/config': '# SELINUX=disabled\nSELINUX=enforcing\nSELINUXTYPE=targeted\n',
  [`${ENTRIES}/ostree-1-rhcos.conf`]: 'title one\noptions root=UUID=1 rw enforcing=0\n',
  [`${ENTRIES}/ostree-2-rhcos.conf`]: 'title two\noptions root=UUID=1 rw\n',
};
type Change = Readonly<Partial<Record<string, string>>>;

const off = {
  '/sys/fs/selinux/enforce': undefined,
  '/proc/filesystems': 'nodev\tsysfs\n',
  '/proc/1/attr/current': undefined,
};
const config = (text: string | undefined): Change => ({ '/etc/selinux/config': text });
const booted = (text: string): Change => ({ '/proc/cmdline': `root=UUID=1 ${text}\n` });
const next = (options: string): Change => ({
  [`${ENTRIES}/ostree-2-rhcos.conf`]: `title two\noptions ${options}\n`,
});
const permissive = { '/sys/fs/selinux/enforce': '0' };

/** Result and reason of selinux.enforcing, config-enforcing and of both answers of kernel-args, in this order. */
const MODES: readonly (readonly [
  name: string,
  change: Change,
  enforcing: string,
  config: string,
  now: string,
  next: string,
])[] = [
  ['enforcing in every place', {}, 'pass', 'pass', 'pass', 'pass'],
  ['switched at runtime', permissive, 'fail permissive', 'pass', 'pass', 'pass'],
  [
    'configured permissive',
    { ...permissive, ...config('SELINUX=permissive\n') },
    'fail permissive',
    'fail permissive',
    'pass',
    'pass',
  ],
  [
    'booted permissive',
    { ...permissive, ...booted('enforcing=0') },
    'fail permissive',
    'pass',
    'fail booted-off',
    'pass',
  ],
  [
    'disabled by its kernel argument',
    { ...off, ...booted('selinux=0') },
    'fail disabled',
    'pass',
    'fail booted-off',
    'pass',
  ],
  ['whose kernel has no SELinux', off, 'fail disabled', 'pass', 'pass', 'pass'],
  [
    'configured disabled, so that no policy was loaded',
    {
      '/sys/fs/selinux/enforce': undefined,
      '/proc/1/attr/current': 'kernel\0',
      ...config('SELINUX=disabled\n'),
    },
    'fail disabled',
    'fail disabled',
    'pass',
    'pass',
  ],
  [
    'whose selinuxfs is not mounted into our view',
    { '/sys/fs/selinux/enforce': undefined },
    'error not-visible',
    'pass',
    'pass',
    'pass',
  ],
  [
    'of which neither selinuxfs nor procfs is visible',
    { ...off, '/proc/filesystems': undefined, '/proc/cmdline': undefined },
    'error not-visible',
    'pass',
    'error not-visible',
    'pass',
  ],
  [
    'permissive from the next boot by its file',
    config('SELINUX=permissive\n'),
    'fail lost-at-reboot',
    'fail permissive',
    'pass',
    'pass',
  ],
  [
    'permissive from the next boot by a kernel argument',
    next('rw enforcing=0'),
    'fail lost-at-reboot',
    'pass',
    'pass',
    'fail next-boot-off',
  ],
  [
    'disabled from the next boot by a kernel argument',
    next('rw selinux=0'),
    'fail lost-at-reboot',
    'pass',
    'pass',
    'fail next-boot-off',
  ],
  [
    'configured permissive whose next boot is forced to enforcing',
    { ...config('SELINUX=permissive\n'), ...next('enforcing=1') },
    'pass',
    'fail permissive',
    'pass',
    'pass',
  ],
  [
    'whose argument is taken back by a later one',
    booted('selinux=0 selinux=1'),
    'pass',
    'pass',
    'pass',
    'pass',
  ],
  [
    'whose enforcing=0 is taken back for the kernel, not for init',
    { ...booted('enforcing=0 enforcing=1'), ...next('enforcing=0 enforcing=1') },
    'fail lost-at-reboot',
    'pass',
    'fail booted-off',
    'fail next-boot-off',
  ],
  [
    'whose enforcing=1 is taken back for the kernel, not for init',
    next('enforcing=1 enforcing=0'),
    'pass',
    'pass',
    'pass',
    'fail next-boot-off',
  ],
  [
    'whose argument is no number, which is 0 to init',
    next('enforcing=yes'),
    'fail lost-at-reboot',
    'pass',
    'pass',
    'fail next-boot-off',
  ],
  [
    'with selinux=0 behind -- where it is for init',
    booted('quiet -- selinux=0'),
    'pass',
    'pass',
    'pass',
    'pass',
  ],
  [
    'with values the kernel does not take for numbers',
    booted('selinux=off selinux'),
    'pass',
    'pass',
    'pass',
    'pass',
  ],
  ['with zero in another base', booted('selinux=0x0'), 'pass', 'pass', 'fail booted-off', 'pass'],
  [
    'without /boot',
    {
      [`${ENTRIES}/ostree-1-rhcos.conf`]: undefined,
      [`${ENTRIES}/ostree-2-rhcos.conf`]: undefined,
    },
    'pass',
    'pass',
    'pass',
    'error not-visible',
  ],
  [
    'without the configuration',
    config(undefined),
    'fail lost-at-reboot',
    'fail missing',
    'pass',
    'pass',
  ],
  [
    'without the configuration, forced to enforcing',
    { ...config(undefined), ...next('enforcing=1') },
    'pass',
    'fail missing',
    'pass',
    'pass',
  ],
  ['with an empty file', config(''), 'fail lost-at-reboot', 'fail missing', 'pass', 'pass'],
  [
    'whose file names no mode',
    config('SELINUX=\n'),
    'fail lost-at-reboot',
    'fail missing',
    'pass',
    'pass',
  ],
  [
    'whose file has white space before the name, which libselinux does not take',
    config('  SELINUX=enforcing\n'),
    'fail lost-at-reboot',
    'fail missing',
    'pass',
    'pass',
  ],
  ['whose file shouts', config('SELINUX= ENFORCING\n'), 'pass', 'pass', 'pass', 'pass'],
  [
    'whose file says it twice',
    config('SELINUX=enforcing\nSELINUX=permissive\n'),
    'pass',
    'fail duplicate',
    'pass',
    'pass',
  ],
  [
    'whose first word counts',
    config('SELINUX=nonsense\nSELINUX=permissive\nSELINUX=enforcing\n'),
    'fail lost-at-reboot',
    'fail permissive',
    'pass',
    'pass',
  ],
];

for (const [name, change, ...expected] of MODES) {
  t.test(`a node ${name}`, async (t) => {
    const findings = await look(t.testdir(treeOf({ ...NODE, ...change })));
    const found = findings.map(({ ruleId, result, reason }) =>
      [ruleId, result, reason].filter(Boolean).join(' '),
    );
    t.strictSame(
      [
        ...found.filter((line) => line.startsWith('selinux.enforcing')),
        ...found.filter((line) => line.startsWith('selinux.config-enforcing')),
        ...found.filter((line) => line.startsWith('selinux.kernel-args')),
      ],
      [
        `selinux.enforcing ${expected[0]}`,
        `selinux.config-enforcing ${expected[1]}`,
        `selinux.kernel-args ${expected[2]}`,
        `selinux.kernel-args ${expected[3]}`,
      ],
    );
  });
}

const CAUSES: readonly (readonly [cause: string, change: Change])[] = [
  ['switched at runtime (setenforce 0)', permissive],
  ['configured permissive', { ...permissive, ...config('SELINUX=permissive\n') }],
  ['booted permissive by enforcing=0', { ...permissive, ...booted('enforcing=0') }],
  ['switched off by selinux=0', { ...off, ...booted('selinux=0') }],
  ['configured disabled', { ...off, ...config('SELINUX=disabled\n') }],
  ['the kernel runs without it', off],
];

for (const [cause, change] of CAUSES) {
  t.test(`the cause of a failing mode is named: ${cause}`, async (t) => {
    const findings = await look(t.testdir(treeOf({ ...NODE, ...change })));
    const finding = findings.find(({ ruleId }) => ruleId === 'selinux.enforcing');
    t.equal(finding?.observed['cause'], cause);
    t.match(finding?.message, cause);
    t.equal(finding?.severity, 'critical');
  });
}

const BOOT_MENUS: readonly (readonly [name: string, files: Change, expected: string])[] = [
  [
    'that keeps a choice, the chosen entry counts',
    {
      [`${ENTRIES}/aa-5.14.0-1.conf`]: 'options ro\n',
      [`${ENTRIES}/aa-5.14.0-2.conf`]: 'options ro enforcing=0\n',
      '/boot/grub2/grubenv': '# GRUB Environment Block\nsaved_entry=aa-5.14.0-1\n####',
    },
    'pass',
  ],
  [
    'that boots another entry once, that entry counts',
    {
      [`${ENTRIES}/aa-5.14.0-1.conf`]: 'options ro\n',
      [`${ENTRIES}/aa-5.14.0-2.conf`]: 'options ro enforcing=0\n',
      '/boot/grub2/grubenv': 'saved_entry=aa-5.14.0-1\nnext_entry=aa-5.14.0-2\n',
    },
    'fail',
  ],
  [
    'that keeps no choice, every entry counts but rescue',
    {
      [`${ENTRIES}/aa-0-rescue.conf`]: 'options ro selinux=0\n',
      [`${ENTRIES}/aa-5.14.0-1.conf`]: 'options ro\n',
      [`${ENTRIES}/aa-5.14.0-2.conf`]: 'options ro\n',
    },
    'pass',
  ],
  [
    'that keeps its options in a variable, the variable counts (RHEL 8)',
    {
      [`${ENTRIES}/aa-4.18.conf`]: 'options $kernelopts $tuned_params\n',
      '/boot/grub2/grubenv': 'kernelopts=root=/dev/sda1 ro selinux=0\n',
    },
    'fail',
  ],
  [
    'whose variable is not visible, the answer is an error',
    { [`${ENTRIES}/aa-4.18.conf`]: 'options $kernelopts\n' },
    'error',
  ],
  [
    'with two lines of options, both count',
    { [`${ENTRIES}/aa-5.14.conf`]: 'options ro\noptions selinux=0\n' },
    'fail',
  ],
];

for (const [name, files, expected] of BOOT_MENUS) {
  t.test(`with a boot menu ${name}`, async (t) => {
    const none = {
      [`${ENTRIES}/ostree-1-rhcos.conf`]: undefined,
      [`${ENTRIES}/ostree-2-rhcos.conf`]: undefined,
    };
    const findings = await look(t.testdir(treeOf({ ...NODE, ...none, ...files })));
    const finding = findings.find(
      ({ ruleId, subject }) => ruleId === 'selinux.kernel-args' && subject === ENTRIES,
    );
    t.equal(finding?.result, expected, finding?.message ?? 'no finding');
  });
}

async function look(root: string): ReturnType<typeof selinux.run> {
  return await selinux.run(contextAt(root), AbortSignal.timeout(5000));
}
