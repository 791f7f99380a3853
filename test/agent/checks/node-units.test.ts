import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import { say, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf, type UnitOfMachineConfig } from '../../support/machine-config.ts';

const UNITS = '/etc/systemd/system';
const CURRENT = '/etc/machine-config-daemon/currentconfig';
const OWN = '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n';
type Links = Readonly<Record<string, string>>;
const WANTED: Links = { [`${UNITS}/multi-user.target.wants/a.service`]: `${UNITS}/a.service` };

const CASES: readonly (readonly [
  name: string,
  unit: Partial<UnitOfMachineConfig>,
  files: Readonly<Record<string, string>>,
  links: Links,
  expected: string,
])[] = [
  ['enabled as asked', { enabled: true, contents: OWN }, {}, WANTED, 'pass'],
  ['not enabled', { enabled: true, contents: OWN }, {}, {}, 'fail disabled'],
  [
    'enabled by another target, which systemctl calls enabled too',
    { enabled: true, contents: OWN },
    {},
    { [`${UNITS}/x.target.requires/a.service`]: `${UNITS}/a.service` },
    'pass',
  ],
  ['disabled as asked', { enabled: false, contents: OWN }, {}, {}, 'pass'],
  [
    'enabled though it should not be',
    { enabled: false, contents: OWN },
    {},
    WANTED,
    'fail enabled',
  ],
  ['left as it is', { contents: OWN }, {}, WANTED, 'pass'],
  ['static', { enabled: true, contents: '[Service]\n' }, {}, {}, 'pass'],
  [
    'with an alias alone',
    { enabled: true, contents: '[Install]\nAlias=b.service\n' },
    {},
    {},
    'pass',
  ],
  ['of nobody here', { enabled: true }, {}, {}, 'pass'],
  [
    'of the operating system and not enabled',
    { enabled: true },
    { '/usr/lib/systemd/system/a.service': OWN },
    {},
    'fail disabled',
  ],
  [
    'of the operating system and enabled',
    { enabled: true },
    { '/usr/lib/systemd/system/a.service': OWN },
    { [`${UNITS}/multi-user.target.wants/a.service`]: '/usr/lib/systemd/system/a.service' },
    'pass',
  ],
  [
    'of the operating system and masked by hand',
    { enabled: true },
    { '/usr/lib/systemd/system/a.service': OWN },
    { ...WANTED, [`${UNITS}/a.service`]: '/dev/null' },
    'fail masked',
  ],
  ['masked as asked', { mask: true }, {}, { [`${UNITS}/a.service`]: '/dev/null' }, 'pass'],
  [
    'masked as asked, its text being kept for later',
    { mask: true, contents: OWN, enabled: true },
    {},
    { [`${UNITS}/a.service`]: '/dev/null' },
    'pass',
  ],
  ['not masked', { mask: true }, {}, {}, 'fail unmasked'],
  ['unmasked by a file', { mask: true }, { [`${UNITS}/a.service`]: OWN }, {}, 'fail unmasked'],
  [
    'masked by a link elsewhere',
    { mask: true },
    {},
    { [`${UNITS}/a.service`]: '/etc/passwd' },
    'fail unmasked',
  ],
];

for (const [name, members, files, links, expected] of CASES) {
  t.test(`a unit ${name}: ${expected}`, async (t) => {
    const unit = { name: 'a.service', ...members };
    const own =
      unit.contents === undefined || unit.mask === true
        ? {}
        : { [`${UNITS}/a.service`]: unit.contents };
    const root = t.testdir(
      treeOf({ ...own, ...files, [CURRENT]: machineConfigOf({}, {}, [unit]) }),
    );
    link(root, links);
    const said = (await say(node, root)).filter((line) => line.startsWith('node.mco-drift'));
    const subject = expected === 'pass' ? '' : ` @ ${UNITS}/a.service`;
    t.strictSame(said, [`node.mco-drift ${expected}${subject}`]);
  });
}

t.test('an instance is enabled by its own name, its template by none', async (t) => {
  const units = [
    { name: 'a@.service', enabled: true, contents: OWN },
    { name: 'a@one.service', enabled: true },
    { name: 'a@two.service', enabled: true },
  ];
  const root = t.testdir(
    treeOf({ [`${UNITS}/a@.service`]: OWN, [CURRENT]: machineConfigOf({}, {}, units) }),
  );
  link(root, { [`${UNITS}/multi-user.target.wants/a@one.service`]: `${UNITS}/a@.service` });
  t.strictSame((await say(node, root)).slice(0, 1), [
    `node.mco-drift fail disabled @ ${UNITS}/a@two.service`,
  ]);
});

const DROP_INS: readonly (readonly [name: string, text: string | undefined, expected: string])[] = [
  ['absent', undefined, 'pass'],
  ['empty', '', 'pass'],
  ['filled', '[Service]\n', 'fail content'],
];

for (const [name, text, expected] of DROP_INS) {
  t.test(`a drop-in without contents that is ${name}: ${expected}`, async (t) => {
    for (const dropIn of [{ name: 'x.conf' }, { name: 'x.conf', contents: '' }]) {
      const units = [{ name: 'a.service', dropins: [dropIn] }];
      const path = `${UNITS}/a.service.d/x.conf`;
      const root = t.testdir(treeOf({ [path]: text, [CURRENT]: machineConfigOf({}, {}, units) }));
      const subject = expected === 'pass' ? '' : ` @ ${path}`;
      t.strictSame((await say(node, root)).slice(0, 1), [`node.mco-drift ${expected}${subject}`]);
    }
  });
}

t.test('a folder of links that is none, and a loop, say nothing of units', async (t) => {
  const units = [{ name: 'a.service', enabled: false, contents: OWN }];
  const root = t.testdir(
    treeOf({ [`${UNITS}/a.service`]: OWN, [CURRENT]: machineConfigOf({}, {}, units) }),
  );
  writeFileSync(`${root}${UNITS}/x.wants`, '');
  symlinkSync('y.wants', `${root}${UNITS}/y.wants`);
  t.strictSame((await say(node, root)).slice(0, 1), ['node.mco-drift pass']);
});

function link(root: string, links: Links): void {
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(`${root}${path}`), { recursive: true });
    rmSync(`${root}${path}`, { force: true });
    symlinkSync(target, `${root}${path}`);
  }
}
