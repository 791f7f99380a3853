import { chmodSync, symlinkSync } from 'node:fs';
import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import type { ProfileValues } from '../../../agent/profile-values.ts';
import { TRACKED_BOOLEANS } from '../../../agent/selinux/booleans.ts';
import type { Finding } from '../../../shared/findings.ts';
import { contextAt, lineOf, treeOf } from '../../support/host-tree.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

const BOOLEANS = '/sys/fs/selinux/booleans';
const ID = 'a'.repeat(64);

type Files = Readonly<Partial<Record<string, string>>>;

const label = (type: string): string => `system_u:system_r:${type}:s0\0`;
const NODE: Files = {
  '/sys/fs/selinux/enforce': '1',
  '/proc/filesystems': 'nodev\tselinuxfs\n',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  ...Object.fromEntries(
    TRACKED_BOOLEANS.map(({ name, stock }) => [`${BOOLEANS}/${name}`, stock ? '1 1' : '0 0']),
  ),
  '/proc/1/attr/current': label('init_t'),
  '/proc/1/cgroup': '0::/init.scope\n',
  '/proc/2/attr/current': label('kernel_t'),
  '/proc/900/attr/current': label('sshd_t'),
};
const off: Files = { '/sys/fs/selinux/enforce': undefined, '/proc/filesystems': 'nodev\tproc\n' };
const hidden: Files = { '/sys/fs/selinux/enforce': undefined };

const set = (name: string, text: string | undefined): Files => ({ [`${BOOLEANS}/${name}`]: text });
const PASS = 'selinux.booleans pass';
const BOOLEAN_STATES: readonly (readonly [
  name: string,
  change: Files,
  lines: readonly string[],
])[] = [
  ['as the policy is shipped', {}, [PASS]],
  [
    'with the two booleans RHCOS has on',
    { ...set('container_use_cephfs', '1 1'), ...set('virt_use_samba', '1 1') },
    [PASS],
  ],
  [
    'with devices given to containers',
    set('container_use_devices', '1 1'),
    [`selinux.booleans fail turned-on @ ${BOOLEANS}/container_use_devices`],
  ],
  [
    'with two booleans turned on',
    { ...set('virt_use_nfs', '1 1'), ...set('container_manage_cgroup', '1 1') },
    [
      `selinux.booleans fail turned-on @ ${BOOLEANS}/container_manage_cgroup`,
      `selinux.booleans fail turned-on @ ${BOOLEANS}/virt_use_nfs`,
    ],
  ],
  [
    'with a boolean off that is shipped on, which is stricter',
    set('selinuxuser_execstack', '0 0'),
    [PASS],
  ],
  ['with a boolean on that forbids', set('deny_ptrace', '1 1'), [PASS]],
  [
    'with a value that is not committed',
    set('container_use_devices', '0 1'),
    [`selinux.booleans fail uncommitted @ ${BOOLEANS}/container_use_devices`],
  ],
  ['whose policy lacks a boolean', set('user_t_run_containers', undefined), [PASS]],
  ['with a boolean nobody tracks', set('httpd_enable_cgi', '1 1'), [PASS]],
  ...['', '1', '2 0', '1 1 1', 'on on', '\0'].map(
    (text): readonly [string, Files, readonly string[]] => [
      `with a boolean that says ${JSON.stringify(text)}`,
      set('container_use_devices', text),
      [`selinux.booleans error parse @ ${BOOLEANS}/container_use_devices`],
    ],
  ),
  ['whose SELinux is off', off, ['selinux.booleans notapplicable selinux-off']],
  ['whose selinuxfs is not visible', hidden, [`selinux.booleans error not-visible @ ${BOOLEANS}`]],
];

for (const [name, change, lines] of BOOLEAN_STATES) {
  t.test(`booleans of a node ${name}`, async (t) => {
    const found = await look(t.testdir(treeOf({ ...NODE, ...change })), 'selinux.booleans');
    t.strictSame(found.map(lineOf), lines);
  });
}

t.test('a boolean turned on is right where the profile or the baseline has it so', async (t) => {
  const root = t.testdir(treeOf({ ...NODE, ...set('virt_use_nfs', '1 1') }));
  const rule = 'selinux.booleans';
  const findings = await look(root, rule);
  t.match(findings, [
    { result: 'fail', observed: { current: true, pending: true, persistent: null } },
  ]);
  const named = await look(root, rule, { selinuxBooleansOn: ['virt_use_nfs'] });
  t.strictSame(named.map(lineOf), [PASS]);
  const baseline = captureBaseline({ findings, files: {}, acceptedAt: '', acceptedBy: 'x' });
  const found = await selinux.run(contextAt(root, baseline), AbortSignal.timeout(10_000));
  t.ok(found.map(lineOf).includes(PASS));
});

t.test('whether a boolean outlives a reboot is told', async (t) => {
  const lists: readonly (readonly [text: string, message: RegExp])[] = [
    ['virt_use_nfs=1\n', /is on, also after a reboot/],
    ['virt_use_nfs=0\n', /is on, set in the running kernel/],
    ['# none\n', /is on, set in the running kernel/],
  ];
  for (const [text, message] of lists) {
    const local = { '/var/lib/selinux/targeted/active/booleans.local': text };
    const root = t.testdir(treeOf({ ...NODE, ...set('virt_use_nfs', '1 1'), ...local }));
    const [found] = await look(root, 'selinux.booleans');
    t.match(found?.message, message);
  }
});

const UNCONFINED = label('unconfined_service_t');
const CRIO = `0::/kubepods.slice/crio-${ID}.scope\n`;
const DAEMONS: readonly (readonly [name: string, change: Files, lines: readonly string[]])[] = [
  ['whose daemons all have a domain', {}, ['pass']],
  [
    'with an unconfined daemon',
    { '/proc/901/attr/current': UNCONFINED, '/proc/901/comm': 'odd\n' },
    ['fail unconfined @ odd'],
  ],
  [
    'with two processes of one unconfined daemon',
    {
      '/proc/901/attr/current': UNCONFINED,
      '/proc/901/comm': 'odd\n',
      '/proc/902/attr/current': UNCONFINED,
      '/proc/902/comm': 'odd\n',
    },
    ['fail unconfined @ odd'],
  ],
  [
    'with a range of levels and categories behind the type',
    { '/proc/901/attr/current': 'system_u:system_r:unconfined_service_t:s0-s0:c0.c1023\0' },
    ['fail unconfined @ process 901'],
  ],
  [
    'with an unconfined process in a container',
    { '/proc/901/attr/current': UNCONFINED, '/proc/901/cgroup': CRIO },
    ['pass'],
  ],
  ['with a user’s unconfined shell', { '/proc/901/attr/current': label('unconfined_t') }, ['pass']],
  [
    'with a type that only starts so',
    { '/proc/901/attr/current': label('unconfined_service_t_x') },
    ['pass'],
  ],
  ['with a process without a label', { '/proc/901/attr/current': '' }, ['pass']],
  ['whose SELinux is off', off, ['notapplicable selinux-off']],
  ['whose selinuxfs is not visible', hidden, ['error not-visible @ /sys/fs/selinux/enforce']],
  [
    'whose processes are not visible',
    { '/proc/1/attr/current': undefined, '/proc/1/cgroup': undefined },
    ['error not-visible @ /proc'],
  ],
];

for (const [name, change, lines] of DAEMONS) {
  t.test(`daemons of a node ${name}`, async (t) => {
    const found = await look(
      t.testdir(treeOf({ ...NODE, ...change })),
      'selinux.unconfined-daemons',
    );
    t.strictSame(
      found.map(lineOf),
      lines.map((line) => `selinux.unconfined-daemons ${line}`),
    );
  });
}

t.test('a daemon goes by its program; the profile exempts it by that alone', async (t) => {
  const unconfined = { '/proc/901/attr/current': UNCONFINED, '/proc/901/comm': 'agent\n' };
  const root = t.testdir(treeOf({ ...NODE, ...unconfined }));
  const rule = 'selinux.unconfined-daemons';
  const byName = { unconfinedPrograms: ['agent', '/usr/bin/agent'] };
  t.strictSame((await look(root, rule, byName)).map(lineOf), [`${rule} fail unconfined @ agent`]);
  symlinkSync('/usr/bin/agent (deleted)', `${root}/proc/901/exe`);
  t.strictSame((await look(root, rule)).map(lineOf), [`${rule} fail unconfined @ /usr/bin/agent`]);
  t.strictSame((await look(root, rule, byName)).map(lineOf), [`${rule} pass`]);
});

t.test(
  'labels that may not be read are an error beside what was found',
  { skip: alwaysPrivileged },
  async (t) => {
    const unconfined = { '/proc/901/attr/current': UNCONFINED, '/proc/901/comm': 'odd\n' };
    const root = t.testdir(treeOf({ ...NODE, ...unconfined }));
    chmodSync(`${root}/proc/900/attr/current`, 0o000);
    const found = await asNobody(() => look(root, 'selinux.unconfined-daemons'));
    t.strictSame(found.map(lineOf), [
      'selinux.unconfined-daemons fail unconfined @ odd',
      'selinux.unconfined-daemons error permission @ /proc',
    ]);
  },
);

async function look(
  root: string,
  rule: string,
  values: Partial<ProfileValues> = {},
): Promise<readonly Finding[]> {
  const context = contextAt(root, undefined, values);
  const found = await selinux.run(context, AbortSignal.timeout(10_000));
  return found.filter(({ ruleId }) => ruleId === rule);
}
