import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { PROTOCOL } from '../../shared/protocol.ts';
import { AgentClient, event, helloFrame } from '../support/agent-client.ts';
import { until } from '../support/link-node.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(120_000);

/** Above what all of these at once make of an aggregator that has just started: about 130 MiB. */
const BOUND_MIB = 256;
/**
 * What it may hold in its heap: without a limit a busy machine collects garbage late, and what is measured is that. Who
 * holds more ends with an error.
 */
const environment = { NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=8' };
/** As by default, but for the time that this test waits. */
const limits = { heartbeatSeconds: 2, silentSeconds: 6, helloSeconds: 3 };

interface Target {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  /** Of a person. */
  readonly admin: string;
}

/** What somebody does to the server, who has the credential of a node or none; resolves when the server has ended it. */
type Attack = (target: Target) => Promise<void>;

const frame = (codec: number, body: string | Buffer): Buffer =>
  Buffer.concat([Buffer.of(codec), Buffer.from(body)]);

/** Sends until the server does not take it any more, as fast as it goes out. */
async function flood(agent: AgentClient, send: () => void): Promise<void> {
  const { socket } = agent;
  while (socket.readyState === socket.OPEN) {
    for (let n = 0; n < 100; n++) send();
    await new Promise((resolve) => setImmediate(resolve));
    await until(() => socket.bufferedAmount < 1_000_000 || socket.readyState !== socket.OPEN, 1);
  }
}

function raw(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  socket.resume();
  return socket;
}

/** However it comes about: a reset is an end as well. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

const head = ({ token }: Target): string =>
  [
    'GET /v1/agent HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    `Sec-WebSocket-Protocol: ${PROTOCOL}`,
    `Authorization: Bearer ${token}`,
    '',
  ].join('\r\n');

/** So many sockets that say `text` and then a byte a second; resolves when the server has ended them all. */
async function trickle(port: number, count: number, text: string): Promise<void> {
  const sockets = Array.from({ length: count }, () => raw(port, text));
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('x');
  }, 1000);
  await Promise.all(sockets.map(closeOf));
  clearInterval(timer);
}

async function untilRefused({ url, token }: Target, bytes: Buffer, code: number): Promise<void> {
  const agent = await AgentClient.connect(url, token);
  for (let n = 0; n < 20; n++) agent.socket.send(bytes, () => {});
  const closed = await agent.closed;
  if (closed !== code) throw new Error(`closed with ${closed}, expected ${code}`);
}

/** Each one that acts as a node has a credential of its own: of one node the newest connection alone stays. */
const attacks: readonly (readonly [name: string, attack: Attack])[] = [
  [
    'an agent that asks and never reads',
    async ({ url, token }) => {
      const epoch = 'e'.repeat(256);
      const spool = { epoch, first: 1, next: 2, bytes: 0, lost: 0 };
      const agent = await AgentClient.connect(url, token, { spool });
      agent.events([1], epoch);
      await agent.next('ack');
      agent.socket.pause();
      await flood(agent, () => agent.events([1], epoch));
    },
  ],
  [
    'an agent that pings and never reads',
    async ({ url, token }) => {
      const agent = await AgentClient.connect(url, token);
      agent.socket.pause();
      const payload = Buffer.alloc(125);
      await flood(agent, () => agent.socket.ping(payload, true, () => {}));
    },
  ],
  [
    'a person who watches and never reads',
    async ({ url, port, token, admin }) => {
      const watcher = raw(
        port,
        `GET /v1/watch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${admin}\r\n\r\n`,
      );
      await once(watcher, 'data');
      watcher.pause();
      const ended = closeOf(watcher);
      const agent = await AgentClient.connect(url, token);
      const fill = 'x'.repeat(100_000);
      for (let sequence = 1; !watcher.destroyed; sequence++) {
        agent.send({
          type: 'events',
          epoch: 'epoch-1',
          items: [event(sequence, { data: { fill: fill + sequence } })],
        });
        await agent.next('ack', (ack) => ack.sequence >= sequence);
        // Who does not read learns of the end by what cannot be sent to it.
        watcher.write(' ');
      }
      await ended;
      agent.socket.terminate();
    },
  ],
  ['headers that never end', ({ port }) => trickle(port, 200, 'GET / HTTP/1.1\r\nX-Slow: ')],
  ['upgrades that never end', (target) => trickle(target.port, 200, head(target))],
  ['sockets that say nothing', ({ port }) => trickleNothing(port, 2000)],
  ['upgrades without hello', (target) => trickle(target.port, 60, `${head(target)}\r\n`)],
  [
    'a frame that never ends',
    async ({ url, token }) => {
      const agent = await AgentClient.connect(url, token);
      const socket = await tcpOf(agent);
      // RFC 6455 §5.2: binary, masked, 1 MiB to come.
      socket.write(Buffer.from('82ff000000000010000000000000', 'hex'));
      const timer = setInterval(() => socket.writable && socket.write(Buffer.alloc(1000)), 100);
      await agent.closed;
      clearInterval(timer);
    },
  ],
  [
    '400,000 fragments',
    async ({ url, token }) => {
      const agent = await AgentClient.connect(url, token);
      let sent = 0;
      await flood(agent, () => {
        if (sent++ < 400_000) agent.socket.send(Buffer.of(0), { fin: false }, () => {});
      });
      if ((await agent.closed) !== 1008) throw new Error('closed for another reason');
    },
  ],
  ['gzip bombs', (target) => untilRefused(target, frame(1, bomb), 1008)],
  ['half a million events in a frame', (target) => untilRefused(target, frame(1, crowd), 1008)],
  ['1 MiB and a byte', (target) => untilRefused(target, Buffer.alloc(1_048_577), 1009)],
  ['JSON 100,000 deep', (target) => untilRefused(target, frame(0, '['.repeat(100_000)), 1008)],
  ['8 KiB of headers', ({ port }) => trickle(port, 50, `GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`)],
];

const crowd = gzipSync(
  JSON.stringify({
    ...{ type: 'events', epoch: 'epoch-1' },
    items: Array.from({ length: 390_000 }, (_, n) => ({ sequence: n + 1 })),
  }),
);
const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 });

async function trickleNothing(port: number, count: number): Promise<void> {
  const sockets = Array.from({ length: count }, () => raw(port, ''));
  await Promise.all(sockets.map(closeOf));
}

/** The socket below a WebSocket of ours. */
async function tcpOf(agent: AgentClient): Promise<Socket> {
  const { _socket: socket } = agent.socket as unknown as { _socket: Socket }; // ws shows it nowhere else
  return socket;
}

/** The most memory the process ever held, MiB: proc_pid_status(5). */
function peakMib(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

t.test('I8 memory is bounded', async (t) => {
  const folder = t.testdir({});
  const aggregator = await AggregatorProcess.start(folder, { limits }, environment);
  await using _stop = { [Symbol.asyncDispose]: () => aggregator.program.kill('SIGTERM') };
  const { url, program } = aggregator;
  const port = Number(new URL(url).port);
  const pid = program.child.pid;
  const good = await AgentClient.connect(url, aggregator.agentToken);
  const before = peakMib(pid);
  const tokens = await Promise.all(attacks.map((_, n) => aggregator.tokenOf(`attacker-${n}`)));
  const beating = setInterval(() => good.send({ ...beat, wallMs: Date.now() }), 1000);
  t.teardown(() => {
    clearInterval(beating);
    good.socket.terminate();
  });
  const peaks: string[] = [];
  await Promise.all(
    attacks.map(async ([name, attack], n) => {
      try {
        await attack({ url, port, token: tokens[n] ?? '', admin: aggregator.adminToken });
      } catch (cause) {
        throw new Error(name, { cause });
      }
      peaks.push(`${name}: ended, peak so far ${Math.round(peakMib(pid) - before)} MiB more`);
    }),
  );
  for (const line of peaks) t.comment(line);
  t.equal(peaks.length, attacks.length, 'the server has ended every one of them');
  const more = peakMib(pid) - before;
  t.ok(more < BOUND_MIB, `${Math.round(more)} MiB more than the ${Math.round(before)} before`);
  good.events([1]);
  t.match(await good.next('ack'), { sequence: 1 }, 'and an agent beside them was not disturbed');
});

const beat = {
  type: 'heartbeat',
  rootHash: helloFrame().rootHash,
  unsent: { records: 0, oldestSeconds: 0 },
  rssBytes: 1,
  loopDelayMs: 1,
} as const;
