import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readServiceUnit } from '../../agent/unit-files.ts';
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
  ['that is empty', { [UNIT]: '' }, []],
  ['that is no unit', { [UNIT]: '\0\u0001=[[\n]=\n[Service\nExecStart' }, []],
];

for (const [name, files, command] of COMMANDS) {
  t.test(`a unit ${name} is read as by systemd`, async (t) => {
    const unit = await readServiceUnit(openHost(t.testdir(treeOf(files))), 'kubelet.service');
    t.strictSame(unit?.command, command);
  });
}

t.test('without a unit file there is no unit, whatever its drop-ins say', async (t) => {
  const root = t.testdir(treeOf({ [`${DROP_INS}/x.conf`]: '[Service]\nExecStart=k\n' }));
  t.equal(await readServiceUnit(openHost(root), 'kubelet.service'), undefined);
});

t.test('files are told in the order they apply', async (t) => {
  const files = { [UNIT]: '', [`${DROP_INS}/b.conf`]: '', [`${DROP_INS}/a.conf`]: '' };
  const unit = await readServiceUnit(openHost(t.testdir(treeOf(files))), 'kubelet.service');
  t.strictSame(unit?.files, [UNIT, `${DROP_INS}/a.conf`, `${DROP_INS}/b.conf`]);
});
