import t from 'tap';
import { crioBoolean, crioText, readCrioConfig } from '../../agent/crio-config.ts';
import { openHost } from '../../agent/host.ts';
import { treeOf } from '../support/host-tree.ts';

const MAIN = '/etc/crio/crio.conf';
const DROP_INS = '/etc/crio/crio.conf.d';
const runtime = (text: string): string => `[crio.runtime]\n${text}\n`;

const UNIT = '/usr/lib/systemd/system/crio.service';
/** A unit of CRI-O with these flags, and these lines before its command. */
const service = (flags: string, ...lines: readonly string[]): Readonly<Record<string, string>> => ({
  [UNIT]: ['[Service]', ...lines, `ExecStart=/usr/bin/crio ${flags}`, ''].join('\n'),
});

const CASES: readonly (readonly [
  name: string,
  files: Readonly<Record<string, string>>,
  selinux: readonly [value: boolean, path: string] | undefined,
])[] = [
  ['one file', { [MAIN]: runtime('selinux = true') }, [true, MAIN]],
  ['nothing about it', { [MAIN]: '' }, undefined],
  [
    'a drop-in over the main file',
    { [MAIN]: runtime('selinux = true'), [`${DROP_INS}/00-default`]: runtime('selinux = false') },
    [false, `${DROP_INS}/00-default`],
  ],
  [
    'drop-ins in order of their names',
    {
      [`${DROP_INS}/10-a`]: runtime('selinux = false'),
      [`${DROP_INS}/9-b`]: runtime('selinux = true'),
    },
    [true, `${DROP_INS}/9-b`],
  ],
  [
    'a drop-in about something else',
    {
      [`${DROP_INS}/00`]: runtime('selinux = true'),
      [`${DROP_INS}/99`]: '[crio.image]\npause_image = "x"\n',
    },
    [true, `${DROP_INS}/00`],
  ],
  [
    'a drop-in in a folder of the folder',
    {
      [`${DROP_INS}/00`]: runtime('selinux = true'),
      [`${DROP_INS}/50/x`]: runtime('selinux = false'),
    },
    [false, `${DROP_INS}/50/x`],
  ],
  [
    'names in another case, as its TOML library takes them',
    { [MAIN]: runtime('selinux = true'), [`${DROP_INS}/50`]: '[CRIO.Runtime]\nSELinux = false\n' },
    [false, `${DROP_INS}/50`],
  ],
  [
    'both cases of a name, of which the exact one goes first',
    { [MAIN]: '[crio.runtime]\nSELINUX = false\nselinux = true\n' },
    [true, MAIN],
  ],
  [
    'a flag of its unit',
    { [MAIN]: runtime('selinux = true'), ...service('--selinux=false') },
    [false, UNIT],
  ],
  [
    'a flag with one dash',
    { [MAIN]: runtime('selinux = true'), ...service('-selinux=0') },
    [false, UNIT],
  ],
  [
    'a switch without a value',
    { [MAIN]: runtime('selinux = false'), ...service('--selinux false') },
    [true, UNIT],
  ],
  [
    'a variable of its unit',
    { [MAIN]: runtime('selinux = true'), ...service('', 'Environment=CONTAINER_SELINUX=false') },
    [false, UNIT],
  ],
  [
    'a flag before a variable of its unit',
    { [MAIN]: '', ...service('--selinux=true', 'Environment=CONTAINER_SELINUX=false') },
    [true, UNIT],
  ],
  [
    'a flag in a file of variables',
    {
      [MAIN]: runtime('selinux = true'),
      ...service('$CRIO_CONFIG_OPTIONS', 'EnvironmentFile=-/etc/sysconfig/crio'),
      '/etc/sysconfig/crio': 'CRIO_CONFIG_OPTIONS="--selinux=false"\n',
    },
    [false, UNIT],
  ],
  [
    'another file by a flag, and other drop-ins',
    {
      [MAIN]: runtime('selinux = true'),
      [`${DROP_INS}/50`]: runtime('selinux = true'),
      '/srv/crio.conf': runtime('selinux = true'),
      '/srv/crio.d/x': runtime('selinux = false'),
      ...service('-c /srv/crio.conf --config-dir=/srv/crio.d'),
    },
    [false, '/srv/crio.d/x'],
  ],
  ['dotted keys', { [MAIN]: 'crio.runtime.selinux = true\n' }, [true, MAIN]],
];

for (const [name, files, expected] of CASES) {
  t.test(`CRI-O’s configuration with ${name}`, async (t) => {
    const config = await readCrioConfig(openHost(t.testdir(treeOf(files))));
    t.ok(config);
    const found = config && crioBoolean(config, 'crio', 'runtime', 'selinux');
    t.strictSame(found && [found.value, found.path], expected);
  });
}

t.test('without files CRI-O is there when its program is', async (t) => {
  t.equal(await readCrioConfig(openHost(t.testdir({}))), undefined);
  const root = t.testdir(treeOf({ '/usr/bin/crio': '' }));
  t.strictSame(await readCrioConfig(openHost(root)), { files: [] });
});

t.test('a value of the wrong type is an error that names file and key', async (t) => {
  const root = t.testdir(treeOf({ [MAIN]: runtime('selinux = "yes"\nseccomp_profile = []') }));
  const config = await readCrioConfig(openHost(root));
  t.throws(() => config && crioBoolean(config, 'crio', 'runtime', 'selinux'), {
    code: 'ERR_CRIO_VALUE',
    message: `${MAIN}: crio.runtime.selinux: expected a boolean, found string`,
  });
  t.throws(() => config && crioText(config, 'crio', 'runtime', 'seccomp_profile'), {
    code: 'ERR_CRIO_VALUE',
  });
});

t.test('which file is read is not known where a variable says what no file tells', async (t) => {
  for (const name of ['CONTAINER_CONFIG', 'CONTAINER_CONFIG_DIR', 'CONTAINER_SELINUX']) {
    const files = { [MAIN]: runtime('selinux = true'), ...service('', `Environment=${name}=/%H`) };
    await t.rejects(readCrioConfig(openHost(t.testdir(treeOf(files)))), {
      code: 'ERR_CRIO_VALUE',
      message: `${UNIT}: ${name} is set with a specifier that only the running node knows`,
    });
  }
});

t.test('a file that is no TOML is an error that names it', async (t) => {
  const root = t.testdir(treeOf({ [`${DROP_INS}/00`]: '[crio' }));
  await t.rejects(readCrioConfig(openHost(root)), {
    code: 'ERR_TOML_SYNTAX',
    message: /crio\.conf\.d\/00: /,
  });
});
