import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { Certificates, type TlsSettings } from '../../../agent/signatures/certificates.ts';
import { type HttpOptions, HttpReader, type HttpRequest } from '../../../agent/signatures/http.ts';
import {
  type Answers,
  filesAnswer,
  floods,
  hangs,
  SignatureServer,
} from '../../support/signature-server.ts';
import { writeFiles } from '../../support/store-tree.ts';
import { tlsAuthority } from '../../support/tls-authority.ts';

const never = new AbortController().signal;
const MIB = 1024 * 1024;
const plain: TlsSettings = await new Certificates(openHost(t.testdir({}))).settingsFor('x', false);

function ask(
  url: string | URL,
  change: Partial<HttpRequest> = {},
  options: HttpOptions = {},
  signal = never,
): ReturnType<HttpReader['request']> {
  const request = { url: new URL(url), tls: plain, limitBytes: 4 * MIB, ...change };
  return new HttpReader(options).request(request, signal);
}

const statuses: readonly (readonly [name: string, answers: Answers, expected: object])[] = [
  ['content', filesAnswer({ '/x': Buffer.from('a') }), { status: 200, body: Buffer.from('a') }],
  ['nothing', filesAnswer({}), { status: 404 }],
  ['a refusal', filesAnswer({ '/x': 403 }), { status: 403 }],
  ['a failure', filesAnswer({ '/x': 500 }), { status: 500 }],
  [
    'content at another place',
    filesAnswer({ '/x': '/y', '/y': '/z', '/z': Buffer.from('a') }),
    { status: 200, body: Buffer.from('a') },
  ],
  ['all bytes that are allowed', floods(4 * MIB), { status: 200 }],
];
for (const [name, answers, expected] of statuses) {
  t.test(`a server answers with ${name}`, async (t) => {
    await using server = await SignatureServer.start(answers);
    t.match(await ask(`${server.origin}/x`), expected);
  });
}

const failures: readonly (readonly [name: string, answers: Answers, code: string, RegExp])[] = [
  ['says nothing', hangs, 'ERR_SOURCE_UNREACHABLE', /no answer in time/],
  [
    'begins and stops',
    (_request, response) => void response.writeHead(200).write('a'),
    'ERR_SOURCE_UNREACHABLE',
    /no answer in time/,
  ],
  ['hangs up', (request) => void request.socket.destroy(), 'ERR_SOURCE_UNREACHABLE', /./],
  [
    'breaks off',
    (_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('a', () => response.destroy());
    },
    'ERR_SOURCE_UNREACHABLE',
    /./,
  ],
  ['sends 100 MiB', floods(100 * MIB), 'ERR_SOURCE_REFUSED', /at most 4194304 bytes/],
  ['redirects in a circle', filesAnswer({ '/x': '/x' }), 'ERR_SOURCE_UNREACHABLE', /redirects/],
  [
    'redirects to a file',
    filesAnswer({ '/x': 'file:///x' }),
    'ERR_SOURCE_UNREACHABLE',
    /redirects/,
  ],
];
for (const [name, answers, code, message] of failures) {
  t.test(`a server that ${name} gives no answer`, async (t) => {
    await using server = await SignatureServer.start(answers);
    const asked = ask(`${server.origin}/x`, {}, { timeoutMs: 1500 });
    await t.rejects(asked, { code, message });
  });
}

t.test('a server that is not there gives no answer, at once', async (t) => {
  const server = await SignatureServer.start(hangs);
  await server[Symbol.asyncDispose]();
  await t.rejects(ask(server.origin), { code: 'ERR_SOURCE_UNREACHABLE', message: /ECONNREFUSED/ });
});

t.test('the error page of a server is not read to its end', async (t) => {
  const flood = floods(100 * MIB);
  await using server = await SignatureServer.start((request, response) => {
    response.writeHead(500);
    flood(request, response);
  });
  const { status, body } = await ask(`${server.origin}/x`);
  t.equal(status, 500);
  t.ok(body.length <= 64 * 1024, `${body.length} bytes`);
});

t.test('a certificate is checked against what the node trusts for the registry', async (t) => {
  const known = tlsAuthority();
  const other = tlsAuthority();
  await using server = await SignatureServer.start(
    filesAnswer({ '/x': Buffer.of(1) }),
    known.server,
  );
  const folder = (base: string, name: string, ca: string) => ({
    [`${base}/certs.d/${server.host}/${name}`]: ca,
  });
  const nodes = [
    ['nothing', {}, false, false],
    ['its authority', folder('/etc/containers', 'a.crt', known.ca), false, true],
    ['its authority, where docker looks', folder('/etc/docker', 'a.crt', known.ca), false, true],
    [
      'its authority, in the home of root',
      folder('/root/.config/containers', 'a.crt', known.ca),
      false,
      true,
    ],
    [
      'its authority as one of the system’s',
      { '/etc/pki/tls/certs/ca-bundle.crt': known.ca },
      false,
      true,
    ],
    ['another authority', folder('/etc/containers', 'a.crt', other.ca), false, false],
    ['a file of another name', folder('/etc/containers', 'a.pem', known.ca), false, false],
    [
      'another authority in the first folder',
      {
        ...folder('/etc/containers', 'a.crt', other.ca),
        ...folder('/etc/docker', 'a.crt', known.ca),
      },
      false,
      false,
    ],
    ['nothing, without checking', {}, true, true],
  ] as const;
  for (const [index, [name, files, insecure, isTaken]] of nodes.entries()) {
    const host = openHost(writeFiles(t.testdir({ [index]: {} }), files));
    const tls = await new Certificates(host).settingsFor(server.host, insecure);
    const asked = ask(`${server.origin}/x`, { tls });
    if (isTaken) t.match(await asked, { status: 200 }, name);
    else {
      await t.rejects(asked, { code: 'ERR_SOURCE_UNREACHABLE', message: /certificate/ }, name);
    }
  }
});

t.test('credentials go to the place they are for and no other', async (t) => {
  await using other = await SignatureServer.start(filesAnswer({ '/x': Buffer.of(1) }));
  await using server = await SignatureServer.start(
    filesAnswer({ '/there': `${other.origin}/x`, '/here': '/x', '/x': Buffer.of(1) }),
  );
  const authorization = 'Bearer secret';
  t.match(await ask(`${server.origin}/there`, { authorization }), { status: 200 });
  t.same(other.requests, [{ path: '/x' }]);
  t.match(await ask(`${server.origin}/here`, { authorization }), { status: 200 });
  t.same(
    server.requests.map((request) => request.authorization),
    [authorization, authorization, authorization],
  );
});

t.test('credentials in an address are sent and not shown', async (t) => {
  await using server = await SignatureServer.start(floods(MIB));
  const url = new URL(`${server.origin}/x?token=hidden`);
  url.username = 'user';
  url.password = 'p%40ss';
  const error: unknown = await ask(url, { limitBytes: 1 }).catch((thrown: unknown) => thrown);
  t.match(String(error), /at most 1 byte$/);
  t.notMatch(String(error), /user|p%40ss|p@ss|hidden/);
  const [request] = server.requests;
  t.equal(request?.authorization, `Basic ${Buffer.from('user:p@ss').toString('base64')}`);
});

t.test('a server that failed is left alone for a while, and then asked again', async (t) => {
  let now = 0;
  let isBroken = true;
  await using server = await SignatureServer.start((request, response) => {
    if (isBroken) request.socket.destroy();
    else response.end('a');
  });
  const clock = { nowMs: () => 0, monotonicMs: () => now };
  const reader = new HttpReader({ clock });
  const asked = () =>
    reader.request({ url: new URL(server.origin), tls: plain, limitBytes: 10 }, never);
  await t.rejects(asked(), { code: 'ERR_SOURCE_UNREACHABLE' });
  const count = server.requests.length;
  await t.rejects(asked(), { code: 'ERR_SOURCE_UNREACHABLE', message: /not asked again yet/ });
  t.equal(server.requests.length, count, 'nothing was sent');
  now = 1000;
  isBroken = false;
  t.match(await asked(), { status: 200 });
});

t.test('an overloaded server is left alone too', async (t) => {
  await using server = await SignatureServer.start(filesAnswer({ '/x': 503 }));
  const reader = new HttpReader();
  const request = { url: new URL(`${server.origin}/x`), tls: plain, limitBytes: 10 };
  t.match(await reader.request(request, never), { status: 503 });
  await t.rejects(reader.request(request, never), { message: /status 503/ });
});

t.test('no more requests are under way than allowed', async (t) => {
  let underWay = 0;
  let most = 0;
  await using server = await SignatureServer.start((_request, response) => {
    most = Math.max(most, ++underWay);
    setImmediate(() => {
      underWay--;
      response.end('a');
    });
  });
  const reader = new HttpReader({ concurrency: 3 });
  const request = { url: new URL(server.origin), tls: plain, limitBytes: 10 };
  await Promise.all(Array.from({ length: 30 }, () => reader.request(request, never)));
  t.equal(server.requests.length, 30);
  t.ok(most <= 3, `${most} at once`);
});

t.test('an aborted request ends with the reason of its signal', async (t) => {
  const stop = new AbortController();
  await using server = await SignatureServer.start(() => stop.abort(new Error('enough')));
  await t.rejects(ask(server.origin, {}, {}, stop.signal), { message: 'enough' });
});

t.test('a proxy is asked for places that are not the node itself', async (t) => {
  await using inner = await SignatureServer.start(filesAnswer({ '/x': Buffer.from('direct') }));
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('by proxy');
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => proxy.close());
  const { port } = proxy.address() as AddressInfo; // it listens on a port
  const environment = { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: 'other.example' };
  const far = await ask('http://signatures.example/x', {}, { environment });
  t.equal(String(far.body), 'by proxy');
  t.same(asked, ['http://signatures.example/x']);
  const near = await ask(`${inner.origin}/x`, {}, { environment });
  t.equal(String(near.body), 'direct');
});
