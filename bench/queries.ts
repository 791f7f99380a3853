/**
 * Questions over a large fleet, quiet and while events come in: one page of findings, one of nodes, the metrics, and the
 * bytes of the first from a bare HTTP server. Prints milliseconds as the caller sees them (p50, p99), those that the
 * server's process spends on one quiet request (all threads, whatever else the machine does), and a ratio of medians.
 *
 *   node bench/queries.ts [--nodes 5000] [--rules 120] [--failing 0.05] [--requests 300] [--events 500]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AgentClient, event } from '../test/support/agent-client.ts';
import { counted, tell } from './figure.ts';
import { fill } from './filled-store.ts';
import { AGENTS, SERVER, type Target } from './serving-fleet.ts';

const FINDINGS = '/v1/findings?limit=500';
const NODES = '/v1/nodes?limit=500';
const WARM_UP = 5;

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '5000' },
      rules: { type: 'string', default: '120' },
      failing: { type: 'string', default: '0.05' },
      requests: { type: 'string', default: '300' },
      events: { type: 'string', default: '500' },
    },
  });
  const [requests, events] = [Number(values.requests), Number(values.events)];
  const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  const startedMs = performance.now();
  await fill(stateDir, Number(values.nodes) - AGENTS, Number(values.rules), Number(values.failing));
  const fillSeconds = Math.round((performance.now() - startedMs) / 1000);
  const server = fork(SERVER, [stateDir]);
  const beganMs = performance.now();
  const [target] = (await once(server, 'message')) as [Target];
  const startSeconds = Number(((performance.now() - beganMs) / 1000).toFixed(2));
  const few = Math.ceil(requests / 3);
  const withCpu = async (path: string, count: number): Promise<Timing & { cpu: number }> => {
    const before = await cpuMs(server);
    const timing = await timed(target, path, count);
    const cpu = ((await cpuMs(server)) - before) / (count + WARM_UP);
    return { ...timing, cpu: Number(cpu.toFixed(2)) };
  };
  const quiet = await withCpu(FINDINGS, requests);
  const quietMetrics = await withCpu('/metrics', few);
  const quietNodes = await withCpu(NODES, few);
  const body = await get(target, FINDINGS);
  const load = await Load.start(target, events);
  const busy = await timed(target, FINDINGS, requests);
  const metrics = await timed(target, '/metrics', few);
  const nodes = await timed(target, NODES, few);
  const metricsText = await get(target, '/metrics');
  const acknowledged = await load.stop();
  const bare = await timedBare(body, requests);
  server.send('stop');
  await once(server, 'exit');
  await rm(stateDir, { recursive: true });
  const at = counted(Number(values.nodes), 'nodes');
  tell(
    {
      id: 'queries.findings.median',
      at,
      ours: busy.p50,
      bare: bare.p50,
      ratio: busy.p50 / bare.p50,
    },
    { id: 'queries.findings.p99', at, ours: busy.p99, bare: bare.p99 },
    { id: 'queries.metrics.p99', at, ours: metrics.p99 },
    { id: 'queries.nodes.p99', at, ours: nodes.p99 },
    { id: 'queries.events', at, ours: acknowledged },
  );
  const report = {
    nodes: Number(values.nodes),
    rules: Number(values.rules),
    fillSeconds,
    startSeconds,
    eventsPerSecond: acknowledged,
    findings: { quiet, busy, bytes: body.length },
    metrics: {
      quiet: quietMetrics,
      busy: metrics,
      bytes: metricsText.length,
      lines: metricsText.split('\n').length,
    },
    nodesPage: { quiet: quietNodes, busy: nodes },
    bare,
    ratio: Number((busy.p50 / bare.p50).toFixed(1)),
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

/** Agents that send events at a steady rate. */
class Load {
  readonly #agents: readonly AgentClient[];
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  #sequence = 0;

  private constructor(agents: readonly AgentClient[], eventsPerSecond: number) {
    this.#agents = agents;
    const each = Math.max(1, Math.round(eventsPerSecond / 50 / agents.length));
    this.#timer = setInterval(() => this.#send(each), 20);
  }

  static async start(target: Target, eventsPerSecond: number): Promise<Load> {
    const agents = await Promise.all(
      target.agents.map((token) => AgentClient.connect(target.url, token)),
    );
    return new Load(agents, eventsPerSecond);
  }

  #send(each: number): void {
    for (const agent of this.#agents) {
      const items = Array.from({ length: each }, (_, index) => event(this.#sequence + index + 1));
      agent.send({ type: 'events', epoch: 'epoch-1', items });
    }
    this.#sequence += each;
  }

  /** Events a second that were acknowledged. */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const acknowledged = this.#agents.map(({ received }) =>
      received.reduce((most, frame) => (frame.type === 'ack' ? frame.sequence : most), 0),
    );
    await Promise.all(this.#agents.map((agent) => agent.close()));
    return Math.round(acknowledged.reduce((sum, count) => sum + count, 0) / seconds);
  }
}

async function get({ url, admin }: Target, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${admin}` };
  const answer = await fetch(`${url}${path}`, { headers });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text.slice(0, 200)}`);
  return text;
}

interface Timing {
  readonly p50: number;
  readonly p99: number;
}

async function timed(target: Target, path: string, count: number): Promise<Timing> {
  for (let warm = 0; warm < WARM_UP; warm++) await get(target, path);
  const times: number[] = [];
  for (let request = 0; request < count; request++) {
    const startedMs = performance.now();
    await get(target, path);
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number =>
    Number((times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(2));
  return { p50: at(0.5), p99: at(0.99) };
}

/** Processor time of the server so far. */
async function cpuMs(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [spent] = (await once(server, 'message')) as [number];
  return spent;
}

/** What it costs to send the same bytes. */
async function timedBare(body: string, count: number): Promise<Timing> {
  const server = createServer((_request, response) => response.end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const timing = await timed(
    { url: `http://127.0.0.1:${port}`, admin: '', agents: [] },
    '/',
    count,
  );
  server.closeAllConnections();
  server.close();
  return timing;
}

await measure();
