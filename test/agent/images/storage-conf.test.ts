import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { readStorageConfig, type StorageConfig } from '../../../agent/images/storage-conf.ts';
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

interface Expected extends Partial<Omit<StorageConfig, 'problems'>> {
  readonly problems?: readonly RegExp[];
}
const UNIT = '/usr/lib/systemd/system/crio.service';
const SERVICE = (...lines: readonly string[]): Files => ({
  [UNIT]: `[Service]\n${lines.join('\n')}\n`,
});

const cases: readonly (readonly [name: string, files: Files, expected: Expected])[] = [
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
    'where the service that pulls is told of another file, which alone counts',
    {
      ...SERVICE('Environment=CONTAINERS_STORAGE_CONF=/etc/other.conf'),
      '/etc/other.conf': '[storage]\ngraphroot = "/other"\n',
      [ETC]: '[storage]\ndriver = "vfs"\nrunroot = "/run/main"\n',
      '/etc/containers/storage.conf.d/50-a.conf': '[storage]\ngraphroot = "/dropped-in"\n',
    },
    { graphRoot: '/other', runRoot: DEFAULTS.runRoot, files: ['/etc/other.conf'], problems: [] },
  ],
  [
    'where that file is not there',
    { ...SERVICE('Environment=CONTAINERS_STORAGE_CONF=/etc/other.conf') },
    { ...DEFAULTS, problems: [/^\/etc\/other\.conf: not there/] },
  ],
  [
    'with an override and a driver from a file of variables',
    {
      ...SERVICE('EnvironmentFile=-/etc/sysconfig/crio'),
      '/etc/sysconfig/crio':
        'CONTAINERS_STORAGE_CONF_OVERRIDE=/etc/last.conf\nSTORAGE_DRIVER="vfs"\n',
      [ETC]: '[storage]\ndriver = "overlay"\ngraphroot = "/main"\n',
      '/etc/containers/storage.conf.d/50-a.conf': '[storage]\nrunroot = "/run/dropped-in"\n',
      '/etc/last.conf': '[storage]\ngraphroot = "/last"\n',
    },
    { driver: 'vfs', graphRoot: '/last', runRoot: '/run/dropped-in', problems: [] },
  ],
  [
    'whose options the environment replaces and crio.conf adds to',
    {
      ...SERVICE('Environment=STORAGE_OPTS=overlay.imagestore=/env,overlay.size=1'),
      [ETC]:
        '[storage]\n[storage.options]\nadditionalimagestores = ["/main"]\nadditionallayerstores = ["/layers:ref"]\n',
      [CRIO]:
        '[crio]\nstorage_option = ["overlay.imagestore=/crio", "overlay.additionallayerstore=/l"]\n',
    },
    { additionalImageStores: ['/env', '/crio'], additionalLayerStores: ['/l'], problems: [] },
  ],
  [
    'with stores of layers, and image stores that two files name',
    {
      [ETC]:
        '[storage.options]\nadditionalimagestores = ["/more"]\nadditionallayerstores = ["/layers:ref"]\n',
      [CRIO]:
        '[crio]\nstorage_option = ["overlay.imagestore=/crio", "overlay2.imagestore=/x,/y"]\n',
      '/etc/crio/crio.conf.d/10-more': '[crio]\nstorage_option = [".imagestore=/last"]\n',
    },
    {
      additionalImageStores: ['/more', '/crio', '/x', '/y', '/last'],
      additionalLayerStores: ['/layers'],
    },
  ],
  [
    "where CRI-O's own variables overrule all",
    {
      ...SERVICE(
        'Environment=CONTAINER_ROOT=/own CONTAINER_RUNROOT=/run/own CONTAINER_STORAGE_DRIVER=vfs',
        'Environment=CONTAINER_STORAGE_OPT=vfs.imagestore=/own-more CONTAINER_IMAGESTORE=/own-images',
      ),
      [ETC]: '[storage.options]\nadditionalimagestores = ["/main"]\n',
      [CRIO]: '[crio]\nroot = "/crio"\nrunroot = "/run/crio"\nstorage_driver = "overlay"\n',
    },
    {
      driver: 'vfs',
      graphRoot: '/own',
      runRoot: '/run/own',
      imageStore: '/own-images',
      additionalImageStores: ['/own-more'],
    },
  ],
  [
    'whose paths hold variables that the service has',
    {
      ...SERVICE('Environment=HOME=/srv STORE=s'),
      [ETC]: '[storage]\ngraphroot = "$HOME/$STORE"\nrunroot = "/run/$UID"\n',
    },
    { graphRoot: '/srv/s', runRoot: '/run/0', problems: [] },
  ],
  [
    'beside one in a home folder, which tools of some versions read',
    {
      ...SERVICE('Environment=HOME=/srv'),
      '/srv/.config/containers/storage.conf': '[storage]\ngraphroot = "/home"\n',
    },
    { ...DEFAULTS, problems: [/\/srv\/\.config\/containers\/storage\.conf: whether it is read/] },
  ],
  [
    'in the folder of configuration that the service is given',
    {
      ...SERVICE('Environment=XDG_CONFIG_HOME=/srv/config HOME=/srv'),
      '/srv/config/containers/storage.conf': '[storage]\ngraphroot = "/xdg"\n',
      [ETC]: '[storage]\ngraphroot = "/main"\n',
    },
    { graphRoot: '/xdg', problems: [] },
  ],
  [
    'with a driver that only the running node knows',
    { ...SERVICE('Environment=STORAGE_DRIVER=%H OTHER=%H') },
    { ...DEFAULTS, problems: [/^environment of crio\.service: STORAGE_DRIVER is set with/] },
  ],
  [
    'with options of CRI-O that are no list',
    { [CRIO]: '[crio]\nstorage_option = "x"\n' },
    { ...DEFAULTS, problems: [/storage_option: expected a list of texts/] },
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
    const config = await readStorageConfig(host);
    t.match(config, expected);
    t.same(
      [config.problems.length, config.additionalImageStores.length],
      [
        (expected.problems ?? []).length,
        (expected.additionalImageStores ?? config.additionalImageStores).length,
      ],
    );
  });
}

t.test('a storage.conf that is a folder is a problem, not an exception', async (t) => {
  const host = openHost(writeFiles(t.testdir({}), { [`${ETC}/file`]: '' }));
  const { graphRoot, problems } = await readStorageConfig(host);
  t.equal(graphRoot, DEFAULTS.graphRoot);
  t.match(problems, [/expected a regular file/]);
});
