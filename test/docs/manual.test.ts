import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../cli/commands/index.ts';
import { DAEMONS, daemonPages } from '../../packaging/docs/daemon-manual.ts';
import { commandPages, MANUAL_FOLDER } from '../../packaging/docs/manual.ts';
import { escaped, page } from '../../packaging/docs/roff.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, MANUAL_FOLDER);

t.test('the manual is what `npm run docs` writes', async (t) => {
  const pages = [...(await commandPages()), ...daemonPages()];
  const files = pages.map(({ name, section }) => `${name}.${section}`);
  t.same(readdirSync(FOLDER).sort(), [...files].sort(), 'npm run docs');
  for (const [index, page] of pages.entries()) {
    const text = readFileSync(join(FOLDER, files[index] ?? ''), 'utf8');
    const date = /^\.TH \S+ \d (\d{4}-\d\d-\d\d) /m.exec(text)?.[1] ?? '';
    t.equal(text, page.at(date), `npm run docs: ${files[index]}`);
  }
  for (const { path } of COMMANDS) t.ok(files.includes(`nodeseal-${path.join('-')}.1`));
});

t.test('the pages of the daemons name the flags of their usage', async (t) => {
  for (const { name, flags } of DAEMONS) {
    const main = readFileSync(join(ROOT, name, 'main.ts'), 'utf8');
    const usage = /USAGE = `(.*?)`/s.exec(main)?.[1] ?? '';
    const known = new Set([...usage.matchAll(/\[(--[\w-]+) /g)].map(([, flag]) => flag));
    t.same(new Set(flags.map(([flag]) => flag)), known, name);
  }
});

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const pages = readdirSync(FOLDER);

t.test(
  'mandoc finds nothing to complain of',
  { skip: !hasMandoc() && 'needs mandoc' },
  async (t) => {
    const { stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', ...pages], {
      cwd: FOLDER,
      encoding: 'utf8',
    });
    // A page that is not installed cannot be found.
    const found = stdout
      .split('\n')
      .filter((line) => line !== '' && !line.includes('referenced manual not found'));
    t.same(found, []);
    t.equal(stderr, '');
  },
);

function hasMandoc(): boolean {
  return spawnSync('mandoc', ['-T', 'lint', '/dev/null']).error === undefined;
}

t.test(
  'man shows every page without a warning',
  { skip: !has('man') && 'needs man' },
  async (t) => {
    for (const name of pages) {
      const { status, stdout, stderr } = spawnSync(
        'man',
        ['--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', name],
        { cwd: FOLDER, encoding: 'utf8', env: { ...process.env, LANG: 'C.UTF-8', MANROFFSEQ: '' } },
      );
      t.equal(stderr, '', name);
      t.equal(status, 0, name);
      t.ok(stdout.length > 500, name);
    }
  },
);

t.test('text cannot become a macro or an escape', async (t) => {
  t.equal(escaped(".TH x\n'y\n\\fB -a"), "\\&.TH x\n\\&'y\n\\efB \\-a");
  const heading = { name: 'a-b', section: 1, date: '2026-11-21', version: '1.0.0' };
  t.match(page(heading, 'x\n'), /^\.TH A\\-B 1 2026-11-21 "nodeseal 1.0.0" nodeseal\nx\n$/m);
});
