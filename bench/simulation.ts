/**
 * A candidate policy before a fleet: agents with real spools and links and simulated images, one aggregator process, asked
 * over HTTP as the command line does. Beside it the same answers as JSON over bare WebSockets, from one process to another.
 * Prints seconds (medians of the runs), how many times progress was told, sizes, and the ratio.
 *
 *   node bench/simulation.ts [--nodes 1000] [--images 80] [--runs 5]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WebSocket, WebSocketServer } from 'ws';
import { WS_OPTIONS } from '../shared/protocol.ts';
import { makeTokens } from '../test/fleet/fleet.ts';
import { quantileBetween, scrape } from '../test/fleet/metrics.ts';
import { imagesOf, judgeOf } from '../test/fleet/simulated-images.ts';
import type { Order, Status } from '../test/fleet/worker.ts';
import { AggregatorProcess } from '../test/support/processes.ts';
import { counted, median, round, tell } from './figure.ts';

const CANDIDATE = { policy: '{"default": [{"type": "reject"}]}' } as const;
const LOOK_MS = 250;

interface Run {
  readonly seconds: number;
  /** Until the first progress, and how many times it was told. */
  readonly firstSeconds: number;
  readonly told: number;
  readonly resultBytes: number;
  readonly loopDelayP99Ms: number;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1000' },
      images: { type: 'string', default: '80' },
      runs: { type: 'string', default: '5' },
    },
  });
  const [nodes, images, runs] = [Number(values.nodes), Number(values.images), Number(values.runs)];
  const folder = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  const server = join(folder, 'aggregator');
  const tokens = await makeTokens(join(server, 'state'), nodes);
  const aggregator = await AggregatorProcess.start(server, {
    // All agents have one address here.
    limits: { handshakesPerSource: 512 },
  });
  const worker = fork(join(import.meta.dirname, '../test/fleet/worker.ts'));
  const bare = fork(import.meta.filename, ['bare', String(images)]);
  try {
    await startFleet(worker, {
      ...{ order: 'start', from: 0, count: nodes, seed: 1, tokens, images, rate: 150 },
      // None changes while it is measured.
      ...{ url: aggregator.url, folder: join(folder, 'agents'), everyMs: 3_600_000 },
    });
    const bareFleet = await BareFleet.connect(bare, nodes);
    const rssBeforeMiB = await rssMiB(aggregator);
    const [simulated, bareSeconds]: [Run[], number[]] = [[], []];
    for (let run = 0; run < runs; run++) {
      bareSeconds.push(await bareFleet.ask());
      simulated.push(await simulate(aggregator, nodes));
    }
    const of = (member: keyof Run): number => median(simulated.map((run) => run[member]));
    const report = {
      nodes,
      images,
      seconds: simulated.map(({ seconds }) => round(seconds)),
      bareSeconds: bareSeconds.map(round),
      median: round(of('seconds')),
      bareMedian: round(median(bareSeconds)),
      ratio: round(median(simulated.map(({ seconds }, n) => seconds / (bareSeconds[n] ?? 0)))),
      firstProgressSeconds: round(of('firstSeconds')),
      progressTold: of('told'),
      answerBytes: bareFleet.answerBytes,
      resultBytes: of('resultBytes'),
      loopDelayP99Ms: round(of('loopDelayP99Ms')),
      rssBeforeMiB,
      rssMiB: await rssMiB(aggregator),
    };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    const at = `${counted(nodes, 'nodes')}, ${images} images`;
    tell(
      {
        ...{ id: 'simulation.time', at, ours: of('seconds'), bare: median(bareSeconds) },
        ratio: report.ratio,
      },
      { id: 'simulation.progress', at, ours: of('firstSeconds') },
      { id: 'simulation.loop', at, ours: of('loopDelayP99Ms') },
      { id: 'simulation.memory', at, ours: report.rssMiB, bare: rssBeforeMiB },
    );
  } finally {
    bare.kill('SIGKILL');
    worker.kill('SIGKILL');
    await aggregator.program.kill('SIGKILL');
    await rm(folder, { recursive: true });
  }
}

/** Resolves when every agent is connected and the aggregator has what it holds. */
async function startFleet(worker: ChildProcess, start: Order & { count: number }): Promise<void> {
  worker.send(start);
  for (;;) {
    const answer = once(worker, 'message') as Promise<[Status]>;
    worker.send({ order: 'look' });
    const [{ started, connected, settled }] = await answer;
    if (process.stderr.isTTY) process.stderr.write(`\r${connected} connected, ${settled} settled `);
    if (started === start.count && settled === start.count) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** From the request to the whole result, as a caller sees it. */
async function simulate({ url, adminToken }: AggregatorProcess, nodes: number): Promise<Run> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const before = await scrape(url, adminToken);
  const startMs = performance.now();
  const since = (): number => (performance.now() - startMs) / 1000;
  const begun = await fetch(`${url}/v1/simulations`, {
    ...{ method: 'POST', headers },
    body: JSON.stringify({ candidate: CANDIDATE }),
  });
  const { simulation } = (await begun.json()) as { simulation: { id: string } };
  const watch = await fetch(`${url}/v1/simulations/${simulation.id}/watch`, { headers });
  let [firstSeconds, told] = [0, 0];
  for await (const chunk of watch.body ?? []) {
    if (told === 0) firstSeconds = since();
    told += Buffer.from(chunk).toString().split('data: ').length - 1;
  }
  const answer = await fetch(`${url}/v1/simulations/${simulation.id}`, { headers });
  const text = await answer.text();
  const seconds = since();
  const { result } = JSON.parse(text) as { result: { nodes: { source: string }[] } };
  const live = result.nodes.filter(({ source }) => source === 'live').length;
  if (live !== nodes) throw new Error(`${live} of ${nodes} answered`);
  const after = await scrape(url, adminToken);
  const p99 = quantileBetween(before, after, 'nodeseal_loop_delay_seconds', 0.99);
  return { seconds, firstSeconds, told, resultBytes: text.length, loopDelayP99Ms: p99 * 1000 };
}

async function rssMiB({ url, adminToken }: AggregatorProcess): Promise<number> {
  const values = await scrape(url, adminToken);
  return Math.round((values.get('process_resident_memory_bytes') ?? 0) / 2 ** 20);
}

/** As many sockets from a process of their own, which answer with the same JSON. */
class BareFleet {
  readonly answerBytes: number;
  readonly #sockets: readonly WebSocket[];

  private constructor(sockets: readonly WebSocket[], answerBytes: number) {
    this.#sockets = sockets;
    this.answerBytes = answerBytes;
  }

  static async connect(child: ChildProcess, nodes: number): Promise<BareFleet> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...WS_OPTIONS });
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const sockets: WebSocket[] = [];
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        sockets.push(socket);
        if (sockets.length === nodes) resolve();
      });
    });
    child.send({ port, nodes });
    const [bytes] = (await once(child, 'message')) as [number];
    await all;
    server.close();
    return new BareFleet(sockets, bytes);
  }

  /** Seconds until every answer is parsed. */
  async ask(): Promise<number> {
    const question = JSON.stringify({ verb: 'evaluatePolicy', arguments: CANDIDATE });
    const startMs = performance.now();
    await Promise.all(
      this.#sockets.map(async (socket) => {
        socket.send(question);
        const [answer] = (await once(socket, 'message')) as [Buffer];
        JSON.parse(answer.toString());
      }),
    );
    return (performance.now() - startMs) / 1000;
  }
}

/** The other end of it: parses what it is asked, and writes the answer anew for each. */
async function answerBare(images: number): Promise<void> {
  const command = {
    type: 'command',
    id: '',
    verb: '',
    arguments: CANDIDATE,
    deadlineMs: 0,
  } as const;
  const parts = await judgeOf(imagesOf(images))?.(command, new AbortController().signal);
  const [{ port, nodes }] = (await once(process, 'message')) as [{ port: number; nodes: number }];
  for (let node = 0; node < nodes; node++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, WS_OPTIONS);
    await once(socket, 'open');
    socket.on('message', (data: Buffer) => {
      JSON.parse(data.toString());
      socket.send(JSON.stringify(parts));
    });
  }
  process.send?.(JSON.stringify(parts).length);
}

const [role, images = ''] = process.argv.slice(2);
if (role === 'bare') await answerBare(Number(images));
else await measure();
