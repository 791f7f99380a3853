import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Fleet } from '../../aggregator/fleet.ts';
import { isDeparted } from '../../aggregator/fleet-node.ts';
import { openSqlite } from '../../aggregator/store/sqlite.ts';
import type { StoredNode } from '../../aggregator/store/stored-node.ts';
import { hashItems } from '../../shared/report.ts';
import { NOW_MS, stillClock } from '../support/cluster.ts';
import { findingItem } from '../support/findings.ts';

const NODE = { uid: 'uid-1', name: 'worker-1', pool: 'worker' };
const THRESHOLDS = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };

/** A fleet whose store another aggregator writes. */
async function fleetBeside(t: Test) {
  const clock = stillClock();
  const store = openSqlite({ path: join(t.testdir(), 'n.db'), clock });
  t.teardown(() => store[Symbol.asyncDispose]());
  const fleet = await Fleet.load({ store, clock, thresholds: THRESHOLDS, inventory: [] });
  const host = { name: 'host', machineId: 'm', bootId: 'b' };
  const spool = { epoch: 'e', first: 1, next: 1, bytes: 0, lost: 0 };
  const open = (node = NODE) =>
    store.openSession({ node, atMs: NOW_MS, hello: { agent: { version: '1' }, host, spool } });
  return {
    store,
    fleet,
    open,
    async report(session: number, result: string): Promise<void> {
      const items = new Map([['a.b', findingItem({ ruleId: 'a.b', result })]]);
      const at = { asOfMs: NOW_MS, receivedAtMs: NOW_MS };
      const change = { uid: NODE.uid, session, section: 'checks', mode: 'full', ...at } as const;
      await store.apply({ ...change, to: hashItems(items), upsert: [...items], remove: [] });
    },
    /** Brings what the store says of the node to the fleet, as news. */
    async learn(change: Partial<StoredNode> = { elsewhere: true }): Promise<void> {
      const stored = (await store.nodes()).find(({ uid }) => uid === NODE.uid);
      if (stored === undefined) throw new Error('the store does not know the node');
      fleet.learned({ ...stored, ...change });
      await fleet.failing.catchUp(store);
    },
    failing: (): readonly string[] =>
      [...fleet.failing.rules()].flatMap(({ ruleId, nodes }) =>
        [...nodes.values()].map(({ name }) => `${ruleId} on ${name}`),
      ),
  };
}

t.test('the placeholder of a node that has come is gone for who watches, too', async (t) => {
  const { fleet, open, learn } = await fleetBeside(t);
  fleet.listed('inventory', [{ name: NODE.name, pool: NODE.pool }]);
  const told: string[] = [];
  const { promise: isTold, resolve } = Promise.withResolvers<void>();
  fleet.watch((message) => {
    if (message.topic !== 'nodes') return;
    told.push(`${message.change} ${message.item.uid}`);
    if (message.item.uid === NODE.uid) resolve();
  });
  // What is told in a moment keeps no program alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  await open();
  await learn();
  await isTold;
  t.same(told, ['removed inventory:worker-1', 'set uid-1']);
});

t.test('a retired node is not expected by the credential it had, its successor is', async (t) => {
  const { fleet, store, open, learn } = await fleetBeside(t);
  await open();
  await learn();
  await store.retire(NODE.uid, NOW_MS);
  await learn({});
  fleet.expect(NODE);
  fleet.expectAll([NODE]);
  t.match(fleet.coverage(), { expected: 0 });
  const successor = { ...NODE, uid: 'uid-2' };
  fleet.expectAll([NODE, successor]);
  fleet.expect(successor);
  fleet.expectAll([successor, { ...successor, uid: 'uid-3' }]);
  t.match(fleet.coverage(), { expected: 1, missing: [{ node: 'worker-1', cause: 'never seen' }] });
  t.equal(fleet.get(NODE.uid)?.retired, true, 'what it said is kept');
});

t.test('I11 a wall clock that is set back or forward makes no node heard, or silent', async (t) => {
  const { store, open } = await fleetBeside(t);
  await open();
  for (const [name, aheadMs] of [
    ['ahead when it was written', -86_400_000],
    ['right then', 1000],
  ] as const) {
    const clock = { wall: NOW_MS + aheadMs, monotonic: 0 };
    const fleet = await Fleet.load({
      store,
      clock: { nowMs: () => clock.wall, monotonicMs: () => clock.monotonic },
      thresholds: THRESHOLDS,
      inventory: [],
    });
    const state = (): string => fleet.items().map((item) => item.state)[0] ?? '';
    t.equal(state(), 'online', name);
    clock.wall += 2 * 86_400_000;
    t.equal(state(), 'online', `${name}: two days forward`);
    clock.wall -= 4 * 86_400_000;
    clock.monotonic = THRESHOLDS.silentMs;
    t.equal(state(), 'silent', `${name}: not heard for five minutes`);
  }
});

t.test('what a node reports to another aggregator counts here too', async (t) => {
  const { fleet, open, report, learn, failing } = await fleetBeside(t);
  fleet.listed('kubernetes', [{ ...NODE, uid: 'uid-0', conditions: ['node not ready'] }]);
  t.match(fleet.coverage(), { expected: 1, missing: [{ cause: 'never seen, node not ready' }] });
  const { session } = await open();
  await learn();
  t.match(
    fleet.coverage(),
    { expected: 1, missing: [{ cause: 'connected, no report yet, node not ready' }] },
    'it is the one that was expected under its name',
  );
  await report(session, 'fail');
  await learn();
  t.match(fleet.coverage(), { expected: 1, reporting: 1, missing: [] });
  t.same(failing(), ['a.b on worker-1']);
  await report(session, 'pass');
  await learn();
  t.same(failing(), []);
});

t.test('a node that comes from another aggregator brings what fails on it', async (t) => {
  const { fleet, store, open, report, learn, failing } = await fleetBeside(t);
  const elsewhere = await open();
  await learn();
  await report(elsewhere.session, 'fail');
  const opened = await open();
  const { session } = opened;
  const live = { session, sinceMs: NOW_MS, unsentRecords: 0, clockSkewSeconds: 0, conditions: [] };
  fleet.connected(NODE, opened, live, '1');
  await fleet.failing.catchUp(store);
  t.same(failing(), ['a.b on worker-1']);
});

t.test('a node that was renamed fails under its name', async (t) => {
  const { fleet, store, open, report, learn, failing } = await fleetBeside(t);
  const { session } = await open();
  await report(session, 'fail');
  await learn();
  await open({ ...NODE, name: 'elsewhere-1' });
  await learn();
  t.same(failing(), ['a.b on elsewhere-1']);
  const identity = { ...NODE, name: 'here-1' };
  const opened = await open(identity);
  const none = { sinceMs: NOW_MS, unsentRecords: 0, clockSkewSeconds: 0, conditions: [] };
  fleet.connected(identity, opened, { session: opened.session, ...none }, '1');
  await fleet.failing.catchUp(store);
  t.same(failing(), ['a.b on here-1']);
  t.match(fleet.items(), [{ uid: NODE.uid, name: 'here-1', state: 'online' }]);
});

t.test('a node that another aggregator retires counts no more', async (t) => {
  const { fleet, store, open, report, learn, failing } = await fleetBeside(t);
  const { session } = await open();
  await report(session, 'fail');
  await learn();
  await store.retire(NODE.uid, NOW_MS);
  await learn({});
  t.same(failing(), []);
  t.match(fleet.coverage(), { expected: 0 });
  fleet.listed('kubernetes', [{ ...NODE, uid: 'uid-2' }]);
  await learn({});
  t.match(fleet.coverage(), { expected: 1 }, 'its successor is missed all the same');
  await open();
  await learn();
  t.same(failing(), ['a.b on worker-1'], 'back again, with what the store holds');
  t.match(fleet.coverage(), { expected: 1, reporting: 1 });
});

t.test('a node that its cluster deleted stays while it is connected anywhere', async (t) => {
  const { fleet, open, learn } = await fleetBeside(t);
  await open();
  await learn({ elsewhere: true });
  fleet.gone([NODE.uid]);
  const departed = (): readonly string[] =>
    [...fleet.members()].filter(isDeparted).map(({ uid }) => uid);
  t.same(departed(), []);
  await learn({ elsewhere: false });
  t.same(departed(), [NODE.uid]);
});
