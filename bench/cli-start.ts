import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, tell } from './figure.ts';

/**
 * From start to first byte: `version`, and `get nodes` of 50 nodes against a server on loopback that answers at once, of the built
 * program, beside a Node.js that does nothing but print. All take turns in every round, so that what else runs on the
 * machine weighs on all alike; the ratio of medians is what counts.
 *
 * `node bench/cli-start.ts [--rounds 25] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    json: { type: 'boolean', default: false },
  },
});

const NODES = 50;
const root = fileURLToPath(new URL('..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'nodeseal-bench-cli-'));
const tsc = join(root, 'node_modules/.bin/tsc');
execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', out, '--incremental', 'false'], {
  cwd: root,
  stdio: 'inherit',
});
cpSync(join(root, 'package.json'), join(out, 'package.json'));
symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'));

const nodeItem = (number: number): object => ({
  name: `worker-${number}.cluster.example.com`,
  uid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  pool: 'worker',
  state: 'online',
  results: { pass: 1, fail: 0, error: 0, unknown: 0, notapplicable: 0, notchecked: 0 },
  worst: 'pass',
  drift: 0,
  images: { accepted: 1, unenforced: 0, rejected: 0, unknown: 0 },
  lastSeen: '2026-11-21T12:00:00.000Z',
  agentVersion: '0.1.0',
});
const answer = JSON.stringify({
  apiVersion: 'nodeseal.dev/v1',
  kind: 'NodeList',
  items: Array.from({ length: NODES }, (_, index) => nodeItem(index)),
  coverage: { expected: NODES, reporting: NODES, missing: [] },
});
const server = createServer((_request, response) => void response.end(answer));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
// A server that listens on a port has this kind of address.
const { port } = server.address() as AddressInfo;
const config = join(out, 'config.yaml');
const contexts = [{ name: 'bench', server: `http://127.0.0.1:${port}` }];
writeFileSync(config, JSON.stringify({ currentContext: 'bench', contexts }));

const main = join(out, 'cli/main.js');
const PROGRAMS = {
  node: ['-e', 'process.stdout.write("x")'],
  version: [main, 'version', '--client'],
  'get nodes': [main, 'get', 'nodes'],
} as const;
type Program = keyof typeof PROGRAMS;

async function firstByteMs(program: Program): Promise<number> {
  const startMs = performance.now();
  const child = spawn(process.execPath, PROGRAMS[program], {
    env: { ...process.env, NODESEAL_CONFIG: config },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  const tookMs = performance.now() - startMs;
  const [code] = await closed;
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return tookMs;
}

const times: Record<Program, number[]> = { node: [], version: [], 'get nodes': [] };
const programs = Object.keys(PROGRAMS).filter((name): name is Program => name in PROGRAMS);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const program of programs) times[program].push(await firstByteMs(program));
}
server.close();
server.closeAllConnections();
rmSync(out, { recursive: true, force: true });
const base = median(times.node);
const rows = programs.map((program) => {
  const ms = median(times[program]);
  return {
    program,
    medianMs: Math.round(ms * 10) / 10,
    ratio: Math.round((ms / base) * 100) / 100,
  };
});
const ofBase = (ours: number): { ours: number; bare: number; ratio: number } => ({
  ...{ ours, bare: base, ratio: ours / base },
});
tell(
  { id: 'cli-start.version', ...ofBase(median(times.version)) },
  { id: 'cli-start.get-nodes', ...ofBase(median(times['get nodes'])) },
);
if (options.json)
  console.log(JSON.stringify({ bench: 'cli-start', rounds: times.node.length, rows }));
else console.table(rows);
