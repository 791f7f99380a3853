import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const lifecycle = fileURLToPath(new URL('../../shared/lifecycle.ts', import.meta.url));

/** A daemon whose parts say what they do; `hang` and `fail` name the part that misbehaves. */
const program = `
import { runUntilSignal } from ${JSON.stringify(lifecycle)};
const [when, who] = process.argv.slice(1);
const say = (text) => process.stdout.write(text + '\\n');
const never = () => new Promise(() => {});
const part = (name) => async (stopping) => {
  say('start ' + name);
  if (when === 'failStart' && who === name) throw new Error('no ' + name);
  if (when === 'slowStart' && who === name) await new Promise((resolve) => stopping.addEventListener('abort', resolve));
  const over = (_, reject) => setImmediate(reject, new Error(name + ' is over'));
  const failed = when === 'fail' && who === name ? new Promise(over) : undefined;
  return { failed, [Symbol.asyncDispose]: async () => {
    say('stop ' + name);
    if (when === 'hang' && who === name) await never();
    if (when === 'failStop' && who === name) throw new Error('stuck ' + name);
  } };
};
runUntilSignal([part('a'), part('b'), part('c')], Number(process.env.GRACE)).then(
  () => say('done'),
  (error) => { say('thrown ' + error.message); process.exitCode = 8; },
);
`;

interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly graceMs?: number;
  /** Signals, each after the line it is to follow. */
  readonly signals: readonly (readonly [after: string, signal: NodeJS.Signals])[];
  readonly lines: readonly string[];
  readonly status: number;
}

const cases: readonly Case[] = [
  ...(['SIGTERM', 'SIGINT'] as const).map(
    (signal): Case => ({
      name: `stops in reverse order on ${signal}`,
      signals: [['start c', signal]],
      lines: ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a', 'done'],
      status: 0,
    }),
  ),
  {
    name: 'stops what it had started when a part fails to start',
    args: ['failStart', 'c'],
    signals: [],
    lines: ['start a', 'start b', 'start c', 'stop b', 'stop a', 'thrown no c'],
    status: 8,
  },
  {
    name: 'stops what it had started when a part cannot go on, and says why',
    args: ['fail', 'b'],
    signals: [],
    lines: ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a', 'thrown b is over'],
    status: 8,
  },
  {
    name: 'starts no further part after a signal',
    args: ['slowStart', 'b'],
    signals: [['start b', 'SIGTERM']],
    lines: ['start a', 'start b', 'stop b', 'stop a', 'done'],
    status: 0,
  },
  {
    name: 'stops the other parts when one fails to stop',
    args: ['failStop', 'b'],
    signals: [['start c', 'SIGTERM']],
    lines: ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a', 'thrown stuck b'],
    status: 8,
  },
  {
    name: 'ends at once on a second signal',
    args: ['hang', 'b'],
    signals: [
      ['start c', 'SIGTERM'],
      ['stop b', 'SIGTERM'],
    ],
    lines: ['start a', 'start b', 'start c', 'stop c', 'stop b'],
    status: 130,
  },
  {
    name: 'ends when stopping takes longer than it may',
    args: ['hang', 'c'],
    graceMs: 50,
    signals: [['start c', 'SIGTERM']],
    lines: ['start a', 'start b', 'start c', 'stop c'],
    status: 1,
  },
];

for (const { name, args = [], graceMs = 20_000, signals, lines, status } of cases) {
  t.test(`a daemon ${name}`, async (t) => {
    const child = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', program, ...args],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: '/', GRACE: `${graceMs}` } },
    );
    const said: string[] = [];
    const pending = [...signals];
    const reader = createInterface({ input: child.stdout });
    reader.on('line', (line) => {
      said.push(line);
      if (pending[0]?.[0] !== line) return;
      const [, signal] = pending.shift() ?? [];
      // The line of the last start is written before its promise has been waited for: that is the case meant too.
      if (signal !== undefined) child.kill(signal);
    });
    const [[code]] = await Promise.all([once(child, 'exit'), once(reader, 'close')]);
    t.same(said, lines);
    t.equal(code, status, 'exit status');
  });
}
