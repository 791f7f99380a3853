import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const program = join(import.meta.dirname, '../../packaging/local/start.ts');

function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; stdout: string; stderr: string } {
  const whole = { ...process.env, ...env };
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', env: whole });
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
    const { status, stdout, stderr } = start(args);
    t.equal(status, 1, args.join(' '));
    t.equal(stdout, '');
    t.match(stderr, words);
    t.notMatch(stderr, / at .*:\d+:\d+/, 'no stack');
  }
});

t.test('npm start --help names its flags', async (t) => {
  const { status, stdout } = start(['--help']);
  t.equal(status, 0);
  t.match(stdout, /--once[\s\S]*--host-root DIR/);
});

t.test('a flag that npm kept for itself, as without the two dashes, is told', async (t) => {
  for (const [name, flag] of [
    ['npm_config_once', '--once'],
    ['npm_config_host_root', '--host-root'],
  ] as const) {
    const { status, stderr } = start([], { [name]: 'true' });
    t.equal(status, 1);
    t.equal(stderr.split('\n')[0], `npm start: npm took ${flag} for itself: npm start -- ${flag}`);
  }
});

t.test('a folder is named from where npm was called', async (t) => {
  const { stderr } = start(['--host-root', 'nowhere'], { INIT_CWD: '/tmp/somewhere' });
  t.match(stderr, '--host-root /tmp/somewhere/nowhere: expected a folder');
});
