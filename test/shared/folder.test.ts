import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ensureFolder } from '../../shared/folder.ts';

t.test(
  'a folder is made with those above it, for its owner only, and may be there already',
  async (t) => {
    const root = t.testdir();
    const folder = join(root, 'a/b/c');
    for (const time of ['the first time', 'again']) {
      await ensureFolder(folder);
      for (const made of ['a', 'a/b', 'a/b/c']) {
        t.equal(statSync(join(root, made)).mode & 0o777, 0o700, `${made}, ${time}`);
      }
    }
    mkdirSync(join(root, 'wide'), { mode: 0o755 });
    await ensureFolder(join(root, 'wide'));
    t.equal(statSync(join(root, 'wide')).mode & 0o777, 0o755, 'one that is there is left as it is');
  },
);

const root = t.testdir({ file: 'text' });
const bad: readonly (readonly [string, string, RegExp])[] = [
  ['in the place of a file', join(root, 'file'), /EEXIST/],
  ['below a file', join(root, 'file/x/y'), /ENOTDIR/],
  ['below /proc, where mkdir with "recursive" tries for ever', '/proc/nodeseal/a/b', /ENOENT/],
];
for (const [where, path, message] of bad) {
  t.test(`a folder ${where} is refused`, async (t) => {
    await t.rejects(ensureFolder(path), { message });
  });
}
