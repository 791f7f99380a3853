import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makePlainStore } from './plain-store.ts';

/**
 * What the agent's own verifier makes of resident memory: before its first pass over a store, at most, and when its thread
 * is over and nothing has happened for a while; the same after a second pass. A built agent's modules, with the flags its
 * launcher gives, in a process of its own for each run. Needs what make-image-store needs, and a build.
 *
 * `npm run build && node bench/image-memory.ts [--images 50,200,1000] [--runs 5] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '50,200,1000' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const root = join(import.meta.dirname, '..');
/** The thread ends a second after its last answer; then garbage is collected when the process has nothing to do. */
const SETTLE_MS = 5_000;

interface Run {
  readonly before: number;
  readonly peak: number;
  readonly after: number;
  readonly afterSecond: number;
  readonly images: number;
}

if (!existsSync(join(root, 'dist/agent/main.js'))) throw new Error('not built: npm run build');
const rows: Record<string, number>[] = [];
for (const images of options.images.split(',').map(Number)) {
  const store = await makePlainStore(images);
  const runs: Run[] = [];
  for (let run = 0; run < Number(options.runs); run++) {
    runs.push(childRun(store.root));
  }
  rmSync(store.root, { recursive: true });
  if (runs.some((run) => run.images !== images)) throw new Error('not every image was accepted');
  rows.push({
    images,
    before: median(runs.map(({ before }) => before)),
    peakAbove: median(runs.map(({ peak, before }) => peak - before)),
    afterAbove: median(runs.map(({ after, before }) => after - before)),
    worstAfterAbove: round(Math.max(...runs.map(({ after, before }) => after - before))),
    afterSecondAbove: median(runs.map(({ afterSecond, before }) => afterSecond - before)),
  });
}
if (options.json) console.log(JSON.stringify({ node: process.version, rows }));
else {
  console.table(rows);
  console.log(`MiB, medians of ${options.runs} processes; load ${round(loadavg()[0] ?? 0)}`);
}

/** With the flags of bin/nodeseal-agent. */
function childRun(hostRoot: string): Run {
  const child = join(import.meta.dirname, 'image-memory-child.mjs');
  const args = ['--max-semi-space-size=1', child, hostRoot, String(SETTLE_MS)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

function median(values: readonly number[]): number {
  return round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
