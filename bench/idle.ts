import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeHostRoot, noHostRoots } from '../test/support/host-root.ts';
import { AggregatorProcess } from '../test/support/processes.ts';
import { type Figure, median, round, tell } from './figure.ts';

/**
 * What an agent costs while nothing happens: resident memory and processor time of the built agent, connected and
 * watching, beside a bare node that only waits, both in one run. Needs a build, and what make-host-root needs.
 *
 * `npm run build && node bench/idle.ts [--seconds 300] [--agents 3] [--host-root DIR] [--flags '--lite-mode'] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    agents: { type: 'string', default: '3' },
    'host-root': { type: 'string' },
    /** Of V8, in place of those that the launcher gives. */
    flags: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const root = join(import.meta.dirname, '..');
const main = join(root, 'dist/agent/main.js');
const launcher = join(root, 'bin/nodeseal-agent');
if (!existsSync(main)) throw new Error('not built: npm run build');
if (noHostRoots !== false) throw new Error(noHostRoots);
/** Ticks of /proc/PID/stat a second, as on every Linux that Node runs on. */
const TICKS = 100;
/** The first pass, its garbage and the end of its worker are over by then. */
const SETTLE_MS = 20_000;

const BARE = 'bare node';
const ALONE = 'agent, not connected';

interface Idle {
  readonly name: string;
  readonly child: ChildProcess;
  startTicks: number;
}

const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-idle-'));
const hostRoot = options['host-root'] ?? join(folder, 'host');
if (options['host-root'] === undefined) makeHostRoot(hostRoot);
const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
const tokenFile = join(folder, 'aggregator/state/tokens/agents/node-1.token');

const idle: Idle[] = [bare(), await agent('agent', true)];
for (let more = 1; more < Number(options.agents); more++) {
  idle.push(bare(), await agent(ALONE, false));
}
await delay(SETTLE_MS);
for (const one of idle) one.startTicks = ticksOf(one);
await delay(Number(options.seconds) * 1000);
const rows = idle.map((one) => ({
  name: one.name,
  rssMiB: round(statusMiB(one, 'VmRSS')),
  anonymousMiB: round(statusMiB(one, 'RssAnon')),
  cpuPercent: round(((ticksOf(one) - one.startTicks) / TICKS / Number(options.seconds)) * 100),
}));
const limit = median(rows.filter(({ name }) => name === BARE).map(({ rssMiB }) => rssMiB));
const report = rows.map((row) => ({ ...row, ratio: round(row.rssMiB / limit) }));
// An agent that ends may still have a profile to write.
const ended = idle.map(({ child }) => once(child, 'exit'));
for (const { child } of idle) child.kill('SIGTERM');
await Promise.all(ended);
await aggregator.program.kill('SIGTERM');
rmSync(folder, { recursive: true });
tell(
  figure('idle.memory', 'agent', 'rssMiB'),
  figure('idle.anonymous', 'agent', 'anonymousMiB'),
  figure('idle.processor', 'agent', 'cpuPercent'),
);
if (rows.some(({ name }) => name === ALONE)) tell(figure('idle.alone', ALONE, 'rssMiB'));
if (options.json) console.log(JSON.stringify({ node: process.version, report }));
else console.table(report);

function bare(): Idle {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 2000)'], { stdio: 'ignore' });
  return { name: BARE, child, startTicks: 0 };
}

async function agent(name: string, isConnected: boolean): Promise<Idle> {
  const own = mkdtempSync(join(folder, 'agent-'));
  mkdirSync(own, { recursive: true });
  const link = { aggregator: { url: aggregator.url, tokenFile } };
  const config = { hostRoot, stateDir: join(own, 'state'), ...(isConnected ? link : {}) };
  writeFileSync(join(own, 'agent.yaml'), JSON.stringify(config));
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const args = ['--config', join(own, 'agent.yaml')];
  const [program, ...before] =
    options.flags === undefined
      ? [launcher]
      : [process.execPath, ...options.flags.split(' ').filter(Boolean), main];
  const child = spawn(program, [...before, ...args], { stdio: [...stdio] });
  const words = isConnected ? 'connected to the aggregator' : 'agent is ready';
  for (let said = ''; !said.includes(words); ) {
    const [chunk] = await once(child.stdout ?? child, 'data');
    said += chunk;
  }
  child.stdout?.resume();
  return { name, child, startTicks: 0 };
}

function ticksOf({ child }: Idle): number {
  const text = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function statusMiB({ child }: Idle, name: 'VmRSS' | 'RssAnon'): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
}

/** The median of the processes of this name, beside that of the bare ones. */
function figure(
  id: string,
  name: string,
  member: 'rssMiB' | 'anonymousMiB' | 'cpuPercent',
): Figure {
  const of = (wanted: string): number =>
    median(rows.filter((row) => row.name === wanted).map((row) => row[member]));
  const [ours, bare] = [of(name), of(BARE)];
  return { id, ours, bare, ...(member === 'cpuPercent' ? {} : { ratio: ours / bare }) };
}
