import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { readStorageConfig } from '../../agent/images/storage-conf.ts';
import { storageEnvironmentOf } from '../../agent/images/storage-environment.ts';
import { whyNoPodman } from '../support/podman.ts';
import { writeFiles } from '../support/store-tree.ts';

/** `DIR` stands for a folder of the test, which holds these files. */
const FILES = {
  '/main.conf': '[storage]\ndriver = "vfs"\ngraphroot = "DIR/a"\nrunroot = "DIR/ra"\n',
  '/more.conf':
    '[storage]\ndriver = "vfs"\ngraphroot = "DIR/b"\nrunroot = "DIR/rb"\n[storage.options]\nadditionalimagestores = ["DIR/add"]\n',
  '/variables.conf':
    '[storage]\ndriver = "vfs"\ngraphroot = "$HOME/s-BRACED-$UID"\nrunroot = "DIR/r$FOO"\n',
  '/xdg/containers/storage.conf':
    '[storage]\ndriver = "vfs"\ngraphroot = "DIR/x"\nrunroot = "DIR/rx"\n',
  '/add/vfs-images/images.lock': '',
  '/add/vfs-layers/layers.lock': '',
  '/other/vfs-images/images.lock': '',
  '/other/vfs-layers/layers.lock': '',
};
const cases: readonly (readonly [name: string, variables: Record<string, string>])[] = [
  ['a configuration file', { CONTAINERS_STORAGE_CONF: 'DIR/main.conf' }],
  [
    'a configuration file, that of XDG_CONFIG_HOME then counts for nothing',
    { CONTAINERS_STORAGE_CONF: 'DIR/main.conf', XDG_CONFIG_HOME: 'DIR/xdg' },
  ],
  ['a folder of configuration', { XDG_CONFIG_HOME: 'DIR/xdg' }],
  ['a configuration file with a further store', { CONTAINERS_STORAGE_CONF: 'DIR/more.conf' }],
  [
    'options in place of those of the file',
    {
      CONTAINERS_STORAGE_CONF: 'DIR/more.conf',
      STORAGE_OPTS: 'vfs.imagestore=DIR/other',
    },
  ],
  [
    'no options in place of those of the file',
    { CONTAINERS_STORAGE_CONF: 'DIR/more.conf', STORAGE_OPTS: '' },
  ],
  ['a driver', { CONTAINERS_STORAGE_CONF: 'DIR/main.conf', STORAGE_DRIVER: 'overlay' }],
  [
    'a driver by its old name',
    { CONTAINERS_STORAGE_CONF: 'DIR/main.conf', STORAGE_DRIVER: 'overlay2' },
  ],
  ['an empty driver', { CONTAINERS_STORAGE_CONF: 'DIR/main.conf', STORAGE_DRIVER: '' }],
  [
    'variables of a path',
    { CONTAINERS_STORAGE_CONF: 'DIR/variables.conf', HOME: 'DIR/home', FOO: 'foo' },
  ],
];

for (const [name, given] of cases) {
  t.test(
    `an environment with ${name} leads where podman goes`,
    { skip: whyNoPodman() },
    async (t) => {
      // podman's sockets lie below it, whose paths must stay short
      const dir = mkdtempSync(join(tmpdir(), 'nodeseal-se-'));
      t.teardown(() => rmSync(dir, { recursive: true }));
      const here = (text: string): string =>
        text.replaceAll('DIR', dir).replace('BRACED', () => `$${'{FOO}'}`);
      writeFiles(
        dir,
        Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, here(text)])),
      );
      const variables = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name, here(value)]),
      );
      const info = JSON.parse(
        execFileSync('podman', ['info', '--format', '{{json .Store}}'], {
          env: { PATH: process.env['PATH'] ?? '', ...variables },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
      const environment = storageEnvironmentOf({ variables: new Map(Object.entries(variables)) });
      const config = await readStorageConfig(openHost('/'), { ...environment, problems: [] });
      t.same(config.problems, []);
      t.same(
        {
          driver: config.driver,
          graphRoot: config.graphRoot,
          runRoot: config.runRoot,
          additional: config.additionalImageStores,
          file: config.files[0],
        },
        {
          driver: info.graphDriverName,
          graphRoot: info.graphRoot,
          runRoot: info.runRoot,
          additional: Object.values(info.graphOptions),
          file: info.configFile,
        },
      );
    },
  );
}
