import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { thirdPartyNotices } from '../../packaging/notices.ts';
import { productionModules } from '../../packaging/production-modules.ts';
import { PACKAGE_FOLDER, VERSION } from '../../shared/version.ts';
import { runCli } from '../cli/fake-io.ts';

const read = (path: string): string => readFileSync(join(PACKAGE_FOLDER, path), 'utf8');

t.test('every place says the same version', async (t) => {
  const found: readonly (readonly [place: string, version: string | undefined])[] = [
    ['package.json', (JSON.parse(read('package.json')) as { version: string }).version],
    ['package-lock.json', (JSON.parse(read('package-lock.json')) as { version: string }).version],
    ['CHANGELOG.md', /^## (\d\S*)/m.exec(read('CHANGELOG.md'))?.[1]],
    ['Containerfile', /^ARG VERSION=(\S+)/m.exec(read('Containerfile'))?.[1]],
    ['nodeseal.spec', /^Version:\s+(\S+)/m.exec(read('packaging/rpm/nodeseal.spec'))?.[1]],
    [
      'nodeseal version',
      /^nodeseal (\S+) /.exec((await runCli(['version', '--client'])).stdout)?.[1],
    ],
  ];
  for (const [place, version] of found) t.equal(version, VERSION, place);
});

t.test('every package that is shipped comes with the text of its licence', async (t) => {
  const modules = productionModules();
  t.ok(modules.length > 40, `${modules.length} packages`);
  const parts = thirdPartyNotices(PACKAGE_FOLDER, modules)
    .split(`\n${'-'.repeat(80)}\n\n`)
    .slice(1);
  t.equal(parts.length, modules.length);
  for (const part of parts) {
    const [name = ''] = part.split('\n');
    t.match(name, /^\S+ \d+\.\d+\.\d\S* \([\w.()+ -]+\)$/, name);
    t.match(part, /permission|licen[cs]e|redistribution/i, name);
    t.match(part, /copyright|public domain|Apache License/i, name);
  }
});

t.test('a package without a text is not shipped in silence', (t) => {
  const folder = t.testdir({
    'package.json': '{"name":"x","version":"1.0.0","license":"MIT"}',
    LICENSE: 'MIT',
  });
  t.throws(() => thirdPartyNotices(folder, ['.']), { message: 'x: no text of its licence (MIT)' });
  t.end();
});

t.test('the image and the packages have them, and the list of contents', (t) => {
  t.match(read('Containerfile'), 'write-notices.ts >THIRD-PARTY-NOTICES');
  t.match(read('Containerfile'), 'THIRD-PARTY-NOTICES /usr/share/licenses/nodeseal/');
  t.match(read('packaging/rpm/nodeseal.spec'), '%license LICENSE THIRD-PARTY-NOTICES');
  t.match(read('packaging/rpm/nodeseal.spec'), 'sbom.cdx.json');
  t.end();
});
