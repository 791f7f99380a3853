import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { WebSocket } from 'ws';
import { encodeFrame } from '../../shared/frames.ts';
import { PROTOCOL } from '../../shared/protocol.ts';
import { AgentClient, helloFrame, state } from '../support/agent-client.ts';
import { runAggregator } from '../support/aggregator.ts';

t.test('a server with a certificate', async (t) => {
  const dir = t.testdir({ state: {} });
  const [keyFile, certFile] = [join(dir, 'tls.key'), join(dir, 'tls.crt')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const files = ['-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...files], { stdio: 'ignore' });
  await using server = await runAggregator(join(dir, 'state'), { tls: { certFile, keyFile } });
  t.match(server.url, /^https:/);
  const ca = readFileSync(certFile);

  await t.test('answers over TLS', async (t) => {
    const headers = { authorization: `Bearer ${server.adminToken}` };
    const outgoing = request(`${server.url}/v1/nodes`, { ca, headers }).end();
    const [response] = await once(outgoing, 'response');
    t.equal(response.statusCode, 200);
    response.resume();
  });

  await t.test('takes agents over TLS', async (t) => {
    const headers = { authorization: `Bearer ${server.agentToken}` };
    const url = `${server.url.replace('https', 'wss')}/v1/agent`;
    const socket = new WebSocket(url, PROTOCOL, { ca, headers, perMessageDeflate: false });
    await once(socket, 'open');
    socket.send(encodeFrame(helloFrame()));
    await once(socket, 'message');
    t.equal(socket.extensions, '');
    socket.close();
    await once(socket, 'close');
  });

  await t.test('does not speak to who speaks plain HTTP or old TLS', async (t) => {
    await t.rejects(fetch(server.url.replace('https', 'http')));
    const old = { ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const;
    const outgoing = request(`${server.url}/healthz`, old).end();
    await t.rejects(once(outgoing, 'response'));
  });
});

t.test('a server whose store is gone', async (t) => {
  await using server = await runAggregator(t.testdir());
  const [first, second] = [
    await AgentClient.connect(server.url, server.agentToken),
    await enrolled(server),
  ];
  await server.aggregator.store[Symbol.asyncDispose]();
  first.events([1]);
  t.match(await first.next('error'), {
    code: 'storeUnavailable',
    keepIdentity: true,
    retryAfterSeconds: 10,
  });
  t.equal(await first.closed, 4013, 'sends agents away with what they have');
  second.send(state('files', new Map([['/a', {}]])));
  t.equal(await second.closed, 4013);
  t.match(await server.get('/healthz'), { status: 200 }, 'is alive');
  t.match(await server.get('/readyz?verbose'), {
    status: 503,
    body: { status: 'not ready', checks: [{ name: 'store', ok: false }] },
  });
  t.match(await server.get('/v1/findings'), { status: 503, body: { code: 'storeUnavailable' } });
  t.match(await server.get('/v1/nodes'), { status: 200 }, 'still knows who is there');
});

t.test('a connection that speaks no HTTP is ended', async (t) => {
  await using server = await runAggregator(t.testdir());
  const { port } = new URL(server.url);
  for (const text of ['\0\x01\x02', 'GET\r\n\r\n', 'GET / HTTP/1.1\r\nX: \n\0\r\n\r\n']) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => {});
    socket.end(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    t.match(answer, /^HTTP\/1\.1 400/);
  }
  t.equal((await server.get('/healthz')).status, 200);
});

t.test('a client that goes away in the middle of an upgrade does no harm', async (t) => {
  const limits = { handshakes: 2, handshakesPerSource: 2, heartbeatSeconds: 20, silentSeconds: 50 };
  await using server = await runAggregator(t.testdir(), { limits: { ...limits, helloSeconds: 5 } });
  const { port } = new URL(server.url);
  for (let attempt = 0; attempt < 6; attempt++) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      [
        'GET /v1/agent HTTP/1.1',
        'Host: x',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        `Sec-WebSocket-Protocol: ${PROTOCOL}`,
        `Authorization: Bearer ${server.agentToken}`,
        '\r\n',
      ].join('\r\n'),
    );
    if (attempt % 2 === 0) await once(socket, 'data');
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  // The caps are free again as soon as the server has seen the ends.
  t.ok(await AgentClient.insist(server.url, server.agentToken));
});

async function enrolled(server: Awaited<ReturnType<typeof runAggregator>>): Promise<AgentClient> {
  const token = readFileSync(server.aggregator.tokenFiles.join, 'utf8').trim();
  const { body } = await server.post('/v1/enroll', { token, name: 'node-2' }, '');
  return await AgentClient.connect(server.url, (body as { token: string }).token);
}
