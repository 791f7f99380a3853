import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const program = join(import.meta.dirname, '../../packaging/local/start.ts');

function start(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
}

t.test('npm start says what is wrong with its flags in one line, and starts nothing', async (t) => {
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [['--bad'], /^npm start: Unknown option '--bad'\n/],
    [['extra'], /^npm start: Unexpected argument 'extra'/],
    [['--host-root'], /^npm start: Option '--host-root <value>' argument missing\n/],
    [
      ['--host-root', '/does/not/exist'],
      /^npm start: --host-root \/does\/not\/exist: expected a folder\n/,
    ],
    [['--host-root', program], /^npm start: --host-root .*start\.ts: expected a folder\n/],
  ];
  for (const [args, words] of table) {
    const { status, stdout, stderr } = start(...args);
    t.equal(status, 1, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, words);
    t.notMatch(stderr, / at .*:\d+:\d+/, 'no stack');
  }
});

t.test('npm start --help names its flags', async (t) => {
  const { status, stdout } = start('--help');
  t.equal(status, 0);
  t.match(stdout, /--once[\s\S]*--host-root DIR/);
});
