import { mkdirSync, symlinkSync } from 'node:fs';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readServiceCommand } from '../../agent/service-command.ts';
import { treeOf } from '../support/host-tree.ts';

const UNIT = '/etc/systemd/system/kubelet.service';
const DROP_INS = `${UNIT}.d`;
type Files = Readonly<Record<string, string>>;
/** As systemd writes a variable that is part of a word. */
const braced = (name: string): string => `$\{${name}}`;

const COMMANDS: readonly (readonly [name: string, files: Files, command: readonly string[]])[] = [
  [
    'with a command',
    { [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet --v=2\n' },
    ['/usr/bin/kubelet', '--v=2'],
  ],
  [
    'over several lines',
    { [UNIT]: '[Service]\nExecStart=/usr/bin/kubelet \\\n    --a=1 \\\n    --b\n' },
    ['/usr/bin/kubelet', '--a=1', '--b'],
  ],
  [
    'with quotes',
    { [UNIT]: '[Service]\nExecStart=k "--a=b c" --d=\'e f\'\n' },
    ['k', '--a=b c', '--d=e f'],
  ],
  [
    'of another section or behind a comment',
    { [UNIT]: '[Unit]\nExecStart=a\n[Service]\n#ExecStart=b\n;ExecStart=c\n' },
    [],
  ],
  [
    'replaced by a drop-in',
    {
      [UNIT]: '[Service]\nExecStart=k --a\n',
      [`${DROP_INS}/10-x.conf`]: '[Service]\nExecStart=\nExecStart=k --b\n',
      [`${DROP_INS}/20-y.txt`]: '[Service]\nExecStart=\n',
    },
    ['k', '--b'],
  ],
  [
    'with a drop-in of the vendor that one of the same name masks',
    {
      '/usr/lib/systemd/system/kubelet.service': '[Service]\nExecStart=k $A\n',
      '/usr/lib/systemd/system/kubelet.service.d/10-x.conf': '[Service]\nEnvironment=A=--vendor\n',
      [`${DROP_INS}/10-x.conf`]: '[Service]\nEnvironment=A=--own\n',
    },
    ['k', '--own'],
  ],
  [
    'with variables of one word and of several',
    {
      [UNIT]: `[Service]\nEnvironment="A=x y" B=z\nEnvironmentFile=-/etc/env\nExecStart=k --a=${braced('A')} $A ${braced('C')}${braced('B')} $D\n`,
      '/etc/env': '# a comment\nC="from a file"\n',
    },
    ['k', '--a=x y', 'x', 'y', 'from a filez'],
  ],
  [
    'with a file of variables that is not there',
    { [UNIT]: `[Service]\nEnvironmentFile=-/etc/none\nExecStart=k --a=${braced('A')}\n` },
    ['k', '--a='],
  ],
  [
    'with a variable of a file, which goes before the unit’s own wherever it stands',
    {
      [UNIT]: '[Service]\nEnvironmentFile=/etc/env\nEnvironment=A=--unit\nExecStart=k $A\n',
      '/etc/env': 'A=--file\n',
    },
    ['k', '--file'],
  ],
  [
    'with a comment between its lines',
    { [UNIT]: '[Service]\nExecStart=k --a \\\n# --not \\\n; --this\n  --b\n' },
    ['k', '--a', '--b'],
  ],
  [
    'with a drop-in for all services',
    {
      [UNIT]: '[Service]\nExecStart=k $A\n',
      '/etc/systemd/system/service.d/10-x.conf': '[Service]\nEnvironment=A=--all\n',
    },
    ['k', '--all'],
  ],
  ['that is no unit', { [UNIT]: '\0\u0001=[[\n]=\n[Service\nExecStart' }, []],
];

for (const [name, files, command] of COMMANDS) {
  t.test(`a unit ${name} is read as by systemd`, async (t) => {
    const found = await readServiceCommand(openHost(t.testdir(treeOf(files))), 'kubelet.service');
    t.strictSame(found?.words, command);
  });
}

const NO_UNITS: readonly (readonly [name: string, files: Files])[] = [
  ['that is not there, whatever its drop-ins say', {}],
  ['that is empty, which masks it', { [UNIT]: '' }],
];
for (const [name, files] of NO_UNITS) {
  t.test(`a unit ${name} has no command`, async (t) => {
    const dropIn = { [`${DROP_INS}/x.conf`]: '[Service]\nExecStart=k\n' };
    const root = t.testdir(treeOf({ ...files, ...dropIn }));
    t.equal(await readServiceCommand(openHost(root), 'kubelet.service'), undefined);
  });
}

t.test('a unit or a drop-in that is masked counts for nothing', async (t) => {
  const vendors = '/usr/lib/systemd/system/kubelet.service';
  const files = {
    [vendors]: '[Service]\nExecStart=k --a\n',
    [`${vendors}.d/10-x.conf`]: '[Service]\nExecStart=\nExecStart=k --b\n',
    [`${DROP_INS}/20-y.conf`]: '',
  };
  const root = t.testdir(treeOf(files));
  mkdirSync(`${root}/dev/null`, { recursive: true });
  const words = async () =>
    (await readServiceCommand(openHost(root), 'kubelet.service'))?.words ?? null;
  t.strictSame(await words(), ['k', '--b']);
  symlinkSync('/dev/null', `${root}${DROP_INS}/10-x.conf`);
  t.strictSame(await words(), ['k', '--a']);
  symlinkSync('/dev/null', `${root}${UNIT}`);
  t.equal(await words(), null);
});
