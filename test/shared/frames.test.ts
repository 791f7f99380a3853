// One piece: one table of frames that are refused, beside those that are read.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import {
  encodeFrame,
  readAgentFrame,
  readAggregatorFrame,
  readEventItem,
} from '../../shared/frames.ts';
import { type Frame, FrameError, LIMITS, WS_OPTIONS } from '../../shared/protocol.ts';

const golden = join(import.meta.dirname, '../fixtures/frames');
const FROM_AGENT = ['hello', 'state', 'events', 'heartbeat', 'result', 'authenticate', 'error'];
const FROM_AGGREGATOR = [
  'welcome',
  'stateApplied',
  'stateNeeded',
  'ack',
  'reject',
  'heartbeat',
  'command',
  'drain',
  'error',
];

function goldenFrame(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8'));
}

const names = readdirSync(golden)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length));

t.test('every golden frame is read whole, by the side it is for', async (t) => {
  const seen = new Set<string>();
  for (const name of names) {
    const frame = goldenFrame(name);
    const type = String(frame['type']);
    seen.add(type);
    for (const [types, read] of [
      [FROM_AGENT, readAgentFrame],
      [FROM_AGGREGATOR, readAggregatorFrame],
    ] as const) {
      const bytes = encodeFrame(frame as unknown as Frame); // what a peer would send
      if (types.includes(type)) t.same(read(bytes), frame, name);
      else t.throws(() => read(bytes), { code: 'ERR_FRAME_TYPE' }, `${name}: not for this side`);
    }
  }
  t.same([...seen].sort(), [...new Set([...FROM_AGENT, ...FROM_AGGREGATOR])].sort(), 'each type');
});

t.test('a member of a later version is dropped', async (t) => {
  const ack = { ...goldenFrame('ack'), later: { deep: [1] } };
  t.same(readAggregatorFrame(encodeFrame(ack as unknown as Frame)), goldenFrame('ack'));
});

t.test('a long frame is compressed, and read again', async (t) => {
  const items = Array.from({ length: 500 }, (_, n) => [`key ${n}`, { text: 'x'.repeat(1000) }]);
  const frame = { ...goldenFrame('state-full'), upsert: items };
  const bytes = encodeFrame(frame as unknown as Frame);
  t.equal(bytes[0], 1, 'gzip');
  t.ok(bytes.length < 50_000, `${bytes.length} bytes`);
  t.same(readAgentFrame(bytes), frame);
});

t.test('a frame that no peer would take is not made', async (t) => {
  const upsert = (text: string): Frame =>
    ({ ...goldenFrame('state-full'), upsert: [['k', text]] }) as unknown as Frame;
  const noise = Array.from({ length: 400_000 }, () => Math.random().toString(36)).join('');
  for (const text of [noise, 'x'.repeat(LIMITS.inflatedBytes)]) {
    t.throws(() => encodeFrame(upsert(text)), { code: 'ERR_FRAME_TOO_LARGE' });
  }
});

const json = (text: string): Buffer => Buffer.concat([Buffer.of(0), Buffer.from(text)]);
const gzip = (bytes: Buffer): Buffer => Buffer.concat([Buffer.of(1), bytes]);
const changed = (name: string, change: object): Buffer =>
  json(JSON.stringify({ ...goldenFrame(name), ...change }));
const deep = (depth: number): string =>
  `{"type":"authenticate","token":"x","extra":${'['.repeat(depth)}${']'.repeat(depth)}}`;

const bad: readonly (readonly [name: string, bytes: Buffer, code: string, message: RegExp])[] = [
  ['that is empty', Buffer.alloc(0), 'ERR_FRAME_CODEC', /empty frame/],
  ['of a codec alone', Buffer.of(0), 'ERR_FRAME_SYNTAX', /not JSON/],
  ['of an unknown codec', Buffer.from([2, 0x7b, 0x7d]), 'ERR_FRAME_CODEC', /unknown codec 2/],
  ['sent as text', Buffer.from('{"type":"ack"}'), 'ERR_FRAME_CODEC', /unknown codec 123/],
  [
    'one byte too long',
    Buffer.concat([Buffer.of(0), Buffer.alloc(LIMITS.frameBytes, 0x20)]),
    'ERR_FRAME_TOO_LARGE',
    /1048577 bytes/,
  ],
  [
    'that inflates to 64 MiB',
    gzip(gzipSync(Buffer.alloc(64 << 20, 0x20))),
    'ERR_FRAME_TOO_LARGE',
    /more than 8 MiB/,
  ],
  [
    'of gzip twice over',
    gzip(gzipSync(gzipSync(Buffer.alloc(64 << 20)))),
    'ERR_FRAME_SYNTAX',
    /UTF-8|not JSON/,
  ],
  [
    'of gzip cut short',
    gzip(gzipSync(Buffer.from('{"type":"ack"}')).subarray(0, 20)),
    'ERR_FRAME_CODEC',
    /gzip/,
  ],
  ['that is not gzip', gzip(Buffer.from('{}')), 'ERR_FRAME_CODEC', /gzip/],
  ['that is not UTF-8', Buffer.from([0, 0x22, 0xc3, 0x28, 0x22]), 'ERR_FRAME_SYNTAX', /UTF-8/],
  ['that is not JSON', json('{"type":'), 'ERR_FRAME_SYNTAX', /not JSON/],
  ['of two objects', json('{"type":"x"}{}'), 'ERR_FRAME_SYNTAX', /not JSON/],
  ['100,000 lists deep', json(deep(100_000)), 'ERR_FRAME_DEPTH', /deeper than 64/],
  ['65 lists deep', json(deep(64)), 'ERR_FRAME_DEPTH', /deeper than 64/],
  [
    '100,000 objects deep, never closed',
    json('{"a":'.repeat(100_000)),
    'ERR_FRAME_DEPTH',
    /deeper/,
  ],
  ['that is null', json('null'), 'ERR_FRAME_TYPE', /undefined/],
  ['that is a list', json('[]'), 'ERR_FRAME_TYPE', /undefined/],
  ['that is a number', json('1'), 'ERR_FRAME_TYPE', /undefined/],
  ['without a type', json('{}'), 'ERR_FRAME_TYPE', /undefined/],
  ['whose type is an object', json('{"type":{}}'), 'ERR_FRAME_TYPE', /\{\}/],
  ['of an unknown type', json('{"type":"reboot"}'), 'ERR_FRAME_TYPE', /"reboot"/],
  [
    'of a type with a long name',
    json(`{"type":"${'x'.repeat(1000)}"}`),
    'ERR_FRAME_TYPE',
    /^.{0,90}$/,
  ],
  ['of type __proto__', json('{"type":"__proto__"}'), 'ERR_FRAME_TYPE', /__proto__/],
  ['of type constructor', json('{"type":"constructor"}'), 'ERR_FRAME_TYPE', /constructor/],
  ['of type toString', json('{"type":"toString"}'), 'ERR_FRAME_TYPE', /toString/],
  [
    'of 513 events',
    changed('events', { items: Array.from({ length: 513 }, (_, n) => ({ sequence: n + 1 })) }),
    'ERR_FRAME_SCHEMA',
    /^events\.items: expected a list of at most 512$/,
  ],
  [
    'of 8,193 items',
    changed('state-full', { upsert: Array.from({ length: 8193 }, (_, n) => [`k${n}`, n]) }),
    'ERR_FRAME_SCHEMA',
    /^state\.upsert: expected a list of at most 8192$/,
  ],
  [
    'of 65 capabilities',
    changed('hello', { capabilities: Array.from({ length: 65 }, () => 'x') }),
    'ERR_FRAME_SCHEMA',
    /^hello\.capabilities: expected a list of at most 64$/,
  ],
  ['without its members', json('{"type":"hello"}'), 'ERR_FRAME_SCHEMA', /^hello\.protocol: /],
  [
    'hello whose spool has no numbers',
    changed('hello', { spool: {} }),
    'ERR_FRAME_SCHEMA',
    /^hello\.spool\.epoch: /,
  ],
  [
    'hello with a hash that is none',
    changed('hello', { rootHash: 'sha256:0' }),
    'ERR_FRAME_SCHEMA',
    /^hello\.rootHash: /,
  ],
  [
    'hello with a name of 1 KiB and one',
    changed('hello', { host: { name: 'x'.repeat(1025), machineId: '', bootId: '' } }),
    'ERR_FRAME_SCHEMA',
    /^hello\.host\.name: /,
  ],
  [
    'state of an unknown section',
    changed('state-full', { section: 'secrets' }),
    'ERR_FRAME_SCHEMA',
    /^state\.section: /,
  ],
  [
    'state of a section named __proto__',
    changed('state-full', { section: '__proto__' }),
    'ERR_FRAME_SCHEMA',
    /^state\.section: /,
  ],
  [
    'state whose part is 0',
    changed('state-full', { part: 0 }),
    'ERR_FRAME_SCHEMA',
    /^state\.part: /,
  ],
  [
    'state whose part is no integer',
    changed('state-full', { part: 1.5 }),
    'ERR_FRAME_SCHEMA',
    /^state\.part: /,
  ],
  [
    'state whose items are no pairs',
    changed('state-full', { upsert: [['k']] }),
    'ERR_FRAME_SCHEMA',
    /^state\.upsert\.0/,
  ],
  [
    'state whose key is a number',
    changed('state-full', { upsert: [[1, {}]] }),
    'ERR_FRAME_SCHEMA',
    /^state\.upsert\.0\.0: /,
  ],
  [
    'state as of no time',
    changed('state-full', { asOf: 'yesterday' }),
    'ERR_FRAME_SCHEMA',
    /^state\.asOf: /,
  ],
  [
    'events that are no list',
    changed('events', { items: {} }),
    'ERR_FRAME_SCHEMA',
    /^events\.items: /,
  ],
  [
    'events without numbers',
    changed('events', { items: [{}] }),
    'ERR_FRAME_SCHEMA',
    /^events\.items\.0\.sequence: /,
  ],
  [
    'events with a number beyond counting',
    json('{"type":"events","epoch":"x","items":[{"sequence":1e300}]}'),
    'ERR_FRAME_SCHEMA',
    /sequence: /,
  ],
  [
    'heartbeat with infinite delay',
    json(
      JSON.stringify(goldenFrame('heartbeat')).replace('"loopDelayMs":4', '"loopDelayMs":1e999'),
    ),
    'ERR_FRAME_SCHEMA',
    /^heartbeat\.loopDelayMs: /,
  ],
  [
    'heartbeat with a negative count',
    changed('heartbeat', { unsent: { records: -1, oldestSeconds: 0 } }),
    'ERR_FRAME_SCHEMA',
    /^heartbeat\.unsent\.records: /,
  ],
  [
    'authenticate with a number for a token',
    changed('authenticate', { token: 1 }),
    'ERR_FRAME_SCHEMA',
    /^authenticate\.token: /,
  ],
];

for (const [name, bytes, code, message] of bad) {
  t.test(`a frame ${name} is refused`, async (t) => {
    try {
      readAgentFrame(bytes);
      t.fail('was read');
    } catch (error) {
      t.ok(error instanceof FrameError);
      t.match(error, { code, message });
      t.ok(error instanceof FrameError && error.message.length < 300, 'in few words');
    }
  });
}

t.test('what an aggregator asks of timers and windows has bounds', async (t) => {
  const limits = goldenFrame('welcome')['limits'] as object;
  const limited = (change: object): Buffer =>
    changed('welcome', { limits: { ...limits, ...change } });
  const cases: readonly (readonly [Buffer, RegExp])[] = [
    ...[0, -1, 0.049, 3601, 1e9].map((heartbeatSeconds): [Buffer, RegExp] => [
      limited({ heartbeatSeconds }),
      /^welcome\.limits\.heartbeatSeconds: /,
    ]),
    ...['frameBytes', 'inflight', 'inflightBytes'].flatMap((name) =>
      [0, -1, 1.5, 1e12].map((value): [Buffer, RegExp] => [
        limited({ [name]: value }),
        new RegExp(`^welcome\\.limits\\.${name}: `),
      ]),
    ),
    ...[-1, 86_401].flatMap((seconds): [Buffer, RegExp][] => [
      [changed('welcome', { reconnectSpreadSeconds: seconds }), /^welcome\.reconnectSpread/],
      [changed('drain', { reconnectSpreadSeconds: seconds }), /^drain\.reconnectSpread/],
      [changed('error', { retryAfterSeconds: seconds }), /^error\.retryAfterSeconds: /],
    ]),
  ];
  for (const [bytes, message] of cases) {
    t.throws(() => readAggregatorFrame(bytes), { code: 'ERR_FRAME_SCHEMA', message });
  }
  for (const heartbeatSeconds of [0.05, 3600]) {
    t.match(readAggregatorFrame(limited({ heartbeatSeconds })), { limits: { heartbeatSeconds } });
  }
});

t.test('a frame at the limits is read', async (t) => {
  t.match(readAgentFrame(json(deep(63))), { type: 'authenticate' });
  const padded = JSON.stringify({ type: 'authenticate', token: 'x' });
  const bytes = json(padded.padEnd(LIMITS.frameBytes - 1, ' '));
  t.equal(bytes.length, LIMITS.frameBytes);
  t.match(readAgentFrame(bytes), { token: 'x' });
  t.match(readAgentFrame(json('{"type":"authenticate","token":"[[[[\\"{{{{"}')), {
    token: '[[[["{{{{',
  });
});

t.test('a frame cannot reach the prototype of objects', async (t) => {
  const frame =
    '{"type":"authenticate","token":"x","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  t.notOk('polluted' in readAgentFrame(json(frame)));
  t.notOk('polluted' in {});
  const item = JSON.parse(
    '{"sequence":1,"at":"2026-11-21T00:00:00Z","monotonicMs":1,"kind":"x","class":"low","data":{"__proto__":{"polluted":1}}}',
  );
  t.notOk('polluted' in readEventItem(item).data);
});

t.test('an event is read by itself', async (t) => {
  const [event] = goldenFrame('events')['items'] as readonly Record<string, unknown>[];
  t.same(readEventItem(event), event);
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ sequence: 0 }, /^event\.sequence: /],
    [{ at: 'now' }, /^event\.at: /],
    [{ class: 'urgent' }, /^event\.class: /],
    [{ data: [] }, /^event\.data: expected an object/],
    [{ data: 'x' }, /^event\.data: /],
    [{ kind: 7 }, /^event\.kind: /],
    [{ throughSequence: -1 }, /^event\.throughSequence: /],
  ];
  for (const [change, message] of cases) {
    t.throws(() => readEventItem({ ...event, ...change }), { code: 'ERR_FRAME_SCHEMA', message });
  }
  t.throws(() => readEventItem(null), { code: 'ERR_FRAME_SCHEMA' });
});

t.test('no option of ws is undefined: that would switch a limit off', async (t) => {
  t.notOk(Object.values(WS_OPTIONS).some((value) => value === undefined));
  t.equal(WS_OPTIONS.maxPayload, LIMITS.frameBytes);
});
