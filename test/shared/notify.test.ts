import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { LogFields, Logger } from '../../shared/log.ts';
import { StatusLine, startNotify } from '../../shared/notify.ts';

function memoryLog(lines: string[]): Logger {
  const add = (fields: LogFields, message: string): void => {
    lines.push(`${message}: ${fields['failure']}`);
  };
  const log: Logger = { debug: add, info: add, warn: add, error: add, child: () => log };
  return log;
}

t.test('a daemon under systemd says when it is ready, alive and stopping', async (t) => {
  const dir = t.testdir({ tool: '#!/bin/sh\necho "$NOTIFY_SOCKET $1" >>"$(dirname "$0")/said"\n' });
  const tool = join(dir, 'tool');
  chmodSync(tool, 0o755);
  const warnings: string[] = [];
  const said = (): string[] => readFileSync(join(dir, 'said'), 'utf8').trimEnd().split('\n');
  const start = startNotify(
    memoryLog(warnings),
    { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '100000' },
    tool,
  );
  {
    await using _part = await start(new AbortController().signal);
    t.same(said(), ['/run/x READY=1'], 'ready when started');
    while (said().length < 3) await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(said().slice(1, 3), ['/run/x WATCHDOG=1', '/run/x WATCHDOG=1'], 'alive');
  t.equal(said().at(-1), '/run/x STOPPING=1', 'stopping');
  t.same(warnings, []);
});

t.test('a daemon that systemd did not start says nothing', async (t) => {
  const dir = t.testdir({ tool: '#!/bin/sh\ntouch "$(dirname "$0")/said"\n' });
  chmodSync(join(dir, 'tool'), 0o755);
  const start = startNotify(memoryLog([]), {}, join(dir, 'tool'));
  await (await start(new AbortController().signal))[Symbol.asyncDispose]();
  t.notOk(existsSync(join(dir, 'said')));
});

t.test('a daemon goes on when systemd cannot be told', async (t) => {
  const dir = t.testdir({ tool: '#!/bin/sh\nexit 3\n' });
  chmodSync(join(dir, 'tool'), 0o755);
  for (const [tool, failure] of [
    [join(dir, 'absent'), /ENOENT/],
    [join(dir, 'tool'), /ended with 3/],
  ] as const) {
    const warnings: string[] = [];
    const start = startNotify(memoryLog(warnings), { NOTIFY_SOCKET: '/run/x' }, tool);
    await (await start(new AbortController().signal))[Symbol.asyncDispose]();
    t.equal(warnings.length, 2, 'ready and stopping');
    t.match(warnings[0], failure);
  }
});

t.test('what systemd ends together with the daemon is not complained of', async (t) => {
  const dir = t.testdir({ tool: '#!/bin/sh\nkill -TERM $$\n' });
  chmodSync(join(dir, 'tool'), 0o755);
  const warnings: string[] = [];
  const stopping = new AbortController();
  const start = startNotify(memoryLog(warnings), { NOTIFY_SOCKET: '/run/x' }, join(dir, 'tool'));
  const part = await start(stopping.signal);
  t.match(warnings, [/SIGTERM/], 'before it stops it is');
  stopping.abort();
  await part[Symbol.asyncDispose]();
  t.equal(warnings.length, 1);
});

t.test('the status line tells the last of what was set, once', async (t) => {
  const dir = t.testdir({ tool: '#!/bin/sh\necho "$1" >>"$(dirname "$0")/said"\n' });
  const tool = join(dir, 'tool');
  chmodSync(tool, 0o755);
  const status = new StatusLine({ NOTIFY_SOCKET: '/run/x' }, tool);
  for (const text of ['a', 'b', 'c\n  d']) status.set(text);
  await status.settled();
  status.set('c; d');
  await status.settled();
  status.set('e');
  await status.settled();
  const said = readFileSync(join(dir, 'said'), 'utf8').trimEnd().split('\n');
  t.same(said, ['STATUS=a', 'STATUS=c; d', 'STATUS=e']);
  const silent = new StatusLine({}, tool);
  silent.set('f');
  await silent.settled();
  t.notMatch(readFileSync(join(dir, 'said'), 'utf8'), 'f', 'systemd did not start this process');
});
