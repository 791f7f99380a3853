import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { counted, median, round, tell } from './figure.ts';
import { launcherFlags } from './launcher-flags.ts';
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
  const above = (member: 'peak' | 'after' | 'afterSecond'): number[] =>
    runs.map((run) => run[member] - run.before);
  rows.push({
    images,
    before: round(median(runs.map(({ before }) => before))),
    peakAbove: round(median(above('peak'))),
    afterAbove: round(median(above('after'))),
    worstAfterAbove: round(Math.max(...above('after'))),
    afterSecondAbove: round(median(above('afterSecond'))),
  });
  const at = counted(images, 'images');
  tell(
    { id: 'image-memory.peak', at, ours: median(above('peak')) },
    { id: 'image-memory.after', at, ours: median(above('after')) },
    { id: 'image-memory.after-second', at, ours: median(above('afterSecond')) },
  );
}
if (options.json) console.log(JSON.stringify({ node: process.version, rows }));
else {
  console.table(rows);
  console.log(`MiB, medians of ${options.runs} processes; load ${round(loadavg()[0] ?? 0)}`);
}

/** With the flags of bin/nodeseal-agent. */
function childRun(hostRoot: string): Run {
  const child = join(import.meta.dirname, 'image-memory-child.mjs');
  const args = [...launcherFlags(), child, hostRoot, String(SETTLE_MS)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
