/**
 * What connected agents cost that have nothing to say: resident memory and processor time of the aggregator, and of a
 * bare server of the same WebSocket library that reads and answers the same heartbeats, with as many sockets, in turn.
 * With `--certificates` every agent shows a client certificate of its own over TLS; else the sockets are plain, as
 * behind a router that ends TLS. Needs a build.
 *
 *   npm run build && node bench/sockets.ts [--agents 10000] [--seconds 60] [--rate 300] [--certificates]
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { postJson } from '../agent/identity/ask.ts';
import { certificateRequest, makeKey } from '../agent/identity/certificate-request.ts';
import { NodeCa } from '../aggregator/identity/node-ca.ts';
import { TokenAuthority } from '../aggregator/identity/tokens.ts';
import { systemClock } from '../shared/clock.ts';
import { encodeFrame } from '../shared/frames.ts';
import { createLogger } from '../shared/log.ts';
import { LIMITS, PROTOCOL, WS_OPTIONS } from '../shared/protocol.ts';
import { hashRoot } from '../shared/report.ts';
import { tlsAuthority } from '../test/support/tls-authority.ts';
import { counted, type Figure, tell } from './figure.ts';

interface Order {
  readonly folder: string;
  readonly certificates: boolean;
}
interface Target {
  readonly url: string;
  /** One for each agent; with certificates the one join token of all; none for a bare server. */
  readonly tokens: readonly string[];
}
interface Server {
  readonly server: ChildProcess;
  readonly target: Target;
}
/** A node's key and certificate, PEM; all nodes of this run share the key, which changes nothing for a server. */
interface Credentials {
  readonly ca: string;
  readonly key: string;
  readonly certificates: readonly string[];
}
interface Figures {
  /** Before anybody connects. */
  readonly emptyMiB: number;
  readonly rssMiB: number;
  readonly processorPercent: number;
}

const { values: options } = parseArgs({
  options: {
    agents: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '300' },
    certificates: { type: 'boolean', default: false },
  },
});
const agents = Number(options.agents);
const launcher = join(import.meta.dirname, '../bin/nodeseal-aggregator');
await measure();

async function measure(): Promise<void> {
  const { certificates } = options;
  const figures: Partial<Record<'bare' | 'aggregator', Figures>> = {};
  for (const kind of ['bare', 'aggregator'] as const) {
    const folder = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
    figures[kind] = await measureOnce(kind, { folder, certificates });
    await rm(folder, { recursive: true });
  }
  const { bare, aggregator } = figures;
  const kind = certificates ? 'certificates' : 'plain';
  const figure = (name: string, member: keyof Figures): Figure => {
    const [ours = Number.NaN, limit = Number.NaN] = [aggregator?.[member], bare?.[member]];
    const at = counted(agents, 'agents');
    return { id: `sockets.${kind}.${name}`, at, ours, bare: limit };
  };
  tell(
    figure('memory', 'rssMiB'),
    figure('empty', 'emptyMiB'),
    figure('processor', 'processorPercent'),
  );
  const ratio = (aggregator?.rssMiB ?? Number.NaN) / (bare?.rssMiB ?? Number.NaN);
  const report = { agents, certificates, ...figures, memoryRatio: Number(ratio.toFixed(2)) };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

async function measureOnce(kind: 'bare' | 'aggregator', order: Order): Promise<Figures> {
  const authority = tlsAuthority();
  await writeFile(join(order.folder, 'tls.crt'), `${authority.server.cert}${authority.ca}`);
  await writeFile(join(order.folder, 'tls.key'), authority.server.key, { mode: 0o600 });
  const { server, target } = await (kind === 'bare' ? startBare(order) : startAggregator(order));
  const credentials = order.certificates ? await enrolAll(target, authority.ca, order) : undefined;
  const { rssMiB: emptyMiB } = await statOf(server);
  const sockets = new Map<WebSocket, NodeJS.Timeout>();
  await connectAll(target, credentials, sockets);
  const quiet = LIMITS.heartbeatSeconds * 1000;
  // One round of heartbeats and the garbage of the handshakes are behind before it counts.
  await delay(quiet);
  const before = statOf(server);
  await delay(Number(options.seconds) * 1000);
  const after = statOf(server);
  const [{ ticks, rssMiB }, { ticks: ticksBefore }] = [await after, await before];
  for (const [socket, beats] of sockets) {
    clearInterval(beats);
    socket.removeAllListeners();
    socket.on('error', () => {});
    socket.terminate();
  }
  // It ends by itself, so that a profile of it is written.
  const ended = once(server, 'exit');
  if (server.connected) server.disconnect();
  else server.kill('SIGTERM');
  await ended;
  // USER_HZ is 100 on every Linux that Node runs on: a tick a second is one percent.
  const processorPercent = (ticks - ticksBefore) / Number(options.seconds);
  return { emptyMiB, rssMiB, processorPercent: Number(processorPercent.toFixed(1)) };
}

async function startBare(order: Order): Promise<Server> {
  const server = fork(join(import.meta.dirname, 'bare-server.mjs'));
  server.send(order);
  const [url] = (await once(server, 'message')) as [string];
  return { server, target: { url, tokens: [] } };
}

/** The program as it is installed. */
async function startAggregator(order: Order): Promise<Server> {
  const { folder, certificates } = order;
  // Not by the program: what is left of the making of thousands must not count as its memory.
  const tokens = await makeTokens(order);
  const config = join(folder, 'aggregator.yaml');
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') };
  await writeFile(
    config,
    JSON.stringify({
      stateDir: join(folder, 'state'),
      listen: { port: 0 },
      limits: { handshakes: 100_000, handshakesPerSource: 100_000 },
      ...(certificates ? { tls } : {}),
    }),
  );
  const server = spawn(launcher, ['--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for (;;) {
    said += String((await once(server.stdout, 'data'))[0]);
    const [, url] = /"url":"http([^"]+)"/.exec(said) ?? [];
    if (url === undefined) continue;
    server.stdout.resume();
    return { server, target: { url: `ws${url}/v1/agent`, tokens } };
  }
}

async function makeTokens({ folder, certificates }: Order): Promise<readonly string[]> {
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(join(folder, 'state'), systemClock, log);
  if (certificates) {
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const wanted = {
      kind: 'join' as const,
      name: 'bench',
      pool: 'bench',
      usesLeft: agents,
      expiresAt,
    };
    return [(await authority.create(wanted)).token];
  }
  const tokens: string[] = [];
  for (let node = 0; node < agents; node++) {
    const file = await authority.ensureAgent(`node-${node}`, 'bench');
    tokens.push((await readFile(file, 'utf8')).trim());
  }
  return tokens;
}

/** By the join token over the API, as agents do; a bare server's from an authority of its own. */
async function enrolAll(target: Target, ca: string, { folder }: Order): Promise<Credentials> {
  const key = makeKey();
  const csr = certificateRequest(key);
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const authority = await NodeCa.open(join(folder, 'clients'), systemClock);
  const url = new URL('/v1/enroll', target.url.replace('wss:', 'https:'));
  const [token] = target.tokens;
  const certificates: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < agents) {
      const node = next++;
      if (token === undefined) {
        const uid = `00000000-0000-4000-8000-${String(node).padStart(12, '0')}`;
        certificates[node] = authority.issue(spki, uid, 86_400_000).pem;
      } else {
        const answer = await postJson(url, { token, name: `node-${node}`, csr }, { ca });
        if (answer.status !== 200) throw new Error(JSON.stringify(answer));
        certificates[node] = (answer.body as { readonly certificate: string }).certificate;
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return { ca, key: String(key.export({ format: 'pem', type: 'pkcs8' })), certificates };
}

async function connectAll(
  target: Target,
  credentials: Credentials | undefined,
  sockets: Map<WebSocket, NodeJS.Timeout>,
): Promise<void> {
  const everyMs = 1000 / Number(options.rate);
  const startedMs = performance.now();
  const welcomed: Promise<unknown>[] = [];
  for (let node = 0; node < agents; node++) {
    const dueMs = startedMs + node * everyMs - performance.now();
    if (dueMs > 1) await delay(dueMs);
    const tls = credentials && {
      ca: credentials.ca,
      key: credentials.key,
      cert: credentials.certificates[node],
    };
    const token = credentials === undefined ? (target.tokens[node] ?? '') : undefined;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(target.url, PROTOCOL, { ...WS_OPTIONS, ...tls, headers });
    socket.on('open', () => socket.send(hello(node)));
    socket.on('close', (code) => {
      throw new Error(`agent ${node} was closed: ${code}`);
    });
    welcomed.push(
      once(socket, 'message').then(() => {
        const beats = setInterval(() => socket.send(heartbeat()), LIMITS.heartbeatSeconds * 1000);
        sockets.set(socket, beats);
      }),
    );
  }
  await Promise.all(welcomed);
}

function hello(node: number): Buffer {
  return encodeFrame({
    type: 'hello',
    protocol: PROTOCOL,
    agent: { version: 'bench' },
    host: { name: `node-${node}`, machineId: String(node), bootId: 'b' },
    capabilities: [],
    spool: { epoch: 'bench', first: 1, next: 1, bytes: 0, lost: 0 },
    sections: {},
    rootHash: hashRoot({}),
    clock: { wallMs: Date.now(), monotonicMs: 0 },
  });
}

function heartbeat(): Buffer {
  return encodeFrame({
    type: 'heartbeat',
    rootHash: hashRoot({}),
    unsent: { records: 0, oldestSeconds: 0 },
    rssBytes: 1,
    loopDelayMs: 1,
    wallMs: Date.now(),
  });
}

async function statOf(
  child: ChildProcess,
): Promise<{ readonly ticks: number; readonly rssMiB: number }> {
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
  const rssMiB = Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
  return { ticks: Number(fields[11]) + Number(fields[12]), rssMiB };
}
