/**
 * Exports of a large fleet from a real aggregator, each beside the same findings read as lists, page by page. Prints per
 * format seconds, MB, seconds over those of the lists, how much memory the aggregator took above rest at most, and the
 * longest time its loop stood still.
 *
 *   node bench/exports.ts [--nodes 5000] [--rules 120] [--failing 0.05]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { configSchema } from '../aggregator/config.ts';
import { startAggregator } from '../aggregator/daemon.ts';
import { parseConfig } from '../shared/config.ts';
import { EXPORT_FORMATS } from '../shared/exports/index.ts';
import { createLogger } from '../shared/log.ts';
import { counted, tell } from './figure.ts';
import { fill } from './filled-store.ts';

const SAMPLE_MS = 20;

interface Target {
  readonly url: string;
  readonly admin: string;
}
/** What the aggregator's process saw since it was asked last. */
interface Strain {
  readonly peakRss: number;
  readonly stillMs: number;
}
interface Run extends Strain {
  readonly seconds: number;
  readonly bytes: number;
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '5000' },
      rules: { type: 'string', default: '120' },
      failing: { type: 'string', default: '0.05' },
    },
  });
  const [nodes, rules] = [Number(values.nodes), Number(values.rules)];
  const stateDir = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  await fill(stateDir, nodes, rules, Number(values.failing));
  const server = fork(import.meta.filename, ['serve', stateDir]);
  const [target] = (await once(server, 'message')) as [Target];
  const { peakRss: atRest } = await strain(server);
  const runs = new Map<string, Run>();
  for (const { id } of EXPORT_FORMATS) {
    runs.set(id, await timed(server, async () => await read(target, `/v1/exports/${id}`)));
  }
  const lists = await timed(server, async () => await readLists(target));
  server.send('stop');
  await once(server, 'exit');
  await rm(stateDir, { recursive: true });
  for (const [id, run] of runs) {
    const at = `${id}, ${counted(nodes * rules, 'findings')}`;
    tell(
      ...[
        {
          id: 'exports.time',
          at,
          ours: run.seconds,
          bare: lists.seconds,
          ratio: ratio(run, lists),
        },
      ],
      { id: 'exports.memory', at, ours: (run.peakRss - atRest) / 1e6 },
      { id: 'exports.still', at, ours: run.stillMs },
    );
  }
  const formats = Object.fromEntries(
    [...runs].map(([id, run]) => [id, { ...shown(run, atRest), ratio: ratio(run, lists) }]),
  );
  const report = { nodes, rules, lists: shown(lists, atRest), ...formats };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

function shown({ seconds, bytes, peakRss, stillMs }: Run, atRest: number): object {
  return {
    seconds: Number(seconds.toFixed(1)),
    mb: Math.round(bytes / 1e6),
    memoryMb: Math.round((peakRss - atRest) / 1e6),
    stillMs: Math.round(stillMs),
  };
}

function ratio(run: Run, lists: Run): number {
  return Number((run.seconds / lists.seconds).toFixed(2));
}

async function timed(server: ChildProcess, ask: () => Promise<number>): Promise<Run> {
  await strain(server);
  const startedMs = performance.now();
  const bytes = await ask();
  const seconds = (performance.now() - startedMs) / 1000;
  return { seconds, bytes, ...(await strain(server)) };
}

async function strain(server: ChildProcess): Promise<Strain> {
  server.send('strain');
  const [seen] = (await once(server, 'message')) as [Strain];
  return seen;
}

/** Bytes of an answer, which is thrown away. */
async function read({ url, admin }: Target, path: string): Promise<number> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${admin}` } });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
  let bytes = 0;
  for await (const chunk of answer.body ?? []) bytes += chunk.length;
  return bytes;
}

async function readLists({ url, admin }: Target): Promise<number> {
  let bytes = 0;
  for (let next: string | undefined = ''; next !== undefined; ) {
    const path = `/v1/findings?limit=5000${next === '' ? '' : `&continue=${next}`}`;
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${admin}` } });
    const text = await answer.text();
    bytes += text.length;
    next = (JSON.parse(text) as { continue?: string }).continue;
  }
  return bytes;
}

async function serve(stateDir: string): Promise<void> {
  const log = createLogger({ program: 'bench', level: 'error', fd: 2 });
  const defaults = parseConfig('', 'bench', configSchema);
  const listen = { ...defaults.listen, port: 0 };
  const aggregator = await startAggregator({ ...defaults, listen, stateDir }, { log });
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let peakRss = 0;
  const sample = (): void => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  };
  const timer = setInterval(sample, SAMPLE_MS);
  const admin = (await readFile(aggregator.tokenFiles.admin, 'utf8')).trim();
  process.send?.({ url: aggregator.url, admin });
  for (let message: unknown; message !== 'stop'; ) {
    [message] = await once(process, 'message');
    sample();
    process.send?.({ peakRss, stillMs: delay.max / 1e6 });
    peakRss = 0;
    delay.reset();
  }
  clearInterval(timer);
  await aggregator[Symbol.asyncDispose]();
  process.exit();
}

const [role, folder = ''] = process.argv.slice(2);
if (role === 'serve') await serve(folder);
else await measure();
