/**
 * Every finding of a large fleet through the built command line, from a real aggregator: how many are told a second, and
 * the most memory the program has at any moment (VmHWM, MiB). `open` is what `get findings` lists by itself.
 *
 *   node bench/cli-findings.ts [--nodes 5000] [--rules 120] [--failing 0.05]
 */
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, tell } from './figure.ts';
import { fill } from './filled-store.ts';
import { SERVER, type Target } from './serving-fleet.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '5000' },
    rules: { type: 'string', default: '120' },
    failing: { type: 'string', default: '0.05' },
  },
});
const size = { nodes: Number(values.nodes), rules: Number(values.rules) };
const RUNS: readonly (readonly [name: string, flags: readonly string[]])[] = [
  ['open, grouped', []],
  ['all, grouped', ['--all']],
  ['all, wide', ['--all', '-o', 'wide']],
  ['all, jsonl', ['--all', '-o', 'jsonl']],
  ['all, json', ['--all', '-o', 'json']],
  ['all, yaml', ['--all', '-o', 'yaml']],
  ['all, csv', ['--all', '-o', 'csv']],
];

const root = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
const build = ['-p', 'tsconfig.build.json', '--outDir', folder, '--incremental', 'false'];
execFileSync(join(root, 'node_modules/.bin/tsc'), build, { cwd: root, stdio: 'inherit' });
await cp(join(root, 'package.json'), join(folder, 'package.json'));
await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
const stateDir = join(folder, 'state');
await mkdir(stateDir, { mode: 0o700 });
await fill(stateDir, size.nodes, size.rules, Number(values.failing));
const server = fork(SERVER, [stateDir]);
const [target] = (await once(server, 'message')) as [Target];
const tokenFile = join(folder, 'token');
await writeFile(tokenFile, target.admin);

/** Reported by the program itself when it ends, so that no moment is missed. */
const REPORT = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.getBuiltinModule('node:fs').writeSync(3, String(process.resourceUsage().maxRSS)))",
)}`;

async function run(name: string, flags: readonly string[]): Promise<object> {
  const words = ['get', 'findings', ...flags, '--server', target.url, '--token-file', tokenFile];
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', REPORT, join(folder, 'cli/main.js'), ...words],
    { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] },
  );
  let [bytes, report, firstMs] = [0, '', 0];
  child.stdout?.on('data', (chunk: Buffer) => {
    if (bytes === 0) firstMs = performance.now() - startMs;
    bytes += chunk.length;
  });
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    report += String(chunk);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`get findings ${flags.join(' ')} ended with ${code}`);
  const at = `${name}, ${counted(size.nodes * size.rules, 'findings')}`;
  tell({ id: 'cli-findings.memory', at, ours: (Number(report) * 1024) / 1e6 });
  return {
    peakMiB: Math.round(Number(report) / 1024),
    firstByteMs: Math.round(firstMs),
    seconds: Number(((performance.now() - startMs) / 1000).toFixed(1)),
    MiB: Math.round(bytes / 1_048_576),
  };
}

const rows: Record<string, object> = {};
for (const [name, flags] of RUNS) rows[name] = await run(name, flags);
server.send('stop');
await once(server, 'exit');
await rm(folder, { recursive: true });
console.log(`${size.nodes} nodes, ${size.rules} rules, ${size.nodes * size.rules} findings`);
console.table(rows);
