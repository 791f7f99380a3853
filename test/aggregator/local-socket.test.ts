import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../cli/fake-io.ts';
import { runAggregator } from '../support/aggregator.ts';

/** The address of a socket has room for 107 bytes. */
function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

t.test('who may open the socket is an administrator, and the audit log says so', async (t) => {
  const folder = shortFolder(t);
  const socket = join(folder, 'aggregator.sock');
  await using running = await runAggregator(join(folder, 'state'), { socket });
  const { mode } = statSync(socket);
  t.equal(mode & 0o777, 0o660);
  const flags = ['--server', `unix:${socket}`];
  t.match(await runCli(['get', 'nodes', ...flags]), { exit: 0, stdout: /node-1/ });
  const made = await runCli(['token', 'create', 'user', 'alice', ...flags]);
  t.match(made, { exit: 0, stdout: /^nsu_/ });
  t.match((await running.get('/v1/audit', made.stdout.trim())).status, 403);
  const { body } = await running.get('/v1/audit?limit=50');
  t.match((body as { items: unknown[] }).items.slice(1), [
    { who: 'local', role: 'admin', from: 'socket', what: 'POST /v1/tokens', outcome: 200 },
    { who: 'local', from: 'socket', what: 'POST /v1/tokens', outcome: undefined },
  ]);
  t.equal((await running.get('/v1/nodes', null)).status, 401, 'the port asks for a credential');
  await running[Symbol.asyncDispose]();
  t.throws(() => lstatSync(socket), 'it goes with the aggregator');
  t.match(await runCli(['get', 'nodes', ...flags]), { exit: 4, stderr: /unix:/ });
});

t.test('a socket that a crash left behind is replaced, nothing else is', async (t) => {
  const folder = shortFolder(t);
  writeFileSync(join(folder, 'file'), 'precious');
  const path = join(folder, 'left.sock');
  const crashed = createServer();
  crashed.listen(path);
  await once(crashed, 'listening');
  await t.rejects(runAggregator(join(folder, 'state'), { socket: path }), {
    code: 'ERR_CONFIG_VALUE',
    message: /another program listens/,
  });
  crashed.close();
  await once(crashed, 'close');
  const file = join(folder, 'file');
  symlinkSync(file, join(folder, 'link'));
  for (const name of ['file', 'link']) {
    await t.rejects(runAggregator(join(folder, 'state'), { socket: join(folder, name) }), {
      code: 'ERR_CONFIG_VALUE',
      message: /is there and is no socket/,
    });
  }
  t.equal(readFileSync(file, 'utf8'), 'precious');
  await t.rejects(runAggregator(join(folder, 'state'), { socket: '/proc/nowhere/x.sock' }), {
    code: 'ERR_CONFIG_VALUE',
  });
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  t.throws(() => execFileSync(process.execPath, ['-e', script]));
  t.ok(lstatSync(path).isSocket(), 'left by a process that was killed');
  await using running = await runAggregator(join(folder, 'state'), { socket: path });
  t.ok(running.url);
  t.match(await runCli(['token', 'list', '--server', `unix:${path}`]), { exit: 0 });
});
