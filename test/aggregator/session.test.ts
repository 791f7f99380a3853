// One piece: the protocol as the aggregator speaks it, frame by frame.
import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { WebSocket } from 'ws';
import type { Json } from '../../shared/canonical.ts';
import { PROTOCOL } from '../../shared/protocol.ts';
import { diffItems, EMPTY_HASH, hashItems, hashRoot, SECTIONS } from '../../shared/report.ts';
import { VERSION } from '../../shared/version.ts';
import { AgentClient, event, heartbeatFrame, helloFrame, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { rules } from '../support/cluster.ts';
import { tlsAuthority } from '../support/tls-authority.ts';

const SLOW = { heartbeatSeconds: 20, silentSeconds: 50, helloSeconds: 5 };
const CAPS = { handshakes: 512, handshakesPerSource: 128 };

const items = (...keys: readonly string[]): ReadonlyMap<string, Json> =>
  new Map(keys.map((key) => [key, { path: key }]));

async function eventsOf(server: RunningAggregator): Promise<readonly number[]> {
  const { body } = await server.get('/v1/events?limit=5000');
  const { items } = body as { items: readonly { epoch: string; sequence: number }[] };
  return items
    .filter((item) => item.epoch === 'epoch-1')
    .map((item) => item.sequence)
    .reverse();
}

t.test('an agent that says hello is welcomed with what is held', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = new AgentClient(server.url, server.agentToken);
  await once(agent.socket, 'open');
  t.equal(agent.socket.protocol, PROTOCOL);
  agent.send(helloFrame({ spool: { epoch: 'epoch-1', first: 1, next: 4, bytes: 9, lost: 0 } }));
  t.match(await agent.next('welcome'), {
    session: 1,
    node: 'node-1',
    server: { version: VERSION },
    have: { epoch: 'epoch-1', sequence: 0, sections: {} },
    limits: {
      frameBytes: 1_048_576,
      inflight: 512,
      inflightBytes: 1_048_576,
      heartbeatSeconds: 20,
    },
    reconnectSpreadSeconds: 5,
    authenticatedUntilMs: null,
  });
  agent.events([1, 2, 3]);
  t.match(await agent.next('ack'), { epoch: 'epoch-1', sequence: 3 });
  agent.send(state('files', items('/a')));
  t.match(await agent.next('stateApplied'), { section: 'files', to: hashItems(items('/a')) });
  await agent.close();
  const again = new AgentClient(server.url, server.agentToken);
  await once(again.socket, 'open');
  again.send(helloFrame());
  t.match(await again.next('welcome'), {
    session: 2,
    have: { epoch: 'epoch-1', sequence: 3, sections: { files: hashItems(items('/a')) } },
  });
  t.match((await again.next('error')).code, 'spoolBehind', 'a spool that lost its end is told');
});

t.test('a connection without a proper hello', async (t) => {
  const open = async (server: RunningAggregator): Promise<AgentClient> => {
    const agent = new AgentClient(server.url, server.agentToken);
    await once(agent.socket, 'open');
    return agent;
  };
  t.test('is closed when none comes', async (t) => {
    const limits = { ...SLOW, ...CAPS, helloSeconds: 0.1, heartbeatSeconds: 0.2 };
    await using server = await runAggregator(t.testdir(), { limits });
    t.equal(await (await open(server)).closed, 4010);
  });
  const { spool, ...withoutSpool } = helloFrame();
  const cases = [
    ['another frame first', { type: 'events', epoch: 'e', items: [] }],
    ['a member missing', withoutSpool],
    ['a protocol we do not speak', { ...helloFrame(), protocol: 'nodeseal.v9' }],
    ['an epoch of ours', { ...helloFrame(), spool: { ...spool, epoch: '@aggregator' } }],
    ['an empty epoch', { ...helloFrame(), spool: { ...spool, epoch: '' } }],
    ['an epoch too long', { ...helloFrame(), spool: { ...spool, epoch: 'e'.repeat(257) } }],
    ['an epoch no database keeps', { ...helloFrame(), spool: { ...spool, epoch: 'a\0b' } }],
    ['a spool that ends before it begins', { ...helloFrame(), spool: { ...spool, first: 9 } }],
    ['no object', [1, 2]],
  ] as const;
  t.test('is refused', async (t) => {
    await using server = await runAggregator(t.testdir());
    for (const [name, frame] of cases) {
      const agent = await open(server);
      agent.sendJson(frame);
      t.match(await agent.next('error'), { code: 'badHello', keepIdentity: true }, name);
      t.equal(await agent.closed, 4010, name);
    }
    t.match(await server.get('/v1/nodes'), { body: { items: [{ state: 'expected' }] } });
  });
});

t.test('a frame nobody can read is answered and the session goes on', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const frame = (codec: number, body: string | Buffer): Buffer =>
    Buffer.concat([Buffer.of(codec), Buffer.from(body)]);
  const bomb = gzipSync(Buffer.alloc(9 * 1024 * 1024));
  t.ok(bomb.length < 20_000);
  const cases = [
    ['empty', Buffer.alloc(0), 'ERR_FRAME_CODEC'],
    ['of an unknown codec', frame(9, '{}'), 'ERR_FRAME_CODEC'],
    ['that is no JSON', frame(0, '{"type":'), 'ERR_FRAME_SYNTAX'],
    ['that is no gzip', frame(1, 'xx'), 'ERR_FRAME_CODEC'],
    ['that is a gzip bomb', frame(1, bomb), 'ERR_FRAME_TOO_LARGE'],
    ['nested too deep', frame(0, '['.repeat(100_000)), 'ERR_FRAME_DEPTH'],
    ['of an unknown type', frame(0, '{"type":"selfDestruct"}'), 'unsupported'],
    [
      'of the aggregator’s own type',
      frame(0, '{"type":"ack","epoch":"e","sequence":1}'),
      'unsupported',
    ],
    ['with a type out of Object', frame(0, '{"type":"__proto__"}'), 'unsupported'],
    [
      'with a member of another type',
      frame(0, '{"type":"events","epoch":1,"items":[]}'),
      'ERR_FRAME_SCHEMA',
    ],
  ] as const;
  for (const [name, bytes, code] of cases) {
    agent.socket.send(bytes);
    t.equal((await agent.next('error')).code, code, name);
  }
  agent.socket.send('{"type":"hello"}');
  t.equal((await agent.next('error')).code, 'ERR_FRAME_CODEC', 'as text');
  agent.send(helloFrame());
  t.equal((await agent.next('error')).code, 'protocol', 'hello again');
  agent.events([1]);
  t.match(await agent.next('ack'), { sequence: 1 });
  for (let sent = 0; sent < 16; sent++) agent.socket.send(Buffer.alloc(0));
  t.equal(await agent.closed, 1008, 'but not for ever');
});

t.test('a frame over 1 MiB ends the connection', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  agent.socket.send(Buffer.alloc(1_048_577));
  t.equal(await agent.closed, 1009);
});

t.test('a message in more than 64 fragments ends the connection', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  for (let part = 0; part < 70; part++) agent.socket.send(Buffer.of(0), { fin: false });
  t.equal(await agent.closed, 1008);
});

t.test('events', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const epoch = 'epoch-1';

  await t.test('that come twice are acknowledged and stored once', async (t) => {
    agent.events([1, 2]);
    t.match(await agent.next('ack'), { sequence: 2 });
    agent.events([1, 2]);
    t.match(await agent.next('ack'), { sequence: 2 });
    agent.events([2, 3]);
    t.match(await agent.next('ack'), { sequence: 3 });
    t.same(await eventsOf(server), [1, 2, 3]);
  });

  await t.test('with a hole are asked for again, once', async (t) => {
    agent.events([5, 6]);
    t.match(await agent.next('error'), { code: 'gap', message: /expected sequence 4/ });
    t.match(await agent.next('ack'), { epoch, sequence: 3 });
    agent.events([7]);
    agent.events([4, 6]);
    t.match(await agent.next('error'), { code: 'gap', message: /expected sequence 5/ });
    agent.events([5, 6, 7]);
    await agent.next('ack', (ack) => ack.sequence === 7);
    t.same(await eventsOf(server), [1, 2, 3, 4, 5, 6, 7]);
    t.same(
      agent.received.filter((frame) => frame.type === 'error'),
      [],
    );
  });

  await t.test('that are refused leave a tombstone and the stream goes on', async (t) => {
    const bad: readonly (readonly [string, Record<string, unknown>])[] = [
      ['without a kind', { kind: undefined }],
      ['of an unknown class', { class: 'urgent' }],
      ['without a time', { at: 'yesterday' }],
      ['with data that is no object', { data: [1] }],
      ['a range that is no loss', { throughSequence: 90 }],
      ['a loss that ends before it begins', { kind: 'lost', throughSequence: 1 }],
      ['a tombstone of the agent’s own making', { kind: 'rejected' }],
    ];
    let sequence = 7;
    for (const [name, change] of bad) {
      sequence++;
      const good = [event(sequence + 1)];
      agent.sendJson({
        type: 'events',
        epoch,
        items: [{ ...event(sequence), ...change }, ...good],
      });
      t.match(await agent.next('reject'), { epoch, sequence, code: 'schema', retry: false }, name);
      sequence++;
      await agent.next('ack', (ack) => ack.sequence === sequence);
    }
    const { body } = await server.get('/v1/events?kind=rejected');
    t.equal((body as { items: readonly unknown[] }).items.length, bad.length);
    t.match(body, { items: [{ class: 'high', data: { code: 'schema' } }] });
    const metrics = String((await server.get('/metrics')).body);
    const [, lag] = /^nodeseal_ingest_lag_seconds_sum (\S+)$/m.exec(metrics) ?? [];
    const yearSeconds = 31_536_000;
    t.ok(Number(lag) < yearSeconds * 10, 'nobody says when they happened: they make no lag');
  });

  await t.test('that were lost on the node count as lost', async (t) => {
    const lost = { kind: 'lost', throughSequence: 60, data: { why: 'spoolCap' } };
    agent.send({ type: 'events', epoch, items: [event(22, lost), event(61)] });
    await agent.next('ack', (ack) => ack.sequence === 61);
    const { body } = await server.get('/v1/events?kind=lost');
    t.match(body, {
      items: [{ sequence: 22, data: { why: 'spoolCap', throughSequence: 60, count: 39 } }],
    });
    t.match(await server.get('/v1/nodes/node-1'), { body: { session: { lostRecords: 39 } } });
  });

  await t.test('of another epoch than hello announced are refused', async (t) => {
    agent.events([1], 'epoch-2');
    t.match(await agent.next('error'), { code: 'epoch' });
  });

  await t.test('have the name of the credential, whatever the agent calls itself', async (t) => {
    await agent.close();
    const forged = { name: 'node-9', machineId: 'm', bootId: 'b' };
    const spool = { epoch, first: 1, next: 62, bytes: 0, lost: 0 };
    const liar = await AgentClient.connect(server.url, server.agentToken, { host: forged, spool });
    const data = { node: 'node-9', uid: 'uid-9' };
    liar.send({ type: 'events', epoch, items: [event(62, { data })] });
    await liar.next('ack');
    t.match(await server.get('/v1/events?limit=1'), {
      body: { items: [{ node: 'node-1', data }] },
    });
    t.match(await server.get('/v1/nodes'), { body: { items: [{ name: 'node-1' }] } });
    await liar.close();
  });
});

t.test('walk-through 4: a new epoch while the old one was not drained is recorded', async (t) => {
  await using server = await runAggregator(t.testdir());
  const spool = { epoch: 'epoch-1', first: 1, next: 6, bytes: 0, lost: 0 };
  const agent = await AgentClient.connect(server.url, server.agentToken, { spool });
  agent.events([1, 2]);
  await agent.next('ack');
  await agent.close();
  await AgentClient.connect(server.url, server.agentToken, {
    spool: { ...spool, epoch: 'epoch-2' },
  });
  t.match(await server.get('/v1/events?kind=epochLost'), {
    body: { items: [{ class: 'high', data: { epoch: 'epoch-1', afterSequence: 2, count: 3 } }] },
  });
});

t.test('state', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const three = items('/a', '/b', '/c');
  const two = items('/a', '/d');

  await t.test('comes in full and then as a delta', async (t) => {
    agent.send(state('files', three));
    t.match(await agent.next('stateApplied'), { section: 'files', to: hashItems(three) });
    const delta = diffItems(three, two);
    t.ok(delta);
    if (delta !== undefined) agent.send({ ...state('files', two), ...delta, mode: 'delta' });
    t.match(await agent.next('stateApplied'), { to: hashItems(two) });
    const { body } = await server.get('/v1/nodes/node-1');
    t.same((body as { sections: { files: object } }).sections.files, Object.fromEntries(two));
  });

  await t.test('as a delta from an unknown base is asked for in full', async (t) => {
    const change = { ...state('files', three), mode: 'delta', base: EMPTY_HASH } as const;
    agent.send(change);
    t.match(await agent.next('stateNeeded'), { section: 'files', why: 'baseUnknown' });
  });

  await t.test('as a delta with a wrong hash is asked for in full', async (t) => {
    const base = hashItems(two);
    agent.send({ ...state('files', three), mode: 'delta', base });
    t.match(await agent.next('stateNeeded'), { section: 'files', why: 'hashMismatch' });
  });

  await t.test('in full with a wrong hash is told, and not asked for at once', async (t) => {
    agent.send({
      ...state('files', three),
      to: hashItems(two).replace(/.$/, 'x'.replace('x', '0')),
    });
    agent.send({ ...state('checks', three), to: EMPTY_HASH });
    t.match(await agent.next('error', (error) => error.message.startsWith('checks')), {
      code: 'stateHash',
    });
    t.same(
      agent.received.filter((frame) => frame.type === 'stateNeeded'),
      [],
    );
  });

  await t.test('comes in parts', async (t) => {
    const many = items(...Array.from({ length: 100 }, (_, index) => `/many-${index}`));
    const upsert = [...many];
    const parts = [0, 1, 2, 3].map((part) => ({
      ...state('host', many),
      part: part + 1,
      of: 4,
      upsert: upsert.slice(part * 25, part * 25 + 25),
    }));
    for (const part of parts) agent.send(part);
    t.match(await agent.next('stateApplied'), { section: 'host', to: hashItems(many) });
    const [first, , third] = parts;
    t.ok(first && third);
    if (first === undefined || third === undefined) return;
    agent.send({ ...first, section: 'agent' });
    agent.send({ ...third, section: 'agent' });
    t.match(await agent.next('stateNeeded'), { section: 'agent', why: 'partMissing' });
    agent.send({ ...first, section: 'agent' });
    agent.send({ ...first, section: 'agent', part: 2, to: EMPTY_HASH });
    t.match(await agent.next('stateNeeded'), { why: 'partMissing' }, 'of one change only');
    agent.send({ ...first, section: 'agent', part: 5, of: 4 });
    t.match(await agent.next('stateNeeded'), { why: 'badPart' });
  });
});

t.test('an agent that sends more than is committed at once is slowed down, not lost', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const files = items('/a');
  for (let frame = 0; frame < 100; frame++) {
    agent.events(Array.from({ length: 100 }, (_, index) => frame * 100 + index + 1));
    if (frame === 50) agent.send(state('files', files));
  }
  await agent.next('ack', (ack) => ack.sequence === 10_000);
  t.match(await agent.next('stateApplied'), { to: hashItems(files) });
  t.same(
    agent.received.filter((frame) => frame.type === 'error'),
    [],
  );
});

t.test('a heartbeat with another root hash asks for every section', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const files = items('/a');
  agent.send(state('files', files));
  await agent.next('stateApplied');
  const beat = heartbeatFrame({
    rootHash: hashRoot({ files: hashItems(files) }),
    wallMs: Date.now() - 86_400_000,
    conditions: ['SpoolDegraded'],
  });
  agent.send(beat);
  agent.send({ ...beat, rootHash: hashRoot({}) });
  agent.send({ ...beat, rootHash: hashRoot({}) });
  const needed = [];
  for (const _ of SECTIONS) needed.push((await agent.next('stateNeeded')).section);
  t.same(needed, SECTIONS);
  const { body } = await server.get('/v1/nodes/node-1');
  const { session } = body as { session: { clockSkewSeconds: number } };
  t.ok(Math.abs(session.clockSkewSeconds + 86_400) < 60, 'and its clock is compared');
  t.match(body, { node: { state: 'online' } }, 'a clock jump is no silence');
  t.match(
    body,
    { session: { conditions: ['SpoolDegraded'] } },
    'and what it says of itself is shown',
  );
});

t.test('a heartbeat of an agent that still waits is answered with what is held', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  agent.events([1]);
  await agent.next('ack');
  agent.send(heartbeatFrame({ unsent: { records: 3, oldestSeconds: 9 } }));
  t.match(await agent.next('ack'), { sequence: 1 });
});

t.test('a server says that it is there, and gives up a silent agent', async (t) => {
  const limits = { ...CAPS, heartbeatSeconds: 0.1, silentSeconds: 0.6, helloSeconds: 5 };
  await using server = await runAggregator(t.testdir(), { limits });
  const agent = await AgentClient.connect(server.url, server.agentToken);
  t.match(await agent.next('heartbeat'), { rootHash: hashRoot({}), unsent: { records: 0 } });
  await agent.next('heartbeat');
  t.equal(await agent.closed, 4008);
});

t.test('a newer session of the same machine supersedes the older', async (t) => {
  await using server = await runAggregator(t.testdir());
  const older = await AgentClient.connect(server.url, server.agentToken);
  const newer = await AgentClient.connect(server.url, server.agentToken);
  t.equal(await older.closed, 4009);
  newer.events([1]);
  t.match(await newer.next('ack'), { sequence: 1 });
});

t.test(
  'walk-through 6: a second machine with the credential of a living one is refused',
  async (t) => {
    await using server = await runAggregator(t.testdir());
    const first = await AgentClient.connect(server.url, server.agentToken);
    const copy = new AgentClient(server.url, server.agentToken);
    await once(copy.socket, 'open');
    copy.send(helloFrame({ host: { name: 'host-1', machineId: 'machine-1', bootId: 'boot-2' } }));
    t.equal(await copy.closed, 4011);
    t.match(await server.get('/v1/nodes'), {
      body: {
        items: [{ name: 'node-1', state: 'conflict' }],
        coverage: {
          expected: 1,
          reporting: 0,
          missing: [{ node: 'node-1', cause: /two machines/ }],
        },
      },
    });
    first.events([1]);
    t.match(await first.next('ack'), { sequence: 1 }, 'whose data is kept');
    await first.close();
    await AgentClient.connect(server.url, server.agentToken, {
      host: { name: 'host-1', machineId: 'machine-1', bootId: 'boot-3' },
      spool: { epoch: 'epoch-1', first: 1, next: 2, bytes: 0, lost: 0 },
    });
    t.match(await server.get('/v1/nodes'), { body: { items: [{ state: 'online' }] } });
  },
);

t.test('a credential that ends ends its session', async (t) => {
  await using server = await runAggregator(t.testdir());
  const { body } = await server.post('/v1/tokens', { kind: 'agent', name: 'brief', ttlSeconds: 1 });
  const { token } = body as { token: string };
  const agent = await AgentClient.connect(server.url, token);
  agent.send({ type: 'authenticate', token: server.agentToken });
  t.match(
    await agent.next('error'),
    { code: 'authenticate' },
    'another node’s does not prolong it',
  );
  agent.send({ type: 'authenticate', token: 'nonsense' });
  t.match(await agent.next('error'), { code: 'authenticate' });
  agent.send({ type: 'authenticate', token });
  t.equal(await agent.closed, 4001);
  const late = new AgentClient(server.url, token);
  t.equal(await late.closed, 1006, 'and opens none');
});

t.test('an upgrade is refused', async (t) => {
  const limits = { ...SLOW, handshakes: 4, handshakesPerSource: 2 };
  await using server = await runAggregator(t.testdir(), { limits });
  const attempt = async (
    path: string,
    protocols: readonly string[],
    authorization?: string,
  ): Promise<{ status: number; headers: object; body: unknown }> => {
    const headers = authorization === undefined ? {} : { authorization };
    const url = `${server.url.replace('http', 'ws')}${path}`;
    const socket = new WebSocket(url, [...protocols], { headers });
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode, headers: response.headers, body: JSON.parse(body) };
  };
  const agent = `Bearer ${server.agentToken}`;
  const cases = [
    ['elsewhere', '/v1/nodes', [PROTOCOL], agent, { status: 404, body: { code: 'notFound' } }],
    [
      'without our protocol',
      '/v1/agent',
      ['x.v1'],
      agent,
      {
        status: 426,
        headers: { upgrade: 'websocket', 'sec-websocket-protocol': PROTOCOL },
        body: { code: 'protocol', detail: `this server speaks: ${PROTOCOL}` },
      },
    ],
    [
      'without a credential',
      '/v1/agent',
      [PROTOCOL],
      undefined,
      {
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
        body: { code: 'credentialMissing', keepIdentity: true },
      },
    ],
    ['with an unknown credential', '/v1/agent', [PROTOCOL], `${agent}x`, { status: 401 }],
    [
      'with a person’s credential',
      '/v1/agent',
      [PROTOCOL],
      `Bearer ${server.adminToken}`,
      {
        status: 403,
        body: { code: 'notAnAgent' },
      },
    ],
  ] as const;
  for (const [name, path, protocols, authorization, expected] of cases) {
    t.match(await attempt(path, protocols, authorization), expected, name);
  }
  const waiting = [0, 1].map(() => new AgentClient(server.url, server.agentToken));
  await Promise.all(waiting.map((client) => once(client.socket, 'open')));
  t.match(await attempt('/v1/agent', [PROTOCOL], agent), {
    status: 503,
    headers: { 'retry-after': '5' },
    body: { code: 'busy' },
  });
  waiting[0]?.socket.terminate();
  await waiting[0]?.closed;
  waiting[1]?.send(helloFrame());
  await waiting[1]?.next('welcome');
  const next = await AgentClient.connect(server.url, server.agentToken);
  t.ok(next, 'and let in when others are done');
});

t.test('who is refused and keeps its connection open keeps nobody out', async (t) => {
  const limits = { ...SLOW, handshakes: 2, handshakesPerSource: 2 };
  await using server = await runAggregator(t.testdir(), { limits });
  const { hostname, port } = new URL(server.url);
  for (let n = 0; n < 2; n++) {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    t.teardown(() => socket.destroy());
    socket.on('error', () => {}).resume();
    socket.write(
      'GET /v1/elsewhere HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    await once(socket, 'end');
  }
  const agent = await AgentClient.insist(server.url, server.agentToken);
  t.pass('a node gets in');
  await agent.close();
});

t.test('a server that stops tells its agents when to come back', async (t) => {
  const server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  agent.events([1]);
  await server[Symbol.asyncDispose]();
  t.match(await agent.next('drain'), { why: 'restart', reconnectSpreadSeconds: 5 });
  t.equal(await agent.closed, 1012);
});

t.test('a server that stops waits for nobody who is still on the way in', async (t) => {
  const { ca, server: keys } = tlsAuthority('cluster');
  // It never answers who it is that asks.
  const { promise: isAsked, resolve } = Promise.withResolvers<void>();
  const api = createServer(keys, ({ url = '' }) => {
    if (url.includes('tokenreviews')) resolve();
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  t.teardown(() => {
    api.closeAllConnections();
    api.close();
  });
  const { port } = api.address() as AddressInfo;
  const folder = t.testdir({ state: {}, token: 'ours', 'ca.crt': ca });
  const kubernetes = {
    ...rules,
    ...{ pool: 'worker', tokenReview: false, people: true, nodes: false },
    url: `https://127.0.0.1:${port}`,
    caFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  };
  const server = await runAggregator(join(folder, 'state'), { kubernetes });
  const agent = new AgentClient(server.url, 'of-somebody');
  await isAsked;
  const startMs = performance.now();
  await server[Symbol.asyncDispose]();
  const seconds = (performance.now() - startMs) / 1000;
  t.ok(seconds < 3, `after ${seconds} s`);
  t.equal(await agent.closed, 1006);
});

t.test('an agent that does not wait for welcome is told to', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = new AgentClient(server.url, server.agentToken);
  await once(agent.socket, 'open');
  agent.send(helloFrame());
  agent.events([1]);
  const [answer] = await Promise.race([
    agent.next('error').then((frame) => [frame.code]),
    agent.next('ack').then((frame) => [frame.sequence]),
  ]);
  t.ok(answer === 'protocol' || answer === 1, 'or its events are taken: never dropped silently');
});
