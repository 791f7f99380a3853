import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeHostRoot, noHostRoots } from '../test/support/host-root.ts';
import { AggregatorProcess, Program } from '../test/support/processes.ts';
import { watchMessages } from '../test/support/watch-messages.ts';
import { counted, type Figure, quantile, round, tell } from './figure.ts';

/**
 * From a change on a node to the changed finding at the aggregator's HTTP API: real agent and aggregator, each a process,
 * over loopback. Three kinds of change: policy.json made invalid and valid, in place and by rename in turn; the kernel's
 * mode switched, as `setenforce` does, in a file that sends events as selinuxfs does; and the same in a file whose events
 * nobody hears, so that only the poll of every 2 s sees it. Beside them when a bare fs.watch on the folder is told. The
 * agent waits 50 ms for a file to be whole before it looks; that is in the figures.
 *
 * `node bench/change-to-finding.ts [--edits 50] [--json]`
 */
const { values: options } = parseArgs({
  options: {
    edits: { type: 'string', default: '50' },
    json: { type: 'boolean', default: false },
  },
});
/** A finding, as far as it is asked for. */
interface Told {
  readonly ruleId: string;
  readonly result: string;
}

/** Longer than the agent rests after a look, so that each edit is one for itself. */
const BETWEEN_MS = 400;

if (noHostRoots !== false) throw new Error(noHostRoots);
const folder = mkdtempSync(join(tmpdir(), 'nodeseal-bench-change-'));
const hostRoot = join(folder, 'host');
makeHostRoot(hostRoot, '--policy', 'accept');
const policy = join(hostRoot, 'etc/containers/policy.json');
const enforce = join(hostRoot, 'sys/fs/selinux/enforce');

interface Kind {
  readonly id: string;
  readonly name: string;
  readonly rule: string;
  readonly path: string;
  readonly good: string;
  readonly bad: string;
  /** Another file takes the place: whoever watches the file itself hears nothing of later changes. */
  readonly isRenamed: (edit: number) => boolean;
}
const mode = { rule: 'selinux.enforcing', path: enforce, good: '1', bad: '0' };
const kinds: readonly Kind[] = [
  {
    id: 'change.policy',
    name: 'policy.json edited',
    rule: 'trust.policy-valid',
    path: policy,
    good: '{"default": [{"type": "insecureAcceptAnything"}]}',
    bad: '{"default": ',
    isRenamed: (edit) => edit % 4 >= 2,
  },
  { id: 'change.mode', name: 'mode switched', ...mode, isRenamed: () => false },
  {
    ...{ id: 'change.poll', name: 'mode switched, seen by the poll alone', ...mode },
    isRenamed: () => true,
  },
];

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
// The first looks of the agent are over when nothing has come for a while.
await delay(5000);

const rows: object[] = [];
for (const kind of kinds) rows.push(await measure(kind));
ending.abort();
await agent.kill('SIGTERM');
await aggregator.program.kill('SIGTERM');
rmSync(folder, { recursive: true });

if (options.json) console.log(JSON.stringify(rows));
else console.table(rows);
process.exit();

async function measure(kind: Kind): Promise<object> {
  const { id, name, rule, path, good, bad, isRenamed } = kind;
  const visible: number[] = [];
  const bare: number[] = [];
  let toldMs = Number.NaN;
  const watcher = watch(dirname(path), () => {
    toldMs = Number.isNaN(toldMs) ? performance.now() : toldMs;
  });
  for (let edit = 0; edit < Number(options.edits); edit++) {
    await delay(BETWEEN_MS);
    const isGood = edit % 2 === 1;
    const changed = results.next(
      (told) => told.ruleId === rule && (told.result === 'pass') === isGood,
    );
    toldMs = Number.NaN;
    const startMs = performance.now();
    if (!isRenamed(edit)) writeFileSync(path, isGood ? good : bad);
    else {
      writeFileSync(join(folder, 'new'), isGood ? good : bad);
      renameSync(join(folder, 'new'), path);
    }
    await changed;
    visible.push(performance.now() - startMs);
    bare.push(toldMs - startMs);
  }
  watcher.close();
  const at = counted(visible.length, 'changes');
  const figureOf = (part: number, which: string): Figure => {
    // A file that took another's place is not heard of by whoever waits for events.
    const heard = id === 'change.poll' ? {} : { bare: quantile(bare, part) };
    return { id: `${id}.${which}`, at, ours: quantile(visible, part), ...heard };
  };
  tell(figureOf(0.5, 'median'), figureOf(0.99, 'p99'));
  return {
    change: name,
    edits: visible.length,
    medianMs: round(quantile(visible, 0.5)),
    p99Ms: round(quantile(visible, 0.99)),
    bareMedianMs: round(quantile(bare, 0.5)),
    bareP99Ms: round(quantile(bare, 0.99)),
    ratio: Math.round(quantile(visible, 0.5) / quantile(bare, 0.5)),
  };
}

/** Findings as the watch of the API tells them. */
async function follow(
  signal: AbortSignal,
): Promise<{ next(isIt: (told: Told) => boolean): Promise<void> }> {
  const { url, adminToken: token } = aggregator;
  const messages = await watchMessages({ url, token }, signal, 'findings');
  const events = new EventTarget();
  const read = async (): Promise<void> => {
    for await (const told of messages) {
      if (told.topic !== 'findings' || told.item.subject !== undefined) continue;
      events.dispatchEvent(new CustomEvent('told', { detail: told.item }));
    }
  };
  read().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    async next(isIt) {
      for (;;) {
        const [event] = (await once(events, 'told')) as [CustomEvent<Told>];
        if (isIt(event.detail)) return;
      }
    },
  };
}
