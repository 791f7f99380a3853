/**
 * Durable ingest of events against what the WebSocket library can do at most: the same client, the same frames and
 * answers, once against the aggregator (schema, store, fsync, then ack) and once against a bare server that parses
 * and answers. Prints events per second, medians of alternating runs, and their ratio.
 *
 *   node bench/ingest.ts [--seconds 3] [--runs 3] [--connections 10] [--bytes 600]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { configSchema } from '../aggregator/config.ts';
import { startAggregator } from '../aggregator/daemon.ts';
import { TokenAuthority } from '../aggregator/identity/tokens.ts';
import { systemClock } from '../shared/clock.ts';
import { parseConfig } from '../shared/config.ts';
import { encodeFrame, readAgentFrame, readAggregatorFrame } from '../shared/frames.ts';
import { createLogger } from '../shared/log.ts';
import { type EventItem, PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import { event, helloFrame } from '../test/support/agent-client.ts';
import { median, tell } from './figure.ts';

const BATCH = 50;
const INFLIGHT = 500;

interface Target {
  readonly url: string;
  readonly tokens: readonly string[];
}
interface Measured {
  readonly rate: number;
  /** Of all threads of the server, per event; the driver of the load has its own. */
  readonly processorUs: number;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      runs: { type: 'string', default: '3' },
      connections: { type: 'string', default: '10' },
      bytes: { type: 'string', default: '600' },
    },
  });
  const [seconds, runs, connections, bytes] = [
    Number(values.seconds),
    Number(values.runs),
    Number(values.connections),
    Number(values.bytes),
  ];
  const rates: Record<'aggregator' | 'bare', number[]> = { aggregator: [], bare: [] };
  const processor: Record<'aggregator' | 'bare', number[]> = { aggregator: [], bare: [] };
  for (let run = 0; run < runs; run++) {
    for (const kind of ['bare', 'aggregator'] as const) {
      const { rate, processorUs } = await measureOnce(kind, connections, seconds, bytes);
      rates[kind].push(rate);
      processor[kind].push(processorUs);
    }
  }
  const [bare, aggregator] = [median(rates.bare), median(rates.aggregator)];
  const report = {
    eventBytes: bytes,
    batch: BATCH,
    connections,
    bareEventsPerSecond: rates.bare,
    aggregatorEventsPerSecond: rates.aggregator,
    median: { bare, aggregator },
    ratio: Number((aggregator / bare).toFixed(3)),
    processorUsPerEvent: { bare: median(processor.bare), aggregator: median(processor.aggregator) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  tell({ id: 'ingest.durable', ours: aggregator, bare, ratio: aggregator / bare });
}

async function measureOnce(
  kind: 'aggregator' | 'bare',
  connections: number,
  seconds: number,
  bytes: number,
): Promise<Measured> {
  const server = fork(import.meta.filename, [kind, String(connections)]);
  const [target] = (await once(server, 'message')) as [Target];
  const clients = await Promise.all(
    target.tokens.map((token) => Client.connect(target.url, token, bytes)),
  );
  const startedMs = performance.now();
  for (const client of clients) client.feed();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged, 0);
  const rate = acknowledged / ((performance.now() - startedMs) / 1000);
  for (const client of clients) client.stop();
  server.send('stop');
  const [spentUs] = (await once(server, 'message')) as [number];
  await once(server, 'exit');
  return { rate: Math.round(rate), processorUs: Number((spentUs / acknowledged).toFixed(2)) };
}

/** Keeps a window of unacknowledged events open, as an agent that drains its spool. */
class Client {
  acknowledged = 0;
  #next = 1;
  readonly #socket: WebSocket;
  readonly #fill: string;

  private constructor(socket: WebSocket, bytes: number) {
    this.#socket = socket;
    this.#fill = 'x'.repeat(Math.max(0, bytes - 150));
  }

  static async connect(url: string, token: string, bytes: number): Promise<Client> {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, PROTOCOL, { ...WS_OPTIONS, headers });
    const client = new Client(socket, bytes);
    await once(socket, 'open');
    const host = { name: 'bench', machineId: token, bootId: 'b' };
    const spool = { epoch: 'bench', first: 1, next: 1, bytes: 0, lost: 0 };
    socket.send(encodeFrame(helloFrame({ host, spool })));
    await once(socket, 'message');
    socket.on('message', (data: Buffer) => {
      const frame = readAggregatorFrame(data);
      if (frame.type === 'ack') client.acknowledged = frame.sequence;
      if (frame.type === 'error') throw new Error(frame.message);
      client.feed();
    });
    return client;
  }

  feed(): void {
    while (this.#next - this.acknowledged <= INFLIGHT) {
      const items = Array.from({ length: BATCH }, (_, index) => this.#event(this.#next + index));
      // As an agent sends it, but never gzip: the client must not be what is measured.
      const json = Buffer.from(JSON.stringify({ type: 'events', epoch: 'bench', items }));
      this.#socket.send(Buffer.concat([Buffer.of(0), json]));
      this.#next += BATCH;
    }
  }

  stop(): void {
    this.#socket.removeAllListeners('message');
    this.#socket.terminate();
  }

  #event(sequence: number): EventItem {
    return event(sequence, { data: { path: '/etc/containers/policy.json', fill: this.#fill } });
  }
}

async function serveAggregator(connections: number): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(stateDir, systemClock, log);
  const names = Array.from({ length: connections }, (_, index) => `node-${index}`);
  const files = [];
  for (const name of names) files.push(await authority.ensureAgent(name, 'bench'));
  const tokens = await Promise.all(
    files.map(async (file) => (await readFile(file, 'utf8')).trim()),
  );
  const defaults = parseConfig('', 'bench', configSchema);
  const listen = { ...defaults.listen, port: 0 };
  const aggregator = await startAggregator({ ...defaults, listen, stateDir }, { log });
  process.send?.({ url: `${aggregator.url.replace('http', 'ws')}/v1/agent`, tokens });
  await tellProcessorTime();
  await aggregator[Symbol.asyncDispose]();
  await rm(stateDir, { recursive: true });
  process.exit();
}

/** What any server in this language must do at least: take the frame, parse it, answer. */
async function serveBare(connections: number): Promise<void> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...WS_OPTIONS });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const frame = readAgentFrame(data);
      if (frame.type === 'hello') {
        socket.send(encodeFrame({ type: 'ack', epoch: 'bench', sequence: 0 }));
      } else if (frame.type === 'events') {
        const sequence = frame.items.at(-1)?.sequence ?? 0;
        socket.send(encodeFrame({ type: 'ack', epoch: 'bench', sequence }));
      }
    });
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const tokens = Array.from({ length: connections }, (_, index) => String(index));
  process.send?.({ url: `ws://127.0.0.1:${port}`, tokens });
  await tellProcessorTime();
  process.exit();
}

/** From now until it is asked for, microseconds of all threads. */
async function tellProcessorTime(): Promise<void> {
  const before = process.cpuUsage();
  await once(process, 'message');
  const { user, system } = process.cpuUsage(before);
  process.send?.(user + system);
}

const [role] = process.argv.slice(2);
if (role === 'aggregator') await serveAggregator(Number(process.argv[3]));
else if (role === 'bare') await serveBare(Number(process.argv[3]));
else await measure();
