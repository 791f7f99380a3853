import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { readStorageConfig } from '../../../agent/images/storage-conf.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';

const DEFAULTS = {
  graphRoot: '/var/lib/containers/storage',
  runRoot: '/run/containers/storage',
  additionalImageStores: [],
  additionalLayerStores: [],
  additionalArtifactStores: [],
  transientStore: false,
};
const ETC = '/etc/containers/storage.conf';
const USR = '/usr/share/containers/storage.conf';
const CRIO = '/etc/crio/crio.conf.d/00-default';

const cases: readonly (readonly [name: string, files: Files, expected: object])[] = [
  ['without any configuration', {}, { ...DEFAULTS, files: [], problems: [] }],
  [
    'as the machine-config operator sets it up',
    {
      [ETC]:
        '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n[storage.options]\nadditionalimagestores = [\n]\n',
    },
    { ...DEFAULTS, driver: 'overlay', files: [ETC], problems: [] },
  ],
  [
    'with files of the vendor and the administrator, of which only the latter counts',
    { [ETC]: '[storage]\ndriver = "vfs"\n', [USR]: '[storage]\ngraphroot = "/other"\n' },
    { ...DEFAULTS, driver: 'vfs', files: [ETC] },
  ],
  [
    'with the file of the vendor alone',
    { [USR]: '[storage]\ngraphroot = "/other"\n' },
    { graphRoot: '/other', files: [USR] },
  ],
  [
    'with drop-ins: by name, the higher place wins, the last value counts',
    {
      [ETC]: '[storage]\ngraphroot = "/main"\nrunroot = "/run/main"\n',
      '/usr/share/containers/storage.conf.d/50-a.conf': '[storage]\ngraphroot = "/hidden"\n',
      '/etc/containers/storage.conf.d/50-a.conf': '[storage]\ngraphroot = "/dropped-in"\n',
      '/usr/share/containers/storage.conf.d/10-b.conf': '[storage]\ngraphroot = "/earlier"\n',
      '/etc/containers/storage.conf.d/60-c.conf.bak': '[storage]\ngraphroot = "/no"\n',
    },
    { graphRoot: '/dropped-in', runRoot: '/run/main' },
  ],
  [
    'with further stores',
    {
      [ETC]:
        '[storage]\nimagestore = "/images"\ntransient_store = true\n[storage.options]\nadditionalimagestores = ["/usr/lib/containers/storage", "/more"]\nadditionallayerstores = ["/lazy:ref", "/layers"]\n',
    },
    {
      imageStore: '/images',
      transientStore: true,
      additionalImageStores: ['/usr/lib/containers/storage', '/more'],
      additionalLayerStores: ['/lazy', '/layers'],
    },
  ],
  [
    'where CRI-O overrides it',
    {
      [ETC]: '[storage]\ndriver = "vfs"\ngraphroot = "/podman"\n',
      [CRIO]: '[crio]\nroot = "/crio"\nrunroot = "/run/crio"\nstorage_driver = "overlay"\n',
    },
    { driver: 'overlay', graphRoot: '/crio', runRoot: '/run/crio', problems: [] },
  ],
  [
    'that is no TOML',
    { [ETC]: '[storage\n' },
    { ...DEFAULTS, files: [], problems: [/^\/etc\/containers\/storage.conf: .*line 1, column/] },
  ],
  [
    'whose values are of other types',
    {
      [ETC]:
        '[storage]\ndriver = 1\ngraphroot = []\n[storage.options]\nadditionalimagestores = "x"\n',
    },
    { ...DEFAULTS, problems: [/driver/, /graphroot/, /additionalimagestores/] },
  ],
  [
    'whose paths hold variables of an environment that nobody knows',
    {
      [ETC]:
        '[storage]\ngraphroot = "$HOME/storage"\n[storage.options]\nadditionalimagestores = ["rel"]\n',
    },
    { ...DEFAULTS, problems: [/graphroot/, /additionalimagestores/] },
  ],
  [
    'where CRI-O would not start',
    { [ETC]: '[storage]\ngraphroot = "/here"\n', [CRIO]: '[crio]\nroot = 1\n' },
    { graphRoot: '/here', problems: [/crio/] },
  ],
];

for (const [name, files, expected] of cases) {
  t.test(`a storage configuration ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    t.match(await readStorageConfig(host), expected);
  });
}

t.test('a storage.conf that is a folder is a problem, not an exception', async (t) => {
  const host = openHost(writeFiles(t.testdir({}), { [`${ETC}/file`]: '' }));
  const { graphRoot, problems } = await readStorageConfig(host);
  t.equal(graphRoot, DEFAULTS.graphRoot);
  t.match(problems, [/expected a regular file/]);
});
