import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { WatchMessage } from '../shared/api.ts';
import { makeHostRoot, noHostRoots } from '../test/support/host-root.ts';
import { AggregatorProcess, Program } from '../test/support/processes.ts';

/**
 * From an edit of policy.json on a node to the changed finding at the aggregator's HTTP API: real agent and aggregator,
 * each a process, over loopback. The edit makes the policy invalid and valid in turn, in place and by rename in turn.
 * Beside it, of the same edits: when a bare fs.watch on the folder is told. The agent waits 50 ms for a file to be
 * whole before it looks; that is in the figure.
 *
 * `node bench/change-to-finding.ts [--edits 50] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    edits: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});
const RULE = 'trust.policy-valid';
/** Longer than the agent rests after a look, so that each edit is one for itself. */
const BETWEEN_MS = 400;

if (noHostRoots !== false) throw new Error(noHostRoots);
const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-change-'));
const hostRoot = join(folder, 'host');
makeHostRoot(hostRoot, '--policy', 'accept');
const policy = join(hostRoot, 'etc/containers/policy.json');

const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
const tokens = join(folder, 'aggregator/state/tokens');
const agent = new Program(
  'agent',
  {
    hostRoot,
    stateDir: join(folder, 'agent'),
    aggregator: { url: aggregator.url, tokenFile: join(tokens, 'agents/node-1.token') },
  },
  join(folder, 'agent-config'),
);
await agent.says('connected to the aggregator');
const ending = new AbortController();
const results = await follow(ending.signal);
let toldMs = Number.NaN;
const watcher = watch(join(hostRoot, 'etc/containers'), () => {
  toldMs = Number.isNaN(toldMs) ? performance.now() : toldMs;
});
// The first looks of the agent are over when nothing has come for a while.
await delay(3000);

const visible: number[] = [];
const bare: number[] = [];
for (let edit = 0; edit < Number(options.edits); edit++) {
  await delay(BETWEEN_MS);
  const isValid = edit % 2 === 1;
  const text = isValid ? '{"default": [{"type": "insecureAcceptAnything"}]}' : '{"default": ';
  const changed = results.next((result) => (result === 'pass') === isValid);
  toldMs = Number.NaN;
  const startMs = performance.now();
  if (edit % 4 < 2) writeFileSync(policy, text);
  else {
    writeFileSync(join(folder, 'policy.new'), text);
    renameSync(join(folder, 'policy.new'), policy);
  }
  await changed;
  visible.push(performance.now() - startMs);
  bare.push(toldMs - startMs);
}
watcher.close();
ending.abort();
await agent.kill('SIGTERM');
await aggregator.program.kill('SIGTERM');
rmSync(folder, { recursive: true });

const summary = {
  edits: visible.length,
  visibleMs: { median: quantile(visible, 0.5), p99: quantile(visible, 0.99) },
  bareWatchMs: { median: quantile(bare, 0.5), p99: quantile(bare, 0.99) },
  ratioOfMedians: Math.round(quantile(visible, 0.5) / quantile(bare, 0.5)),
};
if (options.json) console.log(JSON.stringify(summary));
else {
  const { visibleMs, bareWatchMs, ratioOfMedians } = summary;
  console.log(`${summary.edits} edits of policy.json`);
  console.log(`finding visible   median ${visibleMs.median} ms   p99 ${visibleMs.p99} ms`);
  console.log(`bare fs.watch     median ${bareWatchMs.median} ms   p99 ${bareWatchMs.p99} ms`);
  console.log(`ratio of medians  ${ratioOfMedians}`);
}
process.exit();

/** Results of the rule as the watch of the API tells them. */
async function follow(
  signal: AbortSignal,
): Promise<{ next(isIt: (result: string) => boolean): Promise<void> }> {
  const headers = { authorization: `Bearer ${aggregator.adminToken}` };
  const response = await fetch(`${aggregator.url}/v1/watch?topic=findings`, { headers, signal });
  const events = new EventTarget();
  const read = async (): Promise<void> => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      const messages = text.split('\n\n');
      text = messages.pop() ?? '';
      for (const message of messages) {
        const data = message.split('\n').find((line) => line.startsWith('data: '));
        if (data === undefined) continue;
        const told = JSON.parse(data.slice('data: '.length)) as WatchMessage;
        if (told.topic !== 'findings' || told.item.ruleId !== RULE) continue;
        events.dispatchEvent(new CustomEvent('result', { detail: told.item.result }));
      }
    }
  };
  read().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    async next(isIt) {
      for (;;) {
        const [event] = (await once(events, 'result')) as [CustomEvent<string>];
        if (isIt(event.detail)) return;
      }
    },
  };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
  return Math.round(value * 100) / 100;
}
