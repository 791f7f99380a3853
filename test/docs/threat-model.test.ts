import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ROOT } from './markdown.ts';

const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Input '))
  .map((line) => line.split(' | '));

t.test('every input names tests that there are', async (t) => {
  t.ok(rows.length > 20, `${rows.length} inputs`);
  for (const [input = '', ...cells] of rows) {
    t.equal(cells.length, 4, `${input}: five cells`);
    const tests = [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '');
    t.ok(tests.length > 0, input);
    for (const path of tests) {
      t.match(path, /\.test\.ts$/, input);
      t.ok(existsSync(join(ROOT, path)), `${input}: ${path}`);
    }
  }
});

t.test('what crosses a boundary has a row of its own', async (t) => {
  for (const input of [
    'candidate policies',
    'node names',
    'the database file',
    'join tokens',
    'the unix socket',
    'the page’s visitors',
  ]) {
    t.ok(
      rows.some(([first = '']) => first.startsWith(`| ${input}`)),
      input,
    );
  }
});
