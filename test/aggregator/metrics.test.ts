import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SourceStatus } from '../../aggregator/coverage/expected.ts';
import { Fleet } from '../../aggregator/fleet.ts';
import { observeFleet } from '../../aggregator/fleet-metrics.ts';
import { newNode } from '../../aggregator/fleet-node.ts';
import { Metrics } from '../../aggregator/metrics.ts';
import { nodeSeries } from '../../aggregator/node-series.ts';
import { observeProgram } from '../../aggregator/program-metrics.ts';
import { Sessions } from '../../aggregator/sessions.ts';
import { openSqlite } from '../../aggregator/store/sqlite.ts';
import type { Store } from '../../aggregator/store/store.ts';
import type { Json } from '../../shared/canonical.ts';
import { hashItems, type SectionName } from '../../shared/report.ts';
import { NOW_MS, type StillClock, stillClock } from '../support/cluster.ts';
import { findingItem } from '../support/findings.ts';

const GOLDEN = join(import.meta.dirname, '../fixtures/metrics/exposition.txt');
const THRESHOLDS = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };

interface Rig {
  readonly metrics: Metrics;
  readonly store: Store;
  readonly fleet: Fleet;
}

async function rig(path: string, clock: StillClock): Promise<Rig> {
  const store = openSqlite({ path, clock });
  const sources = (): readonly SourceStatus[] => [
    { source: 'kubernetes', nodes: 3, asOfMs: NOW_MS - 60_000, reason: 'away' },
    { source: 'inventoryFile', nodes: 0, asOfMs: null, reason: undefined },
  ];
  const inventory = [{ name: 'rhel-"9"\\', pool: 'edge' }];
  const fleet = await Fleet.load({ store, clock, thresholds: THRESHOLDS, inventory, sources });
  const metrics = new Metrics();
  observeFleet(metrics, fleet, sources);
  const sessions = new Sessions(() => {});
  observeProgram(metrics, { sessions, store, certificate: undefined, loopDelayMs: () => 1.5 });
  return { metrics, store, fleet };
}

/** Connects a node and reports sections, as a session does. */
async function report(
  { store, fleet }: Rig,
  name: string,
  sections: Readonly<Partial<Record<SectionName, readonly (readonly [string, Json])[]>>>,
  first = 1,
): Promise<void> {
  const node = { uid: `uid-of-${name}`, name, pool: 'p' };
  const spool = { epoch: 'e', first, next: first, bytes: 0, lost: 0 };
  const host = { name, machineId: 'm', bootId: 'b' };
  const hello = { agent: { version: '1' }, host, spool };
  const opened = await store.openSession({ node, hello, atMs: NOW_MS });
  const { session } = opened;
  const live = { session, sinceMs: NOW_MS, unsentRecords: 7, clockSkewSeconds: -0.25 };
  fleet.connected(node, opened, { ...live, conditions: ['SpoolDegraded'] }, '1');
  for (const [section, items] of Object.entries(sections)) {
    const change = { section: section as SectionName, mode: 'full', upsert: items } as const;
    const at = { asOfMs: NOW_MS, receivedAtMs: NOW_MS, to: hashItems(new Map(items)) };
    const applied = await store.apply({ uid: node.uid, session, ...change, ...at, remove: [] });
    if (applied.kind === 'applied') fleet.sectionApplied(node.uid, change, applied);
  }
}

const finding = (ruleId: string, result: string, severity = 'high'): [string, Json] => [
  ruleId,
  findingItem({ ruleId, result, severity }),
];
const drifted = { path: '/etc/a', class: 'managed-drift', sha256: null, mode: null };

async function twoNodes(fleet: Rig): Promise<void> {
  await report(fleet, 'worker-1', {
    checks: [finding('trust.default', 'fail', 'critical'), finding('fips.mode', 'pass')],
    files: [['/etc/a', drifted]],
  });
  await report(fleet, 'worker-2', {
    checks: [finding('trust.default', 'fail', 'critical'), finding('fips.mode', 'unknown')],
  });
}

/** What no two runs share. */
function masked(text: string): string {
  return text
    .replaceAll(/^(process_\w+|nodeseal_db_size_bytes) \S+$/gm, '$1 N')
    .replace(/version="[^"]+"/, 'version="V"');
}

t.test('the exposition is what it was', async (t) => {
  const running = await rig(join(t.testdir(), 'n.db'), stillClock());
  const { metrics, store } = running;
  await twoNodes(running);
  await report(running, 'worker-3', {}, 5);
  metrics.events.inc(3);
  metrics.rejects.inc({ code: 'schema' });
  metrics.resyncs.inc({ reason: 'baseUnknown' });
  metrics.badFrames.inc({ code: 'ERR_FRAME_TYPE' });
  metrics.admission.inc({ result: 'welcomed' });
  metrics.authFailures.inc({ reason: 'credentialMissing' });
  metrics.commit.observe(0.003);
  metrics.ingestLag.observe(0.3);
  const text = await metrics.text();
  t.equal(masked(text), readFileSync(GOLDEN, 'utf8'));
  t.match(metrics.contentType, 'application/openmetrics-text');
  t.equal(masked(await metrics.text()), masked(text), 'asked again it says the same');
  await store[Symbol.asyncDispose]();
});

t.test('gauges, and events that were lost, survive a restart', async (t) => {
  const path = join(t.testdir(), 'n.db');
  const before = await rig(path, stillClock());
  await twoNodes(before);
  await report(before, 'worker-3', {}, 5);
  const pick = async ({ metrics }: Rig): Promise<readonly string[]> =>
    (await metrics.text())
      .split('\n')
      .filter((line) => /^nodeseal_(findings|results|drift|images|events_lost|nodes)/.test(line));
  const said = await pick(before);
  t.ok(said.includes('nodeseal_findings{severity="critical",check="trust.default"} 2'));
  t.ok(said.includes('nodeseal_events_lost_total 4'), 'that the store is behind counts too');
  await before.store[Symbol.asyncDispose]();
  const after = await rig(path, stillClock());
  t.same(await pick(after), said);
  await after.store[Symbol.asyncDispose]();
});

t.test('a node that is stale or retired passes nothing', async (t) => {
  const clock = stillClock();
  const running = await rig(join(t.testdir(), 'n.db'), clock);
  await twoNodes(running);
  clock.monotonic = 2 * 86_400_000;
  const stale = await running.metrics.text();
  t.match(stale, /^nodeseal_results\{result="pass"\} 0$/m);
  t.match(stale, /^nodeseal_results\{result="unknown"\} 2$/m);
  t.match(stale, /^nodeseal_findings\{.*\} 2$/m, 'what failed last is still said to fail');
  running.fleet.retired('uid-of-worker-1');
  const retired = await running.metrics.text();
  t.match(retired, /^nodeseal_findings\{.*\} 1$/m);
  t.match(retired, /^nodeseal_drift_open 0$/m);
  t.notMatch(retired, /node="worker-1"/);
  await running.store[Symbol.asyncDispose]();
});

t.test('conditions that begin alike are one series', async (t) => {
  const node = newNode({ uid: 'u', name: 'n', pool: 'p' });
  const long = 'x'.repeat(64);
  const conditions = [`${long}1`, `${long}2`, 'Short'];
  const live = { session: 1, sinceMs: 0, unsentRecords: 0, clockSkewSeconds: 0, conditions };
  const text = nodeSeries([{ node: { ...node, live }, state: 'online' }]);
  const series = text.split('\n').filter((line) => line.startsWith('nodeseal_node_condition{'));
  t.same(series, [
    `nodeseal_node_condition{node="n",condition="${long}"} 1`,
    'nodeseal_node_condition{node="n",condition="Short"} 1',
  ]);
});

t.test('what an agent calls a rule cannot break the exposition', async (t: Test) => {
  const running = await rig(join(t.testdir(), 'n.db'), stillClock());
  await report(running, 'evil', { checks: [finding('a"}\n# EOF\\', 'fail')] });
  const text = await running.metrics.text();
  t.ok(text.includes('check="a\\"}\\n# EOF\\\\"} 1'));
  t.equal(text.match(/^# EOF$/gm)?.length, 1);
  await running.store[Symbol.asyncDispose]();
});
