import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readServiceEnvironment } from '../../agent/service-environment.ts';
import {
  ETC,
  environmentFile,
  FILE,
  SERVICE_ENVIRONMENTS,
  USR,
  unit,
} from '../support/service-environments.ts';
import { type Files, writeFiles } from '../support/store-tree.ts';
import { alwaysPrivileged, asNobody } from '../support/unprivileged.ts';

for (const [name, files, variables] of SERVICE_ENVIRONMENTS) {
  t.test(`the environment of a service ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const found = await readServiceEnvironment(host, 'crio.service');
    t.same(Object.fromEntries(found.variables), variables);
    t.same(found.problems, []);
    t.same([...found.undecided], []);
  });
}

/** What systemd could not use either, or what only the running node knows. */
const faults: readonly (readonly [
  name: string,
  files: Files,
  problem: RegExp,
  variables?: object,
])[] = [
  [
    'a file that is not there',
    { [USR]: unit('EnvironmentFile=/etc/none') },
    /^\/etc\/none: expected a text file/,
  ],
  ['files by a wildcard', { [USR]: unit('EnvironmentFile=-/etc/sysconfig/*') }, /path of one file/],
  [
    'a section that is not closed',
    { [USR]: `${unit('Environment=A=1')}[Service\nEnvironment=A=2\n` },
    /section header/,
    { A: '1' },
  ],
  ['a unit that is a folder', { [`${USR}/x`]: '' }, /regular file/],
  ['drop-ins that are a file', { [USR]: unit(), [`${ETC}.d`]: '' }, /expected a folder/],
  ['a unit that is no text', { [USR]: Buffer.from([0x5b, 0xff, 0xfe]) }, /UTF-8/],
  [
    'a file that is no text',
    { ...environmentFile(''), [FILE]: Buffer.from([0x41, 0x3d, 0xff]) },
    /UTF-8/,
  ],
  [
    'a file that is a folder',
    { [USR]: unit(`EnvironmentFile=${FILE}`), [`${FILE}/x`]: '' },
    /regular file/,
  ],
  [
    'a file of 5 MB',
    { [USR]: unit(`EnvironmentFile=-${FILE}`), [FILE]: 'A=1\n'.repeat(1_300_000) },
    /larger than/,
  ],
];

for (const [name, files, problem, variables = {}] of faults) {
  t.test(`the environment of a service with ${name} has a problem`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const found = await readServiceEnvironment(host, 'crio.service');
    t.match(found.problems, [problem]);
    t.same(Object.fromEntries(found.variables), variables);
  });
}

t.test('variables whose value only the running node knows are undecided', async (t) => {
  const text = unit('Environment=A=%H B=2 C=%H', 'PassEnvironment=D B', 'Environment=C=3');
  const host = openHost(writeFiles(t.testdir({}), { [USR]: text }));
  const { variables, undecided } = await readServiceEnvironment(host, 'crio.service');
  t.same(Object.fromEntries(variables), { B: '2', C: '3' });
  t.match(Object.fromEntries(undecided), { A: /specifier/, D: /passed on/ });
  t.equal(undecided.size, 2);
});

t.test('a unit linked to /dev/null is masked, and so is a drop-in', async (t) => {
  const dropIn = '/etc/systemd/system/crio.service.d/50-a.conf';
  const hidden = {
    [`/usr/lib/systemd/system/crio.service.d/50-a.conf`]: '[Service]\nEnvironment=A=1\n',
  };
  for (const [masked, expected] of [
    [ETC, {}],
    [dropIn, { B: '2' }],
  ] as const) {
    const root = writeFiles(t.testdir({}), { [USR]: unit('Environment=B=2'), ...hidden });
    mkdirSync(dirname(join(root, masked)), { recursive: true });
    symlinkSync('/dev/null', join(root, masked));
    const found = await readServiceEnvironment(openHost(root), 'crio.service');
    t.same(Object.fromEntries(found.variables), expected);
    t.same(found.problems, []);
  }
});

t.test(
  'an optional file that we may not read is a problem: systemd may',
  { skip: alwaysPrivileged },
  async (t) => {
    const root = writeFiles(t.testdir({}), {
      [USR]: unit(`EnvironmentFile=-${FILE}`),
      [FILE]: 'A=1\n',
    });
    chmodSync(join(root, FILE), 0o600);
    const host = openHost(root);
    const { problems } = await asNobody(() => readServiceEnvironment(host, 'crio.service'));
    t.match(problems, [/permission denied/]);
  },
);

t.test('a fifo in place of a file is a problem, and nothing waits for it', async (t) => {
  const root = writeFiles(t.testdir({}), {
    [USR]: unit(`EnvironmentFile=${FILE}`),
    '/etc/sysconfig/x': '',
  });
  execFileSync('mkfifo', [join(root, FILE)]);
  t.match((await readServiceEnvironment(openHost(root), 'crio.service')).problems, [
    /regular file/,
  ]);
});

t.test('a unit cut at any byte is read without an exception', async (t) => {
  const text = unit(String.raw`Environment="A=1 \x41" 'B=\u00e42' \ `, 'C="3', '[Unit]');
  const root = writeFiles(t.testdir({}), { [USR]: '' });
  for (let length = 0; length <= text.length; length++) {
    writeFiles(root, { [USR]: text.slice(0, length) });
    const { variables } = await readServiceEnvironment(openHost(root), 'crio.service');
    t.ok(variables.size <= 3, `${length} bytes`);
  }
});
