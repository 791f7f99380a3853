import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { run } from '../../cli/run.ts';
import { fakeIo, runCli } from './fake-io.ts';
import { runFleet } from './fleet.ts';

async function listening(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens on a port has this kind of address.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') {
        server.closeAllConnections();
      }
      await closed;
    },
  };
}

const list = (change: object): string =>
  JSON.stringify({ apiVersion: 'nodeseal.dev/v1', kind: 'NodeList', items: [], ...change });
const problem =
  (status: number, detail: string): RequestListener =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', 'retry-after': '7' });
    response.end(JSON.stringify({ title: 'x', status, detail, code: 'someCode' }));
  };
const answer =
  (text: string): RequestListener =>
  (_request, response) =>
    void response.end(text);

const servers: readonly (readonly [
  name: string,
  listener: RequestListener,
  exit: number,
  message: RegExp,
])[] = [
  ['that answers HTML', answer('<html>'), 4, /why: its answer is no JSON/],
  [
    'that answers half a list',
    answer(list({ items: [{}] }).slice(0, -20)),
    4,
    /why: its answer is no JSON/,
  ],
  [
    'that does not know the path and is none of ours',
    (_, response) => void response.writeHead(404).end('404 page not found'),
    4,
    /HTTP 404 without problem details\n {2}next: check that this is the address of an aggregator/,
  ],
  [
    'that promises more than it sends',
    (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"a":', () => response.destroy());
    },
    4,
    /cannot reach the aggregator/,
  ],
  ['that answers nothing', answer(''), 4, /why: its answer is no JSON/],
  ['that answers null', answer('null'), 4, /why: answer: expected an object, found null/],
  ['that answers another kind', answer(list({ kind: 'PodList' })), 4, /expected a NodeList/],
  ['of another version', answer(list({ apiVersion: 'nodeseal.dev/v9' })), 4, /expected a NodeList/],
  ['without items', answer(list({ items: {} })), 4, /answer.items: expected list, found object/],
  [
    'with a broken item',
    answer(list({ items: [{ name: 1 }] })),
    4,
    /items\[0\].name: expected text/,
  ],
  [
    'with broken coverage',
    answer(list({ coverage: { expected: 1, reporting: 1, missing: [{}] } })),
    4,
    /coverage.missing\[0\].node: expected text, found nothing/,
  ],
  [
    'that wants a token',
    problem(401, 'no credential'),
    4,
    /does not know who asks\n {2}why: no cred/,
  ],
  ['that forbids', problem(403, 'viewer only'), 4, /does not allow this\n {2}why: viewer only/],
  ['that is too old', problem(404, 'GET /v1/nodes: no such path'), 4, /update the aggregator/],
  ['that is overloaded', problem(503, 'busy'), 4, /next: try again in 7 s/],
  [
    'that is a proxy',
    (_, response) => void response.writeHead(502).end('bad'),
    4,
    /HTTP 502 without/,
  ],
  [
    'that sends on elsewhere',
    (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    4,
    /sends on to another address/,
  ],
  [
    'that cuts the answer',
    (_, response) => void response.write('{"a"', () => response.destroy()),
    4,
    /cannot reach/,
  ],
  [
    'that never answers',
    () => {},
    4,
    /nothing came within 300 ms\n {2}next: try again with --timeout/,
  ],
  ['whose pages lead back to themselves', answer(list({ continue: 'again' })), 0, /^no nodes\n$/],
  [
    'that is newer and says more',
    answer(list({ items: [], mood: 'fine', coverage: { expected: 0, reporting: 0, missing: [] } })),
    0,
    /0 of 0 nodes reporting/,
  ],
];
for (const [name, listener, expected, message] of servers) {
  t.test(`an aggregator ${name}`, async (t) => {
    await using server = await listening(createServer(listener));
    const flags = ['--server', `http://127.0.0.1:${server.port}`, '--timeout', '300ms'];
    const { exit, stdout, stderr } = await runCli(['get', 'nodes', ...flags]);
    t.equal(exit, expected, stderr);
    t.match(stderr, message);
    t.equal(stdout, '');
  });
}

const streams: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['is no JSON', 'event: nodes\ndata: <html>\n\n', /an event of its watch is no JSON/],
  ['is no object', 'event: nodes\ndata: 7\n\n', /an event of its watch is no object/],
  ['changes nothing known', 'data: {"change":"moved","item":{}}\n\n', /expected set or removed/],
  ['has a broken item', 'data: {"change":"set","item":{}}\n\n', /watch.item.name: expected text/],
];
for (const [name, text, message] of streams) {
  t.test(`a watch whose event ${name} is begun anew`, async (t) => {
    const listener: RequestListener = (request, response) => {
      const isWatch = request.url?.startsWith('/v1/watch') === true;
      if (isWatch) response.setHeader('content-type', 'text/event-stream');
      response.end(isWatch ? `: watching\n\n${text}` : list({}));
    };
    await using server = await listening(createServer(listener));
    const stop = new AbortController();
    const { io, text: said } = fakeIo({ signal: stop.signal });
    const stderr = {
      ...io.stderr,
      write: (more: string) => {
        io.stderr.write(more);
        if (more.startsWith('lost')) stop.abort();
      },
    };
    const words = ['watch', 'nodes', '--server', `http://127.0.0.1:${server.port}`];
    t.equal(await run(words, { ...io, stderr }), 130);
    t.match(said.stderr, message);
  });
}

t.test('an address where nobody listens', async (t) => {
  const server = await listening(createServer());
  const { port } = server;
  await server[Symbol.asyncDispose]();
  const { exit, stderr } = await runCli(['status', '--server', `http://127.0.0.1:${port}`]);
  t.equal(exit, 4);
  t.equal(
    stderr,
    `error: cannot reach the aggregator at http://127.0.0.1:${port}
  why: nothing listens there (ECONNREFUSED)
  next: check the address with 'nodeseal config view', and that the aggregator runs
`,
  );
  const watch = await runCli(['watch', '--server', `http://127.0.0.1:${port}`]);
  t.equal(watch.exit, 4, 'a watch that never began does not wait');
});

t.test('what answers does not speak HTTP', async (t) => {
  await using server = await listening(
    createSocketServer((socket) => {
      socket.on('error', () => {}).end('SSH-2.0-x\r\n', () => socket.destroy());
    }),
  );
  const http = await runCli(['get', 'nodes', '--server', `http://127.0.0.1:${server.port}`]);
  t.equal(http.exit, 4);
  t.match(http.stderr, /does not speak HTTP \(HPE_/);
});

t.test('TLS', async (t) => {
  const folder = t.testdir({});
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=aggregator.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const files = ['-nodes', '-keyout', key, '-out', cert, '-days', '2'];
  execFileSync('openssl', [...request, ...files, ...subject], { stdio: 'ignore' });
  const secrets = { key: readFileSync(key), cert: readFileSync(cert) };
  const text = list({ coverage: { expected: 0, reporting: 0, missing: [] } });
  await using server = await listening(createTlsServer(secrets, answer(text)));
  const get = async (...words: string[]) => await runCli(['get', 'nodes', ...words]);
  const url = `https://127.0.0.1:${server.port}`;
  const unknown = await get('--server', url);
  t.equal(unknown.exit, 4);
  t.match(unknown.stderr, /why: its certificate is signed by itself.*\n {2}next: .*--ca-file/);
  t.equal((await get('--server', url, '--ca-file', cert)).exit, 0, 'known by --ca-file');
  const other = await get('--server', `https://localhost:${server.port}`, '--ca-file', cert);
  t.equal(other.exit, 4);
  t.match(other.stderr, /its certificate is for another name/);
  const plain = await get('--server', `http://127.0.0.1:${server.port}`);
  t.equal(plain.exit, 4, 'plain HTTP to a TLS port');
  await using http = await listening(createServer(answer(text)));
  const tls = await get('--server', `https://127.0.0.1:${http.port}`);
  t.equal(tls.exit, 4);
  t.match(tls.stderr, /it does not speak TLS/);
  t.equal((await get('--server', url, '--ca-file', join(folder, 'none'))).exit, 5);
});

t.test('tokens', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const folder = t.testdir({
    fleet: fleet.running.agentToken,
    wrong: 'wrong-token',
    lines: 'a\nAuthorization: b',
    binary: '\u0000\u0001',
    empty: '',
  });
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['wrong', 4, /does not know who asks/],
    ['lines', 7, /holds no token/],
    ['binary', 7, /holds no token/],
    ['empty', 7, /holds no token/],
    ['missing', 5, /cannot read the token file/],
    ['fleet', 4, /error: /],
  ];
  for (const [name, expected, message] of cases) {
    const file = join(folder, name);
    const words = ['get', 'nodes', '--server', fleet.running.url, '--token-file', file];
    const { exit, stderr } = await runCli(words);
    t.equal(exit, expected, `${name}: ${stderr}`);
    t.match(stderr, message);
    t.notMatch(stderr, /wrong-token|Authorization/, 'the token itself is never shown');
  }
});

t.test('interrupted while it waits', async (t) => {
  await using server = await listening(createServer(() => stop.abort()));
  const stop = new AbortController();
  const words = ['get', 'nodes', '--server', `http://127.0.0.1:${server.port}`];
  t.same(await runCli(words, { signal: stop.signal }), { exit: 130, stdout: '', stderr: '' });
});
