import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { tarGzip } from '../../cli/archive.ts';

const NOW_MS = Date.parse('2026-11-21T12:00:00Z');

t.test('tar unpacks what is packed', async (t) => {
  const folder = t.testdir({});
  const files = [0, 1, 511, 512, 513, 100_000].map((size) => ({
    path: `a/${size}.txt`,
    content: Buffer.alloc(size, 'x'),
  }));
  writeFileSync(join(folder, 'a.tar.gz'), tarGzip(files, NOW_MS));
  const { status, stderr } = spawnSync('tar', ['-xzf', 'a.tar.gz'], { cwd: folder });
  t.equal(String(stderr), '');
  t.equal(status, 0);
  for (const { path, content } of files) {
    t.same(readFileSync(join(folder, path)), content, path);
    t.equal(statSync(join(folder, path)).mode & 0o777, 0o600);
    t.equal(statSync(join(folder, path)).mtimeMs, NOW_MS);
  }
});

for (const path of ['', 'a'.repeat(101), 'a\nb', 'ä', 'a\0b']) {
  t.test(`no path of an archive: ${JSON.stringify(path).slice(0, 20)}`, async (t) => {
    t.throws(() => tarGzip([{ path, content: Buffer.alloc(0) }], NOW_MS), RangeError);
  });
}
