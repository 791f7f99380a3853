// One piece: the protocol as the agent speaks it, frame by frame.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { NodeState } from '../../agent/node-state.ts';
import { Spool } from '../../agent/spool.ts';
import { CommandAnswers, type Verbs } from '../../agent/uplink/commands.ts';
import { Uplink } from '../../agent/uplink.ts';
import type { Json } from '../../shared/canonical.ts';
import { systemClock } from '../../shared/clock.ts';
import { CLOSE, type Welcome } from '../../shared/protocol.ts';
import { EMPTY_HASH, hashItems, type Items } from '../../shared/report.ts';
import { keptLog } from '../support/aggregator.ts';
import { FrameServer, type Peer } from '../support/frame-server.ts';

interface Rig extends AsyncDisposable {
  readonly server: FrameServer;
  readonly spool: Spool;
  readonly state: NodeState;
  readonly log: ReturnType<typeof keptLog>;
  readonly tokenFile: string;
  event(name: string): Promise<void>;
}

async function rigOf(t: Test, verbs: Verbs = {}): Promise<Rig> {
  const folder = t.testdir({ token: 'secret-1\n' });
  const tokenFile = join(folder, 'token');
  const parts = new AsyncDisposableStack();
  const server = parts.use(await FrameServer.listen());
  const spool = parts.use(await Spool.open({ folder: join(folder, 'spool'), clock: systemClock }));
  const state = new NodeState();
  const log = keptLog();
  parts.use(
    new Uplink({
      aggregator: { url: server.url, tokenFile, allowPlain: false },
      spool,
      state,
      held: new Map(),
      commands: new CommandAnswers(verbs),
      clock: systemClock,
      random: () => 0.01,
      log,
      version: '0.1.0',
      host: { name: 'node-1', machineId: 'm', bootId: 'b' },
      conditions: () => ['SpoolDegraded'],
    }),
  );
  const event = async (name: string): Promise<void> => {
    await spool.append({ kind: 'test', class: 'low', data: { name } });
  };
  return {
    server,
    spool,
    state,
    log,
    tokenFile,
    event,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function greeted(rig: Rig, change: Partial<Welcome> = {}): Promise<Peer> {
  const peer = await rig.server.peer();
  await peer.next('hello');
  peer.welcome(change);
  return peer;
}

function itemsOf(...pairs: readonly (readonly [string, Json])[]): Items {
  return new Map(pairs);
}

t.test('the agent introduces itself with what it holds', async (t) => {
  await using rig = await rigOf(t);
  rig.state.replace('host', itemsOf(['os', { id: 'rhel' }]));
  await rig.event('1');
  const peer = await rig.server.peer();
  const hello = await peer.next('hello');
  t.equal(peer.token, 'Bearer secret-1');
  t.match(hello, {
    protocol: 'nodeseal.v1',
    agent: { version: '0.1.0' },
    host: { name: 'node-1', machineId: 'm', bootId: 'b' },
    spool: { first: 1, lost: 0 },
    rootHash: rig.state.rootHash,
  });
  t.equal(hello.sections.host, hashItems(itemsOf(['os', { id: 'rhel' }])));
  t.equal(peer.socket.protocol, 'nodeseal.v1');
});

t.test('nothing but hello is sent before welcome', async (t) => {
  await using rig = await rigOf(t);
  rig.state.replace('host', itemsOf(['os', 1]));
  await rig.event('1');
  const peer = await rig.server.peer();
  await peer.next('hello');
  peer.socket.ping();
  await new Promise((resolve) => peer.socket.once('pong', resolve));
  t.same(peer.received, []);
});

t.test('state', async (t) => {
  t.test('that the aggregator does not hold is sent in full, then by delta', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('host', itemsOf(['os', 1], ['node', 2]));
    const peer = await greeted(rig);
    const full = await peer.next('state');
    t.match(full, {
      section: 'host',
      mode: 'full',
      part: 1,
      of: 1,
      upsert: [
        ['os', 1],
        ['node', 2],
      ],
      remove: [],
    });
    t.equal(full.to, rig.state.section('host').hash);
    t.equal(full.base, undefined);
    rig.state.replace('host', itemsOf(['os', 3]));
    peer.send({ type: 'stateApplied', section: 'host', to: full.to });
    const delta = await peer.next('state');
    t.match(delta, { mode: 'delta', base: full.to, upsert: [['os', 3]], remove: ['node'] });
    t.equal(delta.to, rig.state.section('host').hash);
  });

  t.test('of several changes under way only the newest is sent', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('host', itemsOf(['n', 0]));
    const peer = await greeted(rig);
    const first = await peer.next('state');
    for (let n = 1; n <= 20; n++) rig.state.replace('host', itemsOf(['n', n]));
    peer.send({ type: 'stateApplied', section: 'host', to: first.to });
    t.match(await peer.next('state'), { upsert: [['n', 20]] });
    t.same(peer.received, []);
  });

  t.test('that the aggregator asks for is sent in full', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('host', itemsOf(['n', 0]));
    const peer = await greeted(rig);
    const first = await peer.next('state');
    peer.send({ type: 'stateApplied', section: 'host', to: first.to });
    peer.send({ type: 'stateNeeded', section: 'host', why: 'rootMismatch' });
    t.match(await peer.next('state'), { mode: 'full', upsert: [['n', 0]] });
  });

  t.test('that the aggregator holds is not sent again', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('host', itemsOf(['n', 0]));
    rig.state.replace('trust', itemsOf(['policy', 0]));
    const sections = { host: rig.state.section('host').hash };
    const peer = await greeted(rig, { have: { epoch: '', sequence: 0, sections } });
    t.match(await peer.next('state'), { section: 'trust' });
    t.same(peer.received, []);
  });

  t.test('is brought on by delta after a reconnect too', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('host', itemsOf(['a', 1], ['b', 1]));
    const first = await greeted(rig);
    const { to } = await first.next('state');
    first.send({ type: 'stateApplied', section: 'host', to });
    first.send({ type: 'drain', why: 'restart', reconnectSpreadSeconds: 0 });
    first.socket.close(CLOSE.restart);
    await first.closed;
    rig.state.replace('host', itemsOf(['a', 1], ['b', 2]));
    const peer = await greeted(rig, { have: { epoch: '', sequence: 0, sections: { host: to } } });
    t.match(await peer.next('state'), { mode: 'delta', base: to, upsert: [['b', 2]] });
  });

  t.test('that went empty is brought to empty', async (t) => {
    await using rig = await rigOf(t);
    const have = { epoch: '', sequence: 0, sections: { images: hashItems(itemsOf(['gone', 1])) } };
    const peer = await greeted(rig, { have });
    t.match(await peer.next('state'), {
      section: 'images',
      mode: 'full',
      upsert: [],
      to: EMPTY_HASH,
    });
  });

  t.test('longer than a frame comes in parts', async (t) => {
    await using rig = await rigOf(t);
    const noise = (n: number): string => `${n}${'0123456789'.repeat(1000)}`;
    const items = Array.from({ length: 300 }, (_, n): [string, Json] => [`key ${n}`, noise(n)]);
    rig.state.replace('images', itemsOf(...items));
    const peer = await greeted(rig);
    const parts = [await peer.next('state')];
    while (parts.length < (parts[0]?.of ?? 0)) parts.push(await peer.next('state'));
    t.ok(parts.length >= 4, `${parts.length} parts`);
    t.same(
      parts.map(({ part }) => part),
      parts.map((_, index) => index + 1),
    );
    const whole = itemsOf(...parts.flatMap(({ upsert }) => upsert));
    t.equal(hashItems(whole), parts[0]?.to);
  });

  t.test('of more items than a frame may hold comes in parts', async (t) => {
    await using rig = await rigOf(t);
    const items = Array.from({ length: 20_000 }, (_, n): [string, Json] => [`key ${n}`, n]);
    rig.state.replace('images', itemsOf(...items));
    const peer = await greeted(rig);
    const parts = [await peer.next('state'), await peer.next('state'), await peer.next('state')];
    t.same(
      parts.map(({ upsert }) => upsert.length),
      [8192, 8192, 3616],
    );
    t.equal(hashItems(itemsOf(...parts.flatMap(({ upsert }) => upsert))), parts[0]?.to);
  });

  t.test('with an item longer than a frame says so instead', async (t) => {
    await using rig = await rigOf(t);
    rig.state.replace('images', itemsOf(['huge', 'x'.repeat(2_000_000)]));
    const peer = await greeted(rig);
    t.match((await peer.next('state')).upsert, [['huge', { tooLarge: true, bytes: 2_000_002 }]]);
  });
});

t.test('events', async (t) => {
  const names = (peer: Peer): Promise<readonly unknown[]> =>
    peer.next('events').then(({ items }) => items.map(({ data }) => data['name']));

  t.test('are sent when they come, after those that were waiting', async (t) => {
    await using rig = await rigOf(t);
    await rig.event('1');
    const peer = await greeted(rig);
    t.same(await names(peer), ['1']);
    await rig.event('2');
    t.same(await names(peer), ['2']);
  });

  t.test('are taken from the spool when they are acknowledged', async (t) => {
    await using rig = await rigOf(t);
    await rig.event('1');
    await rig.event('2');
    const peer = await greeted(rig);
    const { epoch } = await peer.next('events');
    peer.send({ type: 'ack', epoch, sequence: 1 });
    peer.send({ type: 'ack', epoch: 'another', sequence: 2 });
    while (rig.spool.state.acknowledged === 0)
      await new Promise((resolve) => setImmediate(resolve));
    t.equal(rig.spool.state.acknowledged, 1);
  });

  t.test('begin after what the aggregator holds', async (t) => {
    await using rig = await rigOf(t);
    for (const name of ['1', '2', '3']) await rig.event(name);
    const { epoch } = rig.spool.state;
    const peer = await greeted(rig, { have: { epoch, sequence: 2, sections: {} } });
    t.same(await names(peer), ['3']);
  });

  t.test('wait while the window is full', async (t) => {
    await using rig = await rigOf(t);
    for (let n = 1; n <= 10; n++) await rig.event(`${n}`);
    const limits = {
      frameBytes: 1_048_576,
      inflight: 4,
      inflightBytes: 1_048_576,
      heartbeatSeconds: 60,
    };
    const peer = await greeted(rig, { limits });
    t.same(await names(peer), ['1', '2', '3', '4']);
    peer.socket.ping();
    await new Promise((resolve) => peer.socket.once('pong', resolve));
    t.same(peer.received, []);
    const { epoch } = rig.spool.state;
    peer.send({ type: 'ack', epoch, sequence: 4 });
    t.same(await names(peer), ['5', '6', '7', '8']);
    peer.send({ type: 'ack', epoch, sequence: 10 });
    t.match(await peer.next('error'), { code: 'ackBeyondSent', message: /10, sent up to 8/ });
    t.same(await names(peer), ['9', '10'], 'what was never sent is not lost by a wrong ack');
    t.equal(rig.spool.state.acknowledged, 8);
  });

  t.test('are sent again from where the aggregator misses one', async (t) => {
    await using rig = await rigOf(t);
    for (const name of ['1', '2', '3']) await rig.event(name);
    const peer = await greeted(rig);
    t.same(await names(peer), ['1', '2', '3']);
    const { epoch } = rig.spool.state;
    peer.send({ type: 'error', code: 'gap', message: 'expected 2', keepIdentity: true });
    peer.send({ type: 'ack', epoch, sequence: 1 });
    const again = [...(await names(peer))];
    while (again.at(-1) !== '3') again.push(...(await names(peer)));
    t.same(again.slice(-2), ['2', '3']);
  });

  t.test('go on after a reconnect', async (t) => {
    await using rig = await rigOf(t);
    await rig.event('1');
    const first = await greeted(rig);
    t.same(await names(first), ['1']);
    first.socket.terminate();
    await rig.event('2');
    const peer = await greeted(rig);
    t.same(await names(peer), ['1', '2'], 'with what was not acknowledged');
  });

  t.test('of a spool that is behind the aggregator get a new life', async (t) => {
    await using rig = await rigOf(t);
    await rig.event('1');
    const { epoch } = rig.spool.state;
    const first = await greeted(rig, { have: { epoch, sequence: 7, sections: {} } });
    first.welcome({ have: { epoch, sequence: 7, sections: {} } });
    const peer = await rig.server.peer();
    const hello = await peer.next('hello');
    t.match(hello.spool.epoch, /^000002-/, 'one, though it was said twice');
    peer.welcome();
    t.match(await peer.next('events'), { epoch: hello.spool.epoch, items: [{ sequence: 1 }] });
  });

  t.test('that are refused do not hold up the next', async (t) => {
    await using rig = await rigOf(t);
    await rig.event('1');
    const peer = await greeted(rig);
    const { epoch } = await peer.next('events');
    peer.send({ type: 'reject', epoch, sequence: 1, code: 'schema', retry: false });
    peer.send({ type: 'ack', epoch, sequence: 1 });
    await rig.event('2');
    t.same(await names(peer), ['2']);
    t.ok(rig.log.lines.some((line) => line.startsWith('event refused')));
  });
});

t.test('a heartbeat says how the agent is', async (t) => {
  await using rig = await rigOf(t);
  await rig.event('1');
  const limits = { frameBytes: 1, inflight: 1, inflightBytes: 1, heartbeatSeconds: 0.05 };
  const peer = await greeted(rig, { limits });
  const beat = await peer.next('heartbeat');
  t.match(beat, {
    rootHash: rig.state.rootHash,
    unsent: { records: 1, oldestSeconds: 0 },
    conditions: ['SpoolDegraded'],
  });
  t.ok(beat.rssBytes > 1e6);
  const keepAlive = setInterval(() => peer.socket.ping(), 5);
  await peer.next('heartbeat');
  clearInterval(keepAlive);
  t.equal(await peer.closed, 1006, 'and a peer that says nothing is given up');
});

t.test('a token that was rotated is handed over, and used at the next connection', async (t) => {
  await using rig = await rigOf(t);
  const limits = { frameBytes: 1, inflight: 1, inflightBytes: 1, heartbeatSeconds: 0.05 };
  const first = await greeted(rig, { limits });
  writeFileSync(rig.tokenFile, 'secret-2\n');
  t.equal((await first.next('authenticate')).token, 'secret-2');
  first.socket.terminate();
  t.equal((await rig.server.peer()).token, 'Bearer secret-2');
});

t.test('commands', async (t) => {
  const command = { type: 'command', id: 'c1', verb: 'rescan', arguments: {} } as const;
  const later = (): number => Date.now() + 60_000;

  t.test('are answered, and the same answer is given again', async (t) => {
    let runs = 0;
    await using rig = await rigOf(t, { rescan: async () => [{ run: ++runs }] });
    const peer = await greeted(rig);
    for (let n = 0; n < 3; n++) {
      peer.send({ ...command, deadlineMs: later() });
      t.match(await peer.next('result'), { id: 'c1', part: 1, of: 1, ok: true, data: { run: 1 } });
    }
    peer.send({ ...command, id: 'c2', deadlineMs: later() });
    t.match(await peer.next('result'), { id: 'c2', data: { run: 2 } });
  });

  t.test('that are not known are refused', async (t) => {
    await using rig = await rigOf(t, { rescan: async () => [null] });
    const peer = await greeted(rig);
    for (const verb of ['evaluatePolicy', 'exec', '__proto__', 'constructor', '']) {
      peer.send({ ...command, id: verb, verb, deadlineMs: later() });
      t.match(await peer.next('result'), { id: verb, ok: false, error: 'unsupported' });
    }
  });

  t.test('are answered in parts, and a long answer is made anew for who asks again', async (t) => {
    let runs = 0;
    await using rig = await rigOf(t, { list: async () => [++runs, 'b', null] });
    const peer = await greeted(rig);
    for (const run of [1, 2]) {
      peer.send({ ...command, id: 'long', verb: 'list', deadlineMs: later() });
      for (const [part, data] of [
        [1, run],
        [2, 'b'],
        [3, null],
      ] as const) {
        t.match(await peer.next('result'), { id: 'long', part, of: 3, ok: true, data });
      }
    }
  });

  t.test('with much to say are answered anew, too: nothing long is kept', async (t) => {
    let runs = 0;
    const text = 'x'.repeat(20_000);
    await using rig = await rigOf(t, { list: async () => [{ run: ++runs, text }] });
    const peer = await greeted(rig);
    for (const run of [1, 2]) {
      peer.send({ ...command, id: 'much', verb: 'list', deadlineMs: later() });
      t.match(await peer.next('result'), { id: 'much', part: 1, of: 1, data: { run } });
    }
  });

  t.test('with too many parts or none are refused', async (t) => {
    await using rig = await rigOf(t, {
      many: async () => new Array(65).fill(0),
      none: async () => [],
    });
    const peer = await greeted(rig);
    peer.send({ ...command, id: 'm', verb: 'many', deadlineMs: later() });
    t.match(await peer.next('result'), { id: 'm', ok: false, error: 'an answer of 65 parts' });
    peer.send({ ...command, id: 'n', verb: 'none', deadlineMs: later() });
    t.match(await peer.next('result'), { id: 'n', ok: false, error: 'an answer of 0 parts' });
  });

  t.test('are named among the capabilities', async (t) => {
    await using rig = await rigOf(t, { list: async () => [], rescan: async () => [null] });
    const peer = await rig.server.peer();
    const { capabilities } = await peer.next('hello');
    t.same(capabilities, ['state.delta', 'codec.gzip', 'command.list', 'command.rescan']);
  });

  t.test('that fail or come too late say so', async (t) => {
    let ended: AbortSignal | undefined;
    await using rig = await rigOf(t, {
      fails: () => Promise.reject(new Error('no')),
      never: (_, signal) => {
        ended = signal;
        return new Promise(() => {});
      },
    });
    const peer = await greeted(rig);
    peer.send({ ...command, id: '1', verb: 'fails', deadlineMs: later() });
    t.match(await peer.next('result'), { id: '1', ok: false, error: 'no' });
    peer.send({ ...command, id: '2', verb: 'never', deadlineMs: Date.now() - 1000 });
    t.match(await peer.next('result'), { id: '2', ok: false, error: 'deadline' });
    peer.send({ ...command, id: '3', verb: 'never', deadlineMs: Date.now() + 30 });
    t.match(await peer.next('result'), { id: '3', ok: false, error: 'deadline' });
    t.match(ended, { aborted: true, reason: { message: 'deadline' } });
  });
});

t.test('a frame that cannot be read is answered, and the connection goes on', async (t) => {
  await using rig = await rigOf(t);
  const peer = await greeted(rig);
  const cases: readonly (readonly [Buffer | string, string])[] = [
    [Buffer.alloc(0), 'ERR_FRAME_CODEC'],
    ['text', 'ERR_FRAME_CODEC'],
    [Buffer.from('\0{"type":"reboot"}'), 'unsupported'],
    [Buffer.from('\0{"type":"ack"}'), 'ERR_FRAME_SCHEMA'],
    [Buffer.from('\0{'), 'ERR_FRAME_SYNTAX'],
  ];
  for (const [bytes, code] of cases) {
    peer.socket.send(bytes);
    t.match(await peer.next('error'), { code, keepIdentity: true });
  }
  await rig.event('1');
  await peer.next('events');
});

t.test('whatever ends a connection, the agent comes back', async (t) => {
  for (const code of [1000, 1001, ...Object.values(CLOSE)]) {
    await using rig = await rigOf(t);
    const peer = await greeted(rig);
    peer.socket.close(code);
    await (await rig.server.peer()).next('hello');
    t.pass(`closed with ${code}`);
  }
});

t.test('I13 a storm passes: whoever is refused again and again comes back', async (t) => {
  await using rig = await rigOf(t);
  const peer = await greeted(rig);
  const busy = 'HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n';
  rig.server.refusals.push(...Array.from({ length: 30 }, () => busy));
  peer.socket.close(CLOSE.restart);
  await (await rig.server.peer()).next('hello');
  t.same(rig.server.refusals, []);
});

t.test('an upgrade that is refused is tried again, and the reason logged', async (t) => {
  const problem = JSON.stringify({ detail: 'no such credential', code: 'credential' });
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${problem.length}\r\n\r\n${problem}`,
      /HTTP 401: no such credential/,
    ],
    ['HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n', /HTTP 503"/],
    [`HTTP/1.1 502 Bad\r\nContent-Length: 100000\r\n\r\n${'<'.repeat(100_000)}`, /HTTP 502"/],
    [
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      /Sec-WebSocket-Accept/,
    ],
    ['not HTTP at all', /Parse Error|Expected HTTP/],
  ];
  for (const [answer, why] of cases) {
    await using server = await FrameServer.listen();
    server.refusals.push(answer);
    const folder = t.testdir({ token: 'secret\n' });
    const log = keptLog();
    await using spool = await Spool.open({ folder: join(folder, 'spool'), clock: systemClock });
    await using _uplink = new Uplink({
      aggregator: { url: server.url, tokenFile: join(folder, 'token'), allowPlain: false },
      spool,
      state: new NodeState(),
      held: new Map(),
      commands: new CommandAnswers({}),
      clock: systemClock,
      random: () => 0.001,
      log,
      version: '0.1.0',
      host: { name: 'n', machineId: '', bootId: '' },
      conditions: () => [],
    });
    await (await server.peer()).next('hello');
    t.match(log.lines.join('\n'), why);
    t.notMatch(log.lines.join('\n'), /secret/, 'never the token');
  }
});

t.test('a token file that is absent, empty or not a token is looked at again', async (t) => {
  const folder = t.testdir({});
  const tokenFile = join(folder, 'token');
  await using server = await FrameServer.listen();
  const log = keptLog();
  await using spool = await Spool.open({ folder: join(folder, 'spool'), clock: systemClock });
  await using _uplink = new Uplink({
    aggregator: { url: server.url, tokenFile, allowPlain: false },
    spool,
    state: new NodeState(),
    held: new Map(),
    commands: new CommandAnswers({}),
    clock: systemClock,
    random: () => 0.001,
    log,
    version: '0.1.0',
    host: { name: 'n', machineId: '', bootId: '' },
    conditions: () => [],
  });
  while (log.lines.length < 1) await new Promise((resolve) => setImmediate(resolve));
  t.match(log.lines[0], /ENOENT/);
  writeFileSync(tokenFile, 'right\n');
  t.equal((await server.peer()).token, 'Bearer right');
});
