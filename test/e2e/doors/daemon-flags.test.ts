import { execFileSync, spawnSync } from 'node:child_process';
import { symlinkSync, truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const DAEMONS = ['agent', 'aggregator'];

/** Command lines of the daemons, how they end, and what the first line says after the name of the program. */
const CASES: readonly (readonly [words: readonly string[], exit: 2 | 7, says: RegExp])[] = [
  [['--nonesuch'], 2, /'--nonesuch'/],
  [['--config'], 2, /'--config <value>' argument missing/],
  [['--config', 'missing.yaml'], 7, /missing\.yaml: no such file/],
  [['--config', 'folder'], 7, /folder: is a folder, expected a file/],
  [['--config', 'fifo'], 7, /fifo: expected a regular file/],
  [['--config', 'loop'], 7, /loop: .*ELOOP/],
  [['--config', 'huge.yaml'], 7, /huge\.yaml: larger than/],
  [['--config', 'broken.yaml'], 7, /broken\.yaml:2:1: Flow sequence .* end with a \]/],
  [['--config', 'deep.yaml'], 7, /deep\.yaml: .*nesting/],
  [['--config', 'unknown.yaml'], 7, /unknown\.yaml:1:11: .*did you mean "stateDir"/],
];

const folder = t.testdir({
  folder: {},
  'huge.yaml': '',
  'broken.yaml': 'a: [\n',
  'deep.yaml': '{"a": ['.repeat(9_000),
  'unknown.yaml': 'stateDri: x\n',
});
truncateSync(`${folder}/huge.yaml`, 20_000_000);
symlinkSync('loop', `${folder}/loop`);
execFileSync('mkfifo', [`${folder}/fifo`]);

for (const [index, [words, exit, says]] of CASES.entries()) {
  // Both read their command line and configuration by the same code: they take turns.
  const name = DAEMONS[index % 2];
  t.test(`nodeseal-${name} ${words.join(' ')}`, async (t) => {
    const main = fileURLToPath(new URL(`../../../${name}/main.ts`, import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 30_000,
    });
    const [first = '', ...others] = stderr.trimEnd().split('\n');
    t.equal(status, exit);
    t.equal(stdout, '');
    t.ok(first.startsWith(`nodeseal-${name}: `), first);
    t.match(first, says);
    t.equal(/^ +at /m.test(stderr), false, 'no stack');
    // What it can be asked follows a wrong command line alone.
    t.equal(others.length > 0, exit === 2, stderr);
  });
}
