import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { alertsSchema } from '../../../aggregator/alerts/config.ts';
import type { AlertDuty } from '../../../aggregator/alerts/duty.ts';
import type { Notice } from '../../../aggregator/alerts/notice.ts';
import { openAlerts } from '../../../aggregator/alerts/open.ts';
import { Fleet } from '../../../aggregator/fleet.ts';
import { RecordFile } from '../../../aggregator/identity/record-file.ts';
import { Metrics } from '../../../aggregator/metrics.ts';
import { openSqlite } from '../../../aggregator/store/sqlite.ts';
import { summarize } from '../../../aggregator/store/summary.ts';
import { parseConfig } from '../../../shared/config.ts';
import { keptLog } from '../../support/aggregator.ts';
import { AlertReceiver } from '../../support/alert-receiver.ts';
import { stillClock } from '../../support/cluster.ts';
import { findingItem } from '../../support/findings.ts';

const THRESHOLDS = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };
const RETURN_MS = 300_000;

interface Rig extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly alerts: AlertDuty;
  readonly metrics: Metrics;
  readonly receiver: AlertReceiver;
  /** A node is heard and says of a rule that it passes or fails. */
  report(name: string, ruleId: string, result: string, severity?: string): void;
  heard(name: string): void;
  /** Lets time pass, a tick in between, and delivers what is to be told. */
  pass(...ms: readonly number[]): Promise<void>;
  /** `status count rule`, of what the receiver got since this was asked last. */
  told(): readonly string[];
  stop(): Promise<void>;
}

async function rig(
  t: Test,
  folder: string,
  receiver: AlertReceiver,
  inventory: readonly { readonly name: string; readonly pool: string }[] = [],
): Promise<Rig> {
  const clock = stillClock();
  const store = openSqlite({ path: join(folder, 'n.db'), clock });
  const fleet = await Fleet.load({ store, clock, thresholds: THRESHOLDS, inventory });
  const metrics = new Metrics();
  const config = parseConfig(
    JSON.stringify({ webhooks: [{ url: receiver.url }], labels: { cluster: 'prod' } }),
    'alerts',
    alertsSchema,
  );
  const parts = {
    records: () => new RecordFile(join(folder, 'alerts.json')),
    isOurs: () => true,
    fleet,
    metrics,
    clock,
    log: keptLog(),
    returnMs: RETURN_MS,
  };
  const alerts = await openAlerts(config, parts);
  let isStopped = false;
  let seen = receiver.received.length;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await alerts[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
  t.teardown(stop);
  const heard = (name: string): void => {
    const identity = { uid: `uid-${name}`, name, pool: 'p' };
    const have = { epoch: 'e', sequence: 0, sections: {} };
    const opened = { session: 1, have, notes: [], replaced: [], summary: summarize([]) };
    const live = { session: 1, sinceMs: 0, unsentRecords: 0, clockSkewSeconds: 0, conditions: [] };
    fleet.connected(identity, opened, live, '1');
  };
  return {
    fleet,
    alerts,
    metrics,
    receiver,
    heard,
    report(name, ruleId, result, severity = 'critical') {
      if (fleet.find(name) === undefined) heard(name);
      const item = findingItem({ ruleId, result, severity });
      fleet.failing.applied(`uid-${name}`, name, { set: [[ruleId, item]], removed: [] });
    },
    async pass(...steps) {
      for (const ms of steps) {
        await alerts.tick();
        clock.monotonic += ms;
        for (const { name, live } of fleet.members()) if (live) fleet.heard(`uid-${name}`);
        await alerts.tick();
        for (const sink of alerts.sinks) await sink.idle();
      }
    },
    told() {
      const fresh = receiver.received.slice(seen).map(({ body }) => body as Notice);
      seen = receiver.received.length;
      return fresh.map(({ status, count, rule, alert }) => `${status} ${count} ${rule ?? alert}`);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const HOLD_MS = 30_000;
const RESOLVE_MS = 300_000;

t.test('one change on many nodes is one alert, and so is its end', async (t) => {
  await using receiver = await AlertReceiver.start();
  await using r = await rig(t, t.testdir(), receiver);
  await r.pass(1000);
  const names = Array.from(
    { length: 300 },
    (_, index) => `worker-${String(index).padStart(3, '0')}`,
  );
  for (const name of names) r.report(name, 'selinux.mode', 'fail');
  await r.pass(1000);
  t.same(r.told(), [], 'not at once');
  await r.pass(HOLD_MS);
  t.same(r.told(), ['firing 300 selinux.mode']);
  t.match(receiver.received[0]?.body, {
    kind: 'Alert',
    alert: 'NodesealRuleFailing',
    severity: 'critical',
    title: 'Title of selinux.mode',
    nodes: names.slice(0, 10),
    summary: /fails on 300 nodes: worker-000, .*worker-009, and 290 more$/,
    labels: { cluster: 'prod' },
  });
  await r.pass(3_600_000);
  t.notOk(
    r.told().some((line) => line.includes('selinux')),
    'not again',
  );
  for (const name of names.slice(1)) r.report(name, 'selinux.mode', 'pass');
  await r.pass(RESOLVE_MS, RESOLVE_MS);
  t.same(r.told(), [], 'one node still fails');
  r.report('worker-000', 'selinux.mode', 'pass');
  await r.pass(RESOLVE_MS, 1000);
  t.same(r.told(), ['resolved 0 selinux.mode']);
});

t.test('a rule that matters less, or only flaps, is not told', async (t) => {
  await using receiver = await AlertReceiver.start();
  await using r = await rig(t, t.testdir(), receiver);
  await r.pass(1000);
  r.report('worker-1', 'node.low', 'fail', 'low');
  for (let turn = 0; turn < 20; turn++) {
    r.report('worker-1', 'node.flaps', 'fail');
    await r.pass(20_000);
    r.report('worker-1', 'node.flaps', 'pass');
    await r.pass(5000);
  }
  t.same(r.told(), []);
});

t.test('what was so when alerts began is no news, what comes after is', async (t) => {
  await using receiver = await AlertReceiver.start();
  await using r = await rig(t, t.testdir(), receiver);
  r.report('worker-1', 'fips.mode', 'fail');
  await r.pass(HOLD_MS, HOLD_MS);
  t.same(r.told(), []);
  t.same(r.alerts.firing(), [], 'not for Alertmanager either');
  r.report('worker-2', 'fips.mode', 'fail');
  await r.pass(HOLD_MS, RESOLVE_MS);
  t.same(r.told()[0], 'firing 2 fips.mode');
});

t.test('a restart is no news, what changed during it is', async (t) => {
  await using receiver = await AlertReceiver.start();
  const folder = t.testdir();
  const before = await rig(t, folder, receiver);
  await before.pass(1000);
  before.report('worker-1', 'a.fails', 'fail');
  before.report('worker-1', 'b.ends', 'fail');
  await before.pass(HOLD_MS);
  t.same(before.told(), ['firing 1 a.fails', 'firing 1 b.ends']);
  await before.stop();

  await using after = await rig(t, folder, receiver);
  after.report('worker-1', 'a.fails', 'fail');
  after.report('worker-2', 'c.new', 'fail');
  await after.pass(HOLD_MS, RESOLVE_MS);
  t.same(after.told(), ['firing 1 c.new', 'resolved 0 b.ends']);
  t.equal(after.alerts.firing().find(({ rule }) => rule === 'a.fails')?.count, 1);
});

t.test('state that is damaged is a first start', async (t) => {
  for (const text of ['', '{', '[]', '{"families":["rules"],"groups":[{}],"waiting":{}}', '\0']) {
    await using receiver = await AlertReceiver.start();
    const folder = t.testdir();
    writeFileSync(join(folder, 'alerts.json'), text);
    await using r = await rig(t, folder, receiver);
    r.report('worker-1', 'a.fails', 'fail');
    await r.pass(HOLD_MS, 1000);
    t.same(r.told(), [], JSON.stringify(text));
  }
});

t.test('nodes that do not report are told, after they had time to come back', async (t) => {
  await using receiver = await AlertReceiver.start();
  await using r = await rig(t, t.testdir(), receiver, [{ name: 'never', pool: 'p' }]);
  r.heard('worker-1');
  r.heard('worker-2');
  await r.pass(RETURN_MS - 1000);
  t.same(r.told(), []);
  await r.pass(1000, HOLD_MS);
  t.same(r.told(), ['firing 1 NodesealNodeNotCovered'], 'the one that never came');
  r.fleet.disconnected('uid-worker-1', 1);
  r.fleet.disconnected('uid-worker-2', 1);
  await r.pass(RETURN_MS, HOLD_MS);
  t.same(r.told(), ['firing 3 NodesealNodeNotCovered']);
  r.fleet.inConflict('uid-worker-1');
  await r.pass(HOLD_MS, 1000);
  t.same(r.told(), ['firing 1 NodesealIdentityConflict']);
});

t.test('an alert that cannot be delivered is kept over a restart, and counted', async (t) => {
  await using receiver = await AlertReceiver.start();
  receiver.behaviour = 500;
  const folder = t.testdir();
  const before = await rig(t, folder, receiver);
  await before.pass(1000);
  before.report('worker-1', 'a.fails', 'fail');
  await before.pass(HOLD_MS);
  const { host } = new URL(receiver.url);
  const text = await before.metrics.text();
  for (const line of [
    `nodeseal_alerts_failed_total{sink="webhook:${host}"} 1`,
    `nodeseal_alerts_sent_total{sink="webhook:${host}"} 0`,
    `nodeseal_alerts_dropped_total{sink="webhook:${host}",reason="overflow"} 0`,
    `nodeseal_alerts_queued{sink="webhook:${host}"} 1`,
    'nodeseal_alerts_firing{alert="NodesealRuleFailing",severity="critical"} 1',
  ]) {
    t.ok(text.split('\n').includes(line), line);
  }
  await before.stop();
  receiver.behaviour = 200;
  await using after = await rig(t, folder, receiver);
  after.report('worker-1', 'a.fails', 'fail');
  await after.pass(1000);
  t.same(after.told(), ['firing 1 a.fails']);
  t.match(await after.metrics.text(), /export_last_success_timestamp_seconds\{sink=.*\} \d+/);
});
