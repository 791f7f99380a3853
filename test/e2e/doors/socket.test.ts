import { deflateRawSync } from 'node:zlib';
import t from 'tap';
import { PROTOCOL } from '../../../shared/protocol.ts';
import { AgentClient } from '../../support/agent-client.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { frame, react } from './raw-socket.ts';

/** Bytes that no client of ours sends, at the port of a running aggregator, beside an agent that does its work. */
const aggregator = await runAggregator(t.testdir({}));
t.teardown(() => aggregator[Symbol.asyncDispose]());
const port = Number(new URL(aggregator.url).port);
const good = await AgentClient.connect(aggregator.url, aggregator.agentToken);
t.teardown(() => good.socket.terminate());
let sequence = 0;

async function isUnharmed(): Promise<boolean> {
  good.events([++sequence]);
  return (await good.next('ack')).sequence === sequence;
}

const answer = await aggregator.post('/v1/tokens', { kind: 'agent', name: 'attacker' });
const nodeToken = (answer.body as { token: string }).token;
const admin = `authorization: Bearer ${aggregator.adminToken}\r\n`;
const HOST = 'host: x\r\n';
const JSON_BODY = 'content-type: application/json\r\n';
const TWO = 'GET /v1/tokens HTTP/1.1\r\nhost: x\r\n\r\n';

function request(line: string, headers = '', body = ''): string {
  return `${line} HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
}

const http: readonly (readonly [name: string, bytes: string | Buffer, status: number])[] = [
  [
    'a length and chunks',
    request(
      'POST /v1/simulations',
      `${admin}content-length: 4\r\ntransfer-encoding: chunked\r\n`,
      `0\r\n\r\n${TWO}`,
    ),
    400,
  ],
  [
    'two lengths',
    request('POST /v1/simulations', `${admin}content-length: 4\r\ncontent-length: 0\r\n`, TWO),
    400,
  ],
  [
    'a space before the colon',
    request('POST /v1/simulations', `${admin}transfer-encoding : chunked\r\n`, '0\r\n\r\n'),
    400,
  ],
  ['a folded header', request('GET /v1/nodes', `x: a\r\n b\r\n${admin}`), 400],
  ['bare line feeds', request('GET /v1/nodes', admin).replaceAll('\r', ''), 400],
  ['no host', 'GET /v1/nodes HTTP/1.1\r\n\r\n', 400],
  ['a NUL in the path', request('GET /v1/nodes/\0', admin), 400],
  ['headers of 20 kB', request('GET /v1/nodes', `x: ${'a'.repeat(20_000)}\r\n`), 431],
  ['1,500 headers', request('GET /v1/nodes', 'a: b\r\n'.repeat(1500)), 431],
  ['a path of 9 kB', request(`GET /${'a'.repeat(9000)}`), 431],
  ['a length below zero', request('POST /v1/enroll', 'content-length: -1\r\n'), 400],
  [
    'a length of 100 GB',
    request('POST /v1/enroll', `${JSON_BODY}content-length: 99999999999\r\n`, '{'),
    413,
  ],
  [
    'a chunk that is none',
    request('POST /v1/enroll', `${JSON_BODY}transfer-encoding: chunked\r\n`, 'zz\r\n'),
    400,
  ],
  [
    'JSON with __proto__',
    request(
      'POST /v1/enroll',
      `${JSON_BODY}content-length: 38\r\n`,
      '{"__proto__":{"a":1},"token":"a","b":1}',
    ),
    400,
  ],
  [
    'JSON with constructor.prototype',
    request(
      'POST /v1/enroll',
      `${JSON_BODY}content-length: 37\r\n`,
      '{"constructor":{"prototype":{"a":1}}}',
    ),
    400,
  ],
  [
    'JSON that is packed',
    request(
      'POST /v1/enroll',
      `${JSON_BODY}content-encoding: gzip\r\ncontent-length: 4\r\n`,
      'abcd',
    ),
    400,
  ],
  [
    'a form at the API',
    request(
      'POST /v1/enroll',
      'content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n',
      'a=b',
    ),
    415,
  ],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['the PROXY protocol', `PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n${request('GET /healthz')}`, 400],
  ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), 400],
  ['SSH', 'SSH-2.0-x\r\n', 400],
  ['noise', Buffer.from(Array.from({ length: 500 }, (_, at) => (at * 37) & 0xff)), 400],
  ['a way out of the assets', request('GET /assets/..%2f..%2f..%2fetc/passwd'), 404],
  ['a way out of the nodes', request('GET /v1/nodes/..%2F..%2Ftokens', admin), 404],
  ['a name that cannot be decoded', request('GET /v1/nodes/%ff', admin), 400],
  ['a node called __proto__', request('GET /v1/nodes/__proto__', admin), 404],
  ['a check called constructor', request('GET /v1/checks/constructor', admin), 404],
  ['a parameter called __proto__', request('GET /v1/nodes?__proto__=x', admin), 400],
  ['a cursor of somebody else', request('GET /v1/events?continue=9223372036854775808', admin), 400],
  ['the address of another host', request('GET //evil.example/'), 401],
  [
    'a local address, by its own word',
    request('GET /v1/nodes', 'x-forwarded-for: 127.0.0.1\r\nforwarded: for=127.0.0.1\r\n'),
    401,
  ],
  ['two credentials', request('GET /v1/nodes', `authorization: Bearer x\r\n${admin}`), 401],
  [
    'a node that asks as a person',
    request('GET /v1/nodes', `authorization: Bearer ${nodeToken}\r\n`),
    403,
  ],
];

t.test('HTTP that no client sends is refused, alone', async (t) => {
  for (const [name, bytes, status] of http) {
    const found = await react(port, Buffer.from(bytes as string));
    t.equal(found.status, status, name);
    t.notMatch(
      found.body,
      /"TokenList"|root:|node_modules|\.ts:\d/,
      `${name}: nothing else is told`,
    );
    t.ok(await isUnharmed(), `${name}: the agent beside it goes on`);
  }
});

interface Upgrade {
  readonly path?: string;
  readonly credential?: string;
  readonly protocol?: string;
  readonly more?: string;
}

function upgrade({
  path = '/v1/agent',
  credential = `authorization: Bearer ${nodeToken}\r\n`,
  protocol = PROTOCOL,
  more = '',
}: Upgrade = {}): string {
  const key = 'upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n';
  const offered = protocol === '' ? '' : `sec-websocket-protocol: ${protocol}\r\n`;
  const secret = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  return request(`GET ${path}`, `${credential}${key}${secret}${offered}${more}`);
}

const upgrades: readonly (readonly [name: string, asked: Upgrade, status: number])[] = [
  ['no subprotocol', { protocol: '' }, 426],
  ['another subprotocol', { protocol: 'mqtt' }, 426],
  ['another path', { path: '/v1/watch' }, 404],
  ['a path that is escaped', { path: '/v1/%61gent' }, 404],
  ['no credential', { credential: '' }, 401],
  ['the token of a person', { credential: admin }, 403],
  [
    'a page of another site',
    { credential: 'cookie: nodeseal=x\r\norigin: https://evil.example\r\n' },
    401,
  ],
];

t.test('an upgrade that is not of an agent', async (t) => {
  for (const [name, asked, status] of upgrades) {
    t.equal((await react(port, Buffer.from(upgrade(asked)))).status, status, name);
    t.ok(await isUnharmed(), name);
  }
});

/** A frame of ours: how it is packed, then JSON. */
function json(text: string): Buffer {
  return frame(2, Buffer.from(`\0${text}`));
}

/** RFC 6455 has the codes below 4000, docs/protocol.md those above. */
const frames: readonly (readonly [name: string, bytes: Buffer, code: number])[] = [
  ['text', frame(1, Buffer.from('hello')), 4010],
  ['text that is no UTF-8', frame(1, Buffer.of(0xff, 0xfe)), 1007],
  ['no mask', frame(2, Buffer.from('\0{}'), { isMasked: false }), 1002],
  ['a reserved bit', frame(2, Buffer.from('\0{}'), { rsv: 2 }), 1002],
  ['a reserved kind', frame(3, Buffer.from('\0{}')), 1002],
  ['compression that was not agreed', frame(2, deflateRawSync('\0{}'), { rsv: 4 }), 1002],
  ['50 MiB in 50 kB', frame(2, deflateRawSync(Buffer.alloc(50 << 20)), { rsv: 4 }), 1002],
  ['a long ping', frame(9, Buffer.alloc(200)), 1002],
  ['a ping in parts', frame(9, Buffer.alloc(2), { isLast: false }), 1002],
  ['a part of nothing', frame(0, Buffer.from('\0{}')), 1002],
  ['a length of 3 MiB', frame(2, Buffer.alloc(10), { length: 3 << 20 }), 1009],
  ['a length beyond numbers', Buffer.from('82ffffffffffffffffff', 'hex'), 1009],
  ['a close frame of one byte', frame(8, Buffer.of(1)), 1002],
  ['a close code that is none', frame(8, Buffer.of(3, 231)), 1002],
  ['an unknown packing', frame(2, Buffer.of(7, 1, 2, 3)), 4010],
  ['nothing', frame(2, Buffer.alloc(0)), 4010],
  ['half of JSON', json('{'), 4010],
  ['JSON that is no UTF-8', frame(2, Buffer.of(0, 0x22, 0xff, 0x22)), 4010],
  ['JSON 60,000 deep', json('['.repeat(60_000)), 4010],
  ['a frame called __proto__', json('{"type":"__proto__"}'), 4010],
  ['a frame called constructor', json('{"type":"constructor"}'), 4010],
  ['a frame in __proto__', json('{"__proto__":{"type":"hello"}}'), 4010],
  ['a member twice', json('{"type":"hello","type":"bye"}'), 4010],
  ['a number beyond numbers', json('{"type":"heartbeat","loopDelayMs":1e999}'), 4010],
  ['events before hello', json('{"type":"events","epoch":"x","items":[]}'), 4010],
  ['a frame of the aggregator', json('{"type":"welcome"}'), 4010],
];

t.test('a frame that breaks the protocol closes its connection with its code, alone', async (t) => {
  for (const [name, bytes, code] of frames) {
    const found = await react(port, Buffer.concat([Buffer.from(upgrade()), bytes]));
    t.equal(found.close, code, name);
    t.ok(await isUnharmed(), `${name}: the agent beside it goes on`);
  }
  t.notMatch(aggregator.log.lines.join('\n'), /request failed|upgrade failed/, 'no failure inside');
});
