import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { type Fleet, runFleet } from '../fleet.ts';

/** Real shells complete real words: what is typed, with <Tab>, and what the shell then runs. */
const ROOT = join(import.meta.dirname, '../../..');

const BASH_COMPLETION = '/usr/share/bash-completion/bash_completion';

function hasProgram(name: string): boolean {
  return spawnSync(name, ['--version']).error === undefined;
}

const lines: readonly (readonly [typed: string, ran: string])[] = [
  ['get nodes node-\t', 'get nodes node-1'],
  ['get images quay.io/team/app:\t', 'get images quay.io/team/app:v1'],
  ['get findings --output=wi\t', 'get findings --output=wide'],
  ['get nodes -l pool=def\t', 'get nodes -l pool=default'],
  ['con\t use-c\t la\t', 'config use-context lab'],
  ['policy validate pol\t', 'policy validate policy.json'],
  ['check --host-root ho\t', 'check --host-root host'],
  ['nonsense xy\t', 'nonsense xy'],
];

/** A folder with a `nodeseal` that completes as the real one and says what else it is asked to do. */
async function world(t: Test): Promise<{
  readonly fleet: Fleet;
  readonly env: Record<string, string>;
  readonly cwd: string;
}> {
  const folder = t.testdir({
    bin: {},
    work: { 'policy.json': '', host: {}, 'hold.txt': '' },
    state: {},
    'config.yaml': '',
  });
  const fleet = await runFleet(join(folder, 'state'));
  const [, server, , tokenFile] = fleet.flags;
  const config = { currentContext: 'lab', contexts: [{ name: 'lab', server, tokenFile }] };
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config));
  const program = join(folder, 'bin/nodeseal');
  writeFileSync(
    program,
    `#!/bin/sh
[ "$1" = __complete ] && exec ${process.execPath} ${ROOT}/cli/main.ts "$@"
printf 'RAN'; printf '<%s>' "$@"; echo
`,
  );
  chmodSync(program, 0o755);
  const home = join(folder, 'home');
  mkdirSync(home);
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    HOME: home,
    TERM: 'vt100',
    LANG: 'C.UTF-8',
    NODESEAL_CONFIG: join(folder, 'config.yaml'),
  };
  return { fleet, env, cwd: join(folder, 'work') };
}

t.test('shells complete words', async (t) => {
  const { fleet, env, cwd } = await world(t);
  t.teardown(() => fleet[Symbol.asyncDispose]());

  const interactive = [
    ['bash', 'bash --norc --noprofile -i', [], lines],
    ['bash', 'bash --norc --noprofile -i', [`. ${BASH_COMPLETION}`], lines.slice(1, 3)],
    ['zsh', 'zsh -f -i', ['autoload -Uz compinit', 'compinit -u -D'], lines],
  ] as const;
  for (const [shell, command, first, asked] of interactive) {
    const missing = [shell, 'script'].find((program) => !hasProgram(program));
    const lacks = first[0]?.includes(BASH_COMPLETION) === true && !existsSync(BASH_COMPLETION);
    const skip = missing === undefined ? lacks && 'needs bash-completion' : `needs ${missing}`;
    await t.test([shell, ...first].join(', '), { skip }, async (t) => {
      const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd, env });
      let output = '';
      let seen = (): void => {};
      terminal.stdout.on('data', (chunk) => {
        output += String(chunk);
        seen();
      });
      const until = async (text: string): Promise<void> => {
        while (!output.includes(text)) {
          await new Promise<void>((resolve) => {
            seen = resolve;
          });
        }
      };
      const script = join(ROOT, 'packaging/completion', `nodeseal.${shell}`);
      // What the terminal echoes is not what is waited for.
      terminal.stdin.write(`${[...first, `. ${script}`].join('; ')}; printf 'REA%s\\n' DY\n`);
      await until('READY');
      for (const [typed, ran] of asked) {
        output = '';
        terminal.stdin.write(`nodeseal ${typed}\n`);
        await until('RAN');
        await until('>\r\n');
        const found = /RAN<(.*)>/.exec(output)?.[1]?.replaceAll('><', ' ');
        // zsh takes the slash of a folder back at the end of the line.
        t.equal(found?.replace(/\/$/, ''), ran, JSON.stringify(typed));
      }
      const closed = once(terminal, 'close');
      terminal.stdin.end('exit\n');
      await closed;
    });
  }

  await t.test('fish', { skip: !hasProgram('fish') && 'needs fish' }, async (t) => {
    const script = join(ROOT, 'packaging/completion/nodeseal.fish');
    // `complete -C` says what fish would put there, a line each.
    const asked = lines.map(([typed, ran]) => {
      const last = typed.replace(/\t$/, '').split(' ').at(-1) ?? '';
      return [...ran.split(' ').slice(0, -1), last].join(' ');
    });
    const program = [
      `source ${script}`,
      ...asked.map((line) => `echo "# ${line}"; complete -C "nodeseal ${line}"`),
    ].join('\n');
    const { stdout } = await promisify(execFile)('fish', ['-c', program], { cwd, env });
    for (const [index, [typed, ran]] of lines.entries()) {
      const [, after = ''] = stdout.split(`# ${asked[index]}\n`);
      const words = after
        .split(/^# /m)[0]
        ?.split('\n')
        .map((line) => line.split('\t')[0]?.replace(/\/$/, ''));
      if (typed.startsWith('nonsense')) t.same(words, ['']);
      else t.ok(words?.includes(ran.split(' ').at(-1)), `${typed}: ${words?.join(' ')}`);
    }
  });
});
