import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Arrival, StoringNode } from '../test/support/storing-node.ts';
import { counted, median, quantile, round, tell } from './figure.ts';

/**
 * From an image that skopeo copies into a node's store to its verdict at the aggregator's API: real agent and aggregator,
 * each a process, over loopback, beside a hundred other images. Time counts from the write of the image's record, by its
 * file's time of change. Beside it, of the same copies: when a bare fs.watch on the folder is told. Needs what
 * make-image-store needs.
 *
 * `node bench/pull-to-report.ts [--pulls 50] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    pulls: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});
/** Longer than the agent rests after a look, so that each pull is one for itself. */
const BETWEEN_MS = 1500;

const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-pull-'));
const arrivals: Arrival[] = [];
const loads: number[] = [];
{
  await using node = await StoringNode.start(folder);
  for (let pull = 0; pull < Number(options.pulls); pull++) {
    await delay(BETWEEN_MS);
    arrivals.push(await node.copy(`registry.example.test/any/pulled-${pull}:v1`));
    loads.push(loadavg()[0] ?? Number.NaN);
  }
}
rmSync(folder, { recursive: true });

const visible = arrivals.map(({ visibleMs }) => visibleMs);
const bare = arrivals.map(({ bareMs }) => bareMs);
const of = (values: readonly number[]): { readonly median: number; readonly p99: number } => ({
  median: round(median(values)),
  p99: round(quantile(values, 0.99)),
});
const summary = {
  pulls: arrivals.length,
  visibleMs: of(visible),
  bareWatchMs: of(bare),
  within2s: visible.filter((ms) => ms <= 2000).length,
  load: median(loads),
};
const at = counted(arrivals.length, 'copies');
tell(
  { id: 'pull.median', at, ours: median(visible), bare: median(bare) },
  { id: 'pull.longest', at, ours: Math.max(...visible), bare: Math.max(...bare) },
);
if (options.json) console.log(JSON.stringify(summary));
else {
  const { pulls, visibleMs, bareWatchMs, within2s, load } = summary;
  console.log(`${pulls} images copied, ${within2s} of them visible within 2 s; load ${load}`);
  console.log(`verdict visible   median ${visibleMs.median} ms   p99 ${visibleMs.p99} ms`);
  console.log(`bare fs.watch     median ${bareWatchMs.median} ms   p99 ${bareWatchMs.p99} ms`);
}
process.exit();
