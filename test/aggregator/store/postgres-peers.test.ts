import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { alertsSchema } from '../../../aggregator/alerts/config.ts';
import { openAlerts } from '../../../aggregator/alerts/open.ts';
import { AlertsStateRecord } from '../../../aggregator/alerts/state-record.ts';
import { Fleet } from '../../../aggregator/fleet.ts';
import { Metrics } from '../../../aggregator/metrics.ts';
import type { PeerAnswer, PeerListener, Peers } from '../../../aggregator/store/peers.ts';
import { openPostgres } from '../../../aggregator/store/postgres.ts';
import type { Records } from '../../../aggregator/store/records.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import type { StoredNode } from '../../../aggregator/store/stored-node.ts';
import { parseConfig } from '../../../shared/config.ts';
import { hashItems } from '../../../shared/report.ts';
import { keptLog } from '../../support/aggregator.ts';
import { AlertReceiver } from '../../support/alert-receiver.ts';
import { stillClock } from '../../support/cluster.ts';
import { findingItem } from '../../support/findings.ts';
import { PostgresServer, withoutPostgres } from '../../support/postgres.ts';

const NODE = { uid: 'uid-1', name: 'worker-1', pool: 'worker' };
const OTHER = { uid: 'uid-2', name: 'worker-2', pool: 'worker' };
const AT_MS = Date.parse('2026-11-21T00:00:00.000Z');

/** An aggregator's store that keeps what it is told. */
async function open(url: string, replica: string) {
  const log = keptLog();
  const options = { url, passwordFile: undefined, ca: undefined, replica, onCommit: () => {}, log };
  const store = await openPostgres(options);
  const told = new EventEmitter();
  const events: string[] = [];
  const nodes = new Map<string, StoredNode>();
  const listener: PeerListener = {
    nodes(changed) {
      for (const node of changed) nodes.set(node.uid, node);
      told.emit('nodes');
    },
    heard: (seen) => void told.emit('heard', seen),
    section: (change) => void told.emit('section', change),
    event(_uid, { epoch, sequence }) {
      events.push(`${epoch} ${sequence}`);
      told.emit('event');
    },
    isWatched: () => true,
    overtaken: (error) => void told.emit('overtaken', error),
    command: async ({ uid, verb }) => ({ ok: true, parts: [`${replica} ${uid} ${verb}`] }),
  };
  const peers = store.peers as Peers;
  peers.follow(listener);
  return {
    store,
    peers,
    told,
    log,
    events,
    /** A node as it was told last, when one is as wanted. */
    async until(isWanted: (node: StoredNode) => boolean): Promise<StoredNode> {
      for (;;) {
        const found = nodes.values().find(isWanted);
        if (found !== undefined) return found;
        await once(told, 'nodes');
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

function start(store: Store, epoch = 'e1', node = NODE) {
  const spool = { epoch, first: 1, next: 1, bytes: 0, lost: 0 };
  const host = { name: 'host', machineId: 'm', bootId: 'b' };
  return store.openSession({
    node,
    atMs: AT_MS,
    hello: { agent: { version: '1' }, host, spool },
  });
}

function append(store: Store, session: number, sequences: readonly number[]) {
  const at = '2026-11-21T00:00:00.000Z';
  return store.append({
    uid: NODE.uid,
    session,
    epoch: 'e1',
    receivedAtMs: AT_MS,
    events: sequences.map((sequence) => ({
      sequence,
      throughSequence: sequence,
      at,
      kind: 'k',
      class: 'low',
      data: '{}',
      lost: 0,
    })),
  });
}

t.test('aggregators on one database', { skip: withoutPostgres }, async (t) => {
  const postgres = await PostgresServer.create();
  t.teardown(() => postgres[Symbol.asyncDispose]());

  await t.test('hear of nodes, sections, events and times, and not of their own', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    const { session } = await start(a.store);
    t.match(await b.until(() => true), { ...NODE, session, elsewhere: true });
    const items = new Map([['a', 1]]);
    const change = { uid: NODE.uid, session, section: 'host', to: hashItems(items) } as const;
    const section = once(b.told, 'section');
    await a.store.apply({
      ...change,
      mode: 'full',
      upsert: [...items],
      remove: [],
      asOfMs: AT_MS,
      receivedAtMs: AT_MS,
    });
    t.match(await section, [{ uid: NODE.uid, section: 'host', set: [['a', 1]], removed: [] }]);
    await append(a.store, session, [1, 2]);
    while (b.events.length < 2) await once(b.told, 'event');
    t.same(b.events, ['e1 1', 'e1 2']);
    const heard: ReadonlyMap<string, number>[] = [];
    b.told.on('heard', (seen: ReadonlyMap<string, number>) => heard.push(seen));
    await a.store.touch(new Map([[NODE.uid, AT_MS + 5]]));
    while (heard.at(-1)?.get(NODE.uid) !== AT_MS + 5) await once(b.told, 'heard');
    t.same(heard.at(-1), new Map([[NODE.uid, AT_MS + 5]]));
    t.same(a.events, []);
  });

  await t.test('miss nothing that a slow transaction commits late', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    const { session } = await start(a.store);
    await b.until(({ session: seen }) => seen === session);
    const late = postgres.sql(
      url,
      `BEGIN; UPDATE node SET pool = 'late', changed = pg_current_xact_id() WHERE uid = '${NODE.uid}';
         SELECT pg_sleep(2.5); COMMIT`,
    );
    // A later transaction that is over sooner, and has been told, while the first is still open.
    await start(a.store, 'e1', OTHER);
    await b.until(({ uid }) => uid === OTHER.uid);
    await late;
    t.match(await b.until(({ pool }) => pool === 'late'), { session });
  });

  await t.test('ask one another for what only one can', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    const command = { uid: NODE.uid, verb: 'rescan', arguments: {}, withinMs: 20_000 };
    t.equal(await b.peers.ask(command), undefined, 'a node nobody knows');
    const { session } = await start(a.store);
    const answer: PeerAnswer | undefined = await b.peers.ask(command);
    t.same(answer, { ok: true, parts: ['a uid-1 rescan'] });
    t.equal(await a.peers.ask(command), undefined, 'of its own nodes it asks no other');
    await a.peers.left(NODE.uid, session - 1);
    t.match(await b.peers.ask(command), { ok: true }, 'an older session that ends changes nothing');
    await a.peers.left(NODE.uid, session);
    t.equal(await b.peers.ask(command), undefined, 'a node that has left');
    t.match(await b.until(({ elsewhere }) => !elsewhere), { session });
    t.same(await postgres.sql(url, 'SELECT * FROM command'), [], 'nothing stays behind');
  });

  await t.test('know when one of them is gone, and when it was only slow', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    await start(a.store);
    const ownedBy = (replica: string): Promise<readonly object[]> =>
      postgres.sql(url, `SELECT 1 FROM node WHERE replica = '${replica}'`);
    // As after a crash: what it said last is long ago. It is not gone, so it says so again. At once, as the others do
    // it: between two statements it could say so and keep nothing.
    await postgres.sql(
      url,
      `WITH gone AS (DELETE FROM replica WHERE id = 'a')
         UPDATE node SET replica = NULL, changed = pg_current_xact_id()`,
    );
    while ((await ownedBy('a')).length === 0);
    t.pass('it takes its nodes back');
    await postgres.sql(
      url,
      `WITH dead AS (INSERT INTO replica VALUES ('dead', now() - interval '1 minute'))
         UPDATE node SET replica = 'dead', changed = pg_current_xact_id()`,
    );
    const command = { uid: NODE.uid, verb: 'rescan', arguments: {}, withinMs: 20_000 };
    t.equal(await b.peers.ask(command), undefined, 'nobody waits for a dead one');
    while ((await ownedBy('dead')).length > 0);
    t.same(await postgres.sql(url, `SELECT 1 FROM replica WHERE id = 'dead'`), []);
  });

  await t.test('a number of a session that another gave keeps the older out', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    const older = await start(a.store);
    await append(a.store, older.session, [1]);
    const newer = await start(b.store);
    t.ok(newer.session > older.session);
    t.match(newer.have, { epoch: 'e1', sequence: 1 });
    await t.rejects(append(a.store, older.session, [2]), { code: 'ERR_STORE_FENCED' });
    t.same(await append(b.store, newer.session, [2]), { sequence: 2, before: 1 });
  });

  await t.test(
    'tell alerts on where a write of one was lost, and is not what another wrote',
    async (t) => {
      await using receiver = await AlertReceiver.start();
      const clock = stillClock();
      await using a = await open(await postgres.database(), 'a');
      const thresholds = { lateMs: 44_000, silentMs: 300_000, staleMs: 86_400_000 };
      const fleet = await Fleet.load({ store: a.store, clock, thresholds, inventory: [] });
      const text = JSON.stringify({ webhooks: [{ url: receiver.url }], holdSeconds: 0 });
      const records = (): Records => a.peers.records('alerts');
      const begin = () =>
        openAlerts(parseConfig(text, 'alerts', alertsSchema), {
          records,
          isOurs: () => true,
          fleet,
          metrics: new Metrics(),
          clock,
          log: keptLog(),
          returnMs: 300_000,
        });
      const duty = await begin();
      const fail = (ruleId: string): void => {
        const item = findingItem({ ruleId, result: 'fail', severity: 'critical' });
        fleet.failing.applied(NODE.uid, NODE.name, { set: [[ruleId, item]], removed: [] });
      };
      await duty.tick();
      // Another that has the turn writes; or it was this one, and the answer to its commit was lost on the way.
      const other = new AlertsStateRecord(records());
      const state = await other.read();
      t.ok(await other.write(state));
      fail('a.rule');
      await duty.tick();
      t.equal(receiver.received.length, 0, 'this one is not believed to have the turn');
      await duty.tick();
      await duty.tick();
      await receiver.count(1);
      t.match(receiver.received, [{ body: { status: 'firing', rule: 'a.rule' } }]);
      await duty[Symbol.asyncDispose]();
      // Whose turn it was meanwhile is not written over when this one ends.
      const late = await begin();
      await other.read();
      t.ok(await other.write({ ...state, families: ['identity'] }));
      fail('b.rule');
      await late.tick();
      await late[Symbol.asyncDispose]();
      t.match(await new AlertsStateRecord(records()).read(), { families: ['identity'] });
    },
  );

  await t.test('open sessions of one node at once, and one of them stays', async (t) => {
    const url = await postgres.database();
    await using a = await open(url, 'a');
    await using b = await open(url, 'b');
    const opened = await Promise.all(
      Array.from({ length: 20 }, (_, index) => start(index % 2 === 0 ? a.store : b.store)),
    );
    const sessions = opened.map(({ session }) => session);
    t.equal(new Set(sessions).size, 20);
    const newest = Math.max(...sessions);
    t.match(await a.store.nodes(), [{ session: newest }]);
    for (const session of sessions) {
      const written = append(session % 2 === 0 ? a.store : b.store, session, [1]);
      if (session === newest) await written;
      else await t.rejects(written, { code: 'ERR_STORE_FENCED' });
    }
  });
});
