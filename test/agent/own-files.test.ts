import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ownFiles, readFiles } from '../../agent/own-files.ts';
import { VERSION } from '../../shared/version.ts';

function installation(t: Test) {
  const folder = t.testdir({
    'package.json': '{}',
    dist: {
      agent: { 'main.js': 'a', 'main.js.map': 'm', 'main.d.ts': 'd', deep: { 'x.js': 'x' } },
    },
  });
  const places = [join(folder, 'package.json'), join(folder, 'dist')];
  return { folder, places, read: async () => await readFiles(folder, places) };
}

t.test('the digest is that of what runs', async (t) => {
  const { folder, read } = installation(t);
  const first = await read();
  t.match(first, { version: VERSION, folder, count: 3, writable: undefined });
  t.match(first.sha256, /^[0-9a-f]{64}$/);
  writeFileSync(join(folder, 'dist/agent/main.js.map'), 'other');
  symlinkSync('main.js', join(folder, 'dist/agent/link.js'));
  t.equal((await read()).sha256, first.sha256, 'maps and links do not run');
  writeFileSync(join(folder, 'dist/agent/deep/x.js'), 'y');
  const changed = await read();
  t.not(changed.sha256, first.sha256, 'another content');
  writeFileSync(join(folder, 'dist/agent/z.js'), '');
  t.match(await read(), { count: 4 });
  t.not((await read()).sha256, changed.sha256, 'another file');
});

t.test('the same installation elsewhere has the same digest', async (t) => {
  const one = await installation(t).read();
  t.test('elsewhere', async (t) => {
    const other = await installation(t).read();
    t.not(other.folder, one.folder);
    t.equal(other.sha256, one.sha256);
  });
});

for (const path of ['dist', 'dist/agent/main.js', 'package.json']) {
  t.test(`${path} that everybody may write is named`, async (t) => {
    const { folder, read } = installation(t);
    chmodSync(join(folder, path), path === 'dist' ? 0o777 : 0o666);
    t.equal((await read()).writable, join(folder, path));
  });
}

t.test('an installation that lacks a part', async (t) => {
  const { folder } = installation(t);
  await t.rejects(readFiles(folder, [join(folder, 'none')]), { code: 'ENOENT' });
});

t.test('this installation, read once', async (t) => {
  const files = await ownFiles();
  t.ok(files.count > 100, `${files.count} files`);
  t.equal(await ownFiles(), files);
});
