import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { VERSION } from '../../shared/version.ts';

const root = join(import.meta.dirname, '../..');
const bad = join(t.testdir({ 'bad.yaml': 'statedir: /x\n' }), 'bad.yaml');

for (const program of ['agent', 'aggregator'] as const) {
  const name = `nodeseal-${program}`;
  const cases: readonly (readonly [string, readonly string[], number, RegExp, RegExp])[] = [
    ['says its version', ['--version'], 0, new RegExp(`^${name} ${VERSION}\n$`), /^$/],
    ['says its usage', ['--help'], 0, new RegExp(`^usage: ${name} `), /^$/],
    ['prints the defaults', ['config', 'check'], 0, /^stateDir: \/var\/lib\/nodeseal/m, /^$/],
    ['refuses an unknown command', ['start'], 2, /^$/, /unknown command: start\nusage: /],
    ['refuses an unknown flag', ['--confg', 'x'], 2, /^$/, /'--confg'.*\nusage: /],
    ['refuses a flag without its value', ['--config'], 2, /^$/, /usage: /],
    ['names a file that is not there', ['--config', '/nope'], 7, /^$/, /\/nope: no such file\n$/],
    [
      'names the nearest key',
      ['--config', bad],
      7,
      /^$/,
      /statedir: unknown key, did you mean "stateDir"/,
    ],
  ];
  for (const [what, args, status, stdout, stderr] of cases) {
    t.test(`${name} ${what}`, async (t) => {
      const main = join(root, program, 'main.ts');
      const run = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
      t.equal(run.status, status);
      t.match(run.stdout, stdout);
      t.match(run.stderr, stderr);
    });
  }
}
