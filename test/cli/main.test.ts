import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

function nodeseal(words: readonly string[]) {
  return spawn(process.execPath, [MAIN, ...words], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODESEAL_CONFIG: '/nowhere/config.yaml' },
  });
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

t.test('the program answers with output and exit code', async (t) => {
  const program = nodeseal(['policy', 'validate', '-', '-o', 'json']);
  program.stdin.end('{"default":[]}');
  const [stdout, stderr, [exit]] = await Promise.all([
    textOf(program.stdout),
    textOf(program.stderr),
    once(program, 'close'),
  ]);
  t.equal(exit, 7);
  t.match(JSON.parse(stdout), { kind: 'PolicyValidation', valid: false });
  t.equal(stderr, '');
});

t.test('a long list in a pipe arrives whole before the program ends', async (t) => {
  const items = Array.from({ length: 4000 }, (_, index) => ({
    node: 'n',
    ruleId: `a.${index}`,
    result: 'fail',
    severity: 'high',
    message: 'm'.repeat(300),
  }));
  await using server = await answering({ kind: 'FindingList', items });
  const program = nodeseal(['get', 'findings', '-o', 'jsonl', '--server', server.url]);
  const [stdout, [exit]] = await Promise.all([textOf(program.stdout), once(program, 'close')]);
  t.equal(exit, 0);
  t.equal(stdout.trimEnd().split('\n').length, items.length);
});

t.test('a reader that goes away is no error', async (t) => {
  const items = Array.from({ length: 4000 }, (_, index) => ({
    node: 'n',
    ruleId: `a.${index}`,
    result: 'fail',
    severity: 'high',
    message: 'm'.repeat(300),
  }));
  await using server = await answering({ kind: 'FindingList', items });
  const words = ['get', 'findings', '--fail-on', 'high', '--server', server.url];
  const program = nodeseal(words);
  program.stdout.once('data', () => program.stdout.destroy());
  const [stderr, [exit]] = await Promise.all([textOf(program.stderr), once(program, 'close')]);
  t.equal(exit, 1, 'the exit code still tells the truth');
  t.notMatch(stderr, /error/);
});

t.test('a signal ends a command in good order, with 130', async (t) => {
  await using server = await answering(undefined);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const asked = once(server.server, 'request');
    const program = nodeseal(['get', 'nodes', '--server', server.url]);
    await asked;
    program.kill(signal);
    const [exit] = await once(program, 'close');
    t.equal(exit, 130, signal);
  }
});

/** A server that gives one answer; none at all when it is undefined. */
async function answering(
  list: object | undefined,
): Promise<{ readonly url: string; readonly server: Server } & AsyncDisposable> {
  const server = createServer((_request, response) => {
    if (list === undefined) return;
    response.end(JSON.stringify({ apiVersion: 'nodeseal.dev/v1', ...list }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has this kind of address.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const hasScript = spawnSync('script', ['--version']).error === undefined;

t.test(
  'a terminal that never said its size has 80 columns',
  { skip: !hasScript && 'needs script' },
  async (t) => {
    const line = `stty cols 0 rows 0; exec '${process.execPath}' '${MAIN}' explain selinux.enforcing`;
    const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8' });
    const widths = stdout.split('\r\n').map((text) => text.length);
    t.ok(Math.max(...widths) > 60 && Math.max(...widths) <= 80, stdout);
  },
);
