// One piece: the promises of the interface Store; each of its makers is held to all of them.
import type { Test } from 'tap';
import type {
  EventBatch,
  IncomingEvent,
  Retention,
  SectionChange,
  SessionOpened,
  Store,
} from '../../../aggregator/store/store.ts';
import type { Json } from '../../../shared/canonical.ts';
import { diffItems, hashItems, type Items, type SectionName } from '../../../shared/report.ts';

/** Opens the same store again and again: what it held when it was closed it must still hold. */
export type OpenStore = () => Promise<Store>;

const NODE = { uid: 'uid-1', name: 'worker-1', pool: 'worker' };
const OTHER = { uid: 'uid-2', name: 'worker-2', pool: 'worker' };
const AT_MS = Date.parse('2026-11-21T00:00:00.000Z');
const DAY_MS = 86_400_000;

interface Spool {
  readonly epoch: string;
  readonly first: number;
  readonly next: number;
}

function start(
  store: Store,
  spool: Partial<Spool> = {},
  node: typeof NODE = NODE,
): Promise<SessionOpened> {
  return store.openSession({
    node,
    atMs: AT_MS,
    hello: {
      agent: { version: '0.1.0' },
      host: { name: 'host', machineId: 'm', bootId: 'b' },
      spool: { epoch: 'e1', first: 1, next: 1, bytes: 0, lost: 0, ...spool },
    },
  });
}

function event(sequence: number, change: Partial<IncomingEvent> = {}): IncomingEvent {
  return {
    sequence,
    throughSequence: sequence,
    at: '2026-11-21T00:00:00.000Z',
    kind: 'file.changed',
    class: 'low',
    data: JSON.stringify({ n: sequence }),
    lost: 0,
    ...change,
  };
}

function batch(session: number, events: readonly IncomingEvent[], epoch = 'e1'): EventBatch {
  return { uid: NODE.uid, session, epoch, receivedAtMs: AT_MS, events };
}

function full(
  session: number,
  section: SectionName,
  items: ReadonlyMap<string, Json>,
  change: Partial<SectionChange> = {},
): SectionChange {
  return {
    uid: NODE.uid,
    session,
    section,
    mode: 'full',
    to: hashItems(items),
    upsert: [...items],
    remove: [],
    asOfMs: AT_MS,
    receivedAtMs: AT_MS,
    ...change,
  };
}

function rule(ruleId: string, result: string, severity = 'high'): Json {
  return {
    ruleId,
    checkId: ruleId.split('.')[0] ?? '',
    title: ruleId,
    result,
    severity,
    message: 'seen',
    observed: {},
    remediation: { kind: 'none', text: '' },
    mappings: [],
  };
}

function rules(...all: readonly Json[]): ReadonlyMap<string, Json> {
  return new Map(all.map((each) => [(each as { ruleId: string }).ruleId, each]));
}

async function sequences(store: Store, epoch = 'e1'): Promise<readonly number[]> {
  const { rows } = await store.events({ limit: 1000 });
  return rows
    .filter((row) => row.epoch === epoch)
    .map((row) => row.sequence)
    .reverse();
}

/** What every store must do, whatever it stands on. `open` is asked for a fresh one by each test. */
export function storeContract(t: Test, fresh: (t: Test) => OpenStore): void {
  t.test('a session', async (t) => {
    const open = fresh(t);
    await using store = await open();
    const first = await start(store);
    const second = await start(store, {}, OTHER);
    const third = await start(store);
    t.ok(first.session < second.session && second.session < third.session, 'has a growing number');
    t.same(first.have, { epoch: 'e1', sequence: 0, sections: {} });
    t.same(first.notes, []);
    t.match(await store.nodes(), [
      { ...NODE, session: third.session, agentVersion: '0.1.0', retiredAtMs: null, lost: 0 },
      { ...OTHER, session: second.session },
    ]);
  });

  t.test('a session number grows over a restart', async (t) => {
    const open = fresh(t);
    const before = await useStore(open, (store) => start(store));
    const after = await useStore(open, (store) => start(store));
    t.ok(after.session > before.session);
  });

  t.test('a node that got another name by its credential keeps its data', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.apply(full(session, 'checks', rules(rule('a.b', 'fail'))));
    await start(store, {}, { ...NODE, name: 'renamed', pool: 'infra' });
    t.match(await store.nodes(), [{ name: 'renamed', pool: 'infra' }]);
    t.match((await store.items({ section: 'checks', limit: 9 })).rows, [{ node: 'renamed' }]);
  });

  t.test('an event that was acknowledged is there after a restart', async (t) => {
    const open = fresh(t);
    await useStore(open, async (store) => {
      const { session } = await start(store);
      t.same(await store.append(batch(session, [event(1), event(2)])), { sequence: 2, before: 0 });
    });
    await using store = await open();
    t.same(await sequences(store), [1, 2]);
    t.match((await start(store)).have, { epoch: 'e1', sequence: 2 });
    t.match((await store.events({ limit: 9 })).rows[1], {
      node: 'worker-1',
      epoch: 'e1',
      sequence: 1,
      at: '2026-11-21T00:00:00.000Z',
      receivedAt: '2026-11-21T00:00:00.000Z',
      kind: 'file.changed',
      class: 'low',
      data: { n: 1 },
    });
  });

  t.test('an event that comes again changes nothing', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.append(batch(session, [event(1), event(2)]));
    const again = await store.append(batch(session, [event(2, { kind: 'forged' }), event(3)]));
    t.same(again, { sequence: 3, before: 2 });
    t.same(await store.append(batch(session, [event(1)])), { sequence: 3, before: 3 });
    t.same(await sequences(store), [1, 2, 3]);
    t.match((await store.events({ limit: 9, kind: 'forged' })).rows, []);
  });

  t.test('events with a hole are refused whole', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const refused = [
      [event(2)],
      [event(1), event(3)],
      [event(1), event(2, { throughSequence: 1 })],
    ];
    for (const events of refused) {
      await t.rejects(store.append(batch(session, events)), { code: 'ERR_STORE_GAP' });
    }
    await t.rejects(store.append(batch(session, [event(1)], 'never-announced')), {
      code: 'ERR_STORE_GAP',
    });
    t.same(await sequences(store), []);
  });

  t.test('a lost record stands for its range', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const lost = { kind: 'lost', throughSequence: 40, lost: 39 };
    t.same(await store.append(batch(session, [event(1), event(2, lost)])), {
      sequence: 40,
      before: 0,
    });
    await store.append(batch(session, [event(41)]));
    t.same(await sequences(store), [1, 2, 41]);
    t.match(await store.nodes(), [{ lost: 39 }]);
  });

  t.test('a lost record that begins behind the cursor counts from there', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.append(batch(session, [event(1), event(2)]));
    await store.append(batch(session, [event(1, { kind: 'lost', throughSequence: 5 })]));
    t.same(await sequences(store), [1, 2, 3]);
    t.match((await start(store)).have, { sequence: 5 });
  });

  t.test('an older session cannot write', async (t) => {
    await using store = await fresh(t)();
    const old = await start(store);
    const mine = await start(store);
    const fenced = { code: 'ERR_STORE_FENCED' };
    await t.rejects(store.append(batch(old.session, [event(1)])), fenced);
    const items = rules(rule('a.b', 'fail'));
    await t.rejects(store.apply(full(old.session, 'checks', items)), fenced);
    t.same(await sequences(store), []);
    t.equal(await store.section(NODE.uid, 'checks'), undefined);
    await store.append(batch(mine.session, [event(1)]));
    t.same(await sequences(store), [1]);
  });

  t.test('a write for a node nobody knows is refused', async (t) => {
    await using store = await fresh(t)();
    const unknown = { code: 'ERR_STORE_UNKNOWN_NODE' };
    await t.rejects(store.append(batch(1, [event(1)])), unknown);
    await t.rejects(store.apply(full(1, 'checks', new Map())), unknown);
    await t.rejects(store.retire('uid-9', AT_MS), unknown);
    await t.rejects(
      store.note('uid-9', { at: '', kind: 'k', class: 'low', data: {}, lost: 0 }, AT_MS),
      unknown,
    );
    await store.touch(new Map([['uid-9', AT_MS]]));
    t.same(await store.nodes(), []);
  });

  t.test('a refused write does not disturb those beside it', async (t) => {
    await using store = await fresh(t)();
    const old = await start(store);
    const mine = await start(store);
    const outcomes = await Promise.allSettled([
      store.append(batch(mine.session, [event(1)])),
      store.append(batch(old.session, [event(2)])),
      store.append(batch(mine.session, [event(2)])),
      store.append(batch(mine.session, [event(4)])),
      store.append(batch(mine.session, [event(3)])),
    ]);
    t.same(
      outcomes.map((outcome) => outcome.status),
      ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
    );
    t.same(await sequences(store), [1, 2, 3]);
    t.equal(store.backlog, 0);
  });

  t.test('a write that fails in a way nobody foresaw fails alone', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    // What no type allows and no schema let through: a database cannot take it.
    const broken = batch(session, [event(2, { kind: {} as unknown as string })]);
    const outcomes = await Promise.allSettled([
      store.append(batch(session, [event(1)])),
      store.append(broken),
      store.append(batch(session, [event(2)])),
    ]);
    t.match(outcomes, [
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'ERR_STORE_WRITE' } },
      { status: 'fulfilled', value: { sequence: 2 } },
    ]);
    t.same(await sequences(store), [1, 2]);
  });

  t.test('a state that fails in a way nobody foresaw leaves nothing', async (t) => {
    await using store = await fresh(t)();
    const third = { ...OTHER, uid: 'uid-3', name: 'worker-3' };
    const sessions = [await start(store), await start(store, {}, OTHER)] as const;
    const last = await start(store, {}, third);
    const [shared, own] = [rule('a.a', 'fail'), rule('b.b', 'fail')];
    const broken = { uid: OTHER.uid, asOfMs: {} as unknown as number };
    const outcomes = await Promise.allSettled([
      store.apply(full(sessions[0].session, 'checks', rules(shared))),
      store.apply(full(sessions[1].session, 'checks', rules(shared, own), broken)),
      store.apply(full(last.session, 'checks', rules(own, shared), { uid: third.uid })),
    ]);
    t.match(outcomes, [
      { value: { kind: 'applied' } },
      { status: 'rejected', reason: { code: 'ERR_STORE_WRITE' } },
      { value: { kind: 'applied' } },
    ]);
    const { rows } = await store.items({ section: 'checks', limit: 9 });
    t.same(
      rows.map(({ node, key, item }) => [node, key, (item as { ruleId: string }).ruleId]),
      [
        ['worker-1', 'a.a', 'a.a'],
        ['worker-3', 'a.a', 'a.a'],
        ['worker-3', 'b.b', 'b.b'],
      ],
    );
    t.equal(await store.section(OTHER.uid, 'checks'), undefined);
  });

  t.test('an epoch that ends with announced records missing is recorded as lost', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store, { next: 11 });
    await store.append(batch(session, [event(1), event(2)]));
    const next = await start(store, { epoch: 'e2' });
    t.match(next.notes, [
      {
        epoch: '@aggregator',
        sequence: 1,
        kind: 'epochLost',
        class: 'high',
        data: { epoch: 'e1', afterSequence: 2, count: 8, newEpoch: 'e2' },
      },
    ]);
    t.match(next.have, { epoch: 'e2', sequence: 0 });
    t.match(await store.nodes(), [{ lost: 8 }]);
    t.match((await store.events({ limit: 1 })).rows, next.notes);
    t.same((await start(store, { epoch: 'e2' })).notes, [], 'once');
  });

  t.test('an epoch that ends with nothing announced missing is recorded as changed', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store, { next: 2 });
    await store.append(batch(session, [event(1)]));
    const next = await start(store, { epoch: 'e2' });
    t.match(next.notes, [{ kind: 'epochChanged', class: 'low', data: { count: 0 } }]);
    t.match(await store.nodes(), [{ lost: 0 }]);
  });

  t.test('an epoch that comes back goes on where it was', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.append(batch(session, [event(1), event(2)]));
    await start(store, { epoch: 'e2' });
    const back = await start(store, { epoch: 'e1', first: 3, next: 4 });
    t.match(back.have, { epoch: 'e1', sequence: 2 });
    await store.append(batch(back.session, [event(3)]));
    t.same(await sequences(store), [1, 2, 3]);
  });

  t.test('a store older than what it once acknowledged says what it will never see', async (t) => {
    await using store = await fresh(t)();
    const opened = await start(store, { first: 101, next: 150 });
    t.match(opened.have, { sequence: 100 });
    t.match(opened.notes, [
      {
        kind: 'serverRollback',
        data: { epoch: 'e1', fromSequence: 1, throughSequence: 100, count: 100 },
      },
    ]);
    t.match(await store.nodes(), [{ lost: 100 }]);
    await store.append(batch(opened.session, [event(101)]));
    t.same(await sequences(store), [101]);
  });

  t.test('a section', async (t) => {
    const open = fresh(t);
    const before = rules(rule('a.a', 'pass'), rule('a.b', 'fail'));
    const after = rules(rule('a.a', 'fail'), rule('a.c', 'pass'));
    await useStore(open, async (store) => {
      const { session } = await start(store);
      const applied = await store.apply(full(session, 'checks', before));
      t.match(applied, {
        kind: 'applied',
        hash: hashItems(before),
        summary: { results: { pass: 1, fail: 1, error: 0 } },
      });
      const again = await store.apply(full(session, 'checks', before));
      t.match(again, { changed: 0, unchanged: [], removed: [] }, 'that comes again is no change');
      const delta = diffItems(before, after);
      t.ok(delta);
      if (delta === undefined) return;
      const changed = await store.apply({
        ...full(session, 'checks', after),
        ...delta,
        mode: 'delta',
        receivedAtMs: AT_MS + 10,
      });
      t.match(changed, {
        kind: 'applied',
        hash: hashItems(after),
        removed: [['a.b', { result: 'fail' }]],
        summary: { results: { pass: 1, fail: 1 } },
      });
      t.match(changed, { changed: 3, unchanged: [] }, 'says how much changed');
      const later = { receivedAtMs: AT_MS + 10 };
      const back = await store.apply(full(session, 'checks', rules(rule('a.a', 'fail')), later));
      t.match(back, { kind: 'applied', changed: 1, unchanged: ['a.a'], removed: [['a.c', {}]] });
      await store.apply(full(session, 'checks', after, later));
      const base = 'sha256:0';
      const unknown = await store.apply(full(session, 'checks', before, { mode: 'delta', base }));
      t.same(unknown, { kind: 'baseUnknown' }, 'is not changed from an unknown base');
    });
    await using store = await open();
    const section = await store.section(NODE.uid, 'checks');
    t.same(section?.hash, hashItems(after));
    t.same(new Map(section?.items), after, 'is there after a restart');
    t.match(await start(store), { have: { sections: { checks: hashItems(after) } } });
    t.match(await store.nodes(), [{ summary: { results: { pass: 1, fail: 1 } } }]);
    t.same((await store.section(NODE.uid, 'checks', AT_MS))?.items, before, 'as it was');
    t.same((await store.section(NODE.uid, 'checks', AT_MS + 9))?.items, before);
    t.same((await store.section(NODE.uid, 'checks', AT_MS + 10))?.items, after);
    t.equal(await store.section(NODE.uid, 'checks', AT_MS - 1), undefined, 'and before it was');
    t.equal(await store.section(NODE.uid, 'images'), undefined);
  });

  t.test('a section whose items do not have the announced hash is not stored', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const items = rules(rule('a.b', 'pass'));
    const to = hashItems(rules(rule('a.b', 'fail')));
    t.same(await store.apply(full(session, 'checks', items, { to })), {
      kind: 'mismatch',
      hash: hashItems(items),
    });
    t.equal(await store.section(NODE.uid, 'checks'), undefined);
    t.same((await store.items({ section: 'checks', limit: 9 })).rows, []);
  });

  t.test('an empty section is a section', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    t.match(await store.apply(full(session, 'checks', new Map())), { kind: 'applied' });
    t.equal((await store.section(NODE.uid, 'checks'))?.items.size, 0);
  });

  t.test('items of all nodes come worst first, page by page, each once', async (t) => {
    await using store = await fresh(t)();
    const given = [
      ['worker-2', rules(rule('a.a', 'pass'), rule('a.b', 'fail', 'low'), rule('z.z', 'fail'))],
      ['worker-1', rules(rule('a.a', 'error'), rule('a.b', 'unknown'), rule('z.z', 'fail'))],
    ] as const;
    for (const [name, items] of given) {
      const node = name === 'worker-1' ? NODE : OTHER;
      const { session } = await start(store, {}, node);
      await store.apply(full(session, 'checks', items, { uid: node.uid }));
    }
    const expected = [
      ['worker-1', 'z.z'],
      ['worker-2', 'z.z'],
      ['worker-2', 'a.b'],
      ['worker-1', 'a.b'],
      ['worker-1', 'a.a'],
      ['worker-2', 'a.a'],
    ];
    for (const limit of [1, 2, 4, 6, 100]) {
      const seen: (readonly string[])[] = [];
      let after: string | undefined;
      do {
        const page = await store.items({ section: 'checks', limit, after });
        t.ok(page.rows.length <= limit);
        seen.push(...page.rows.map((row) => [row.node, row.key]));
        after = page.next;
      } while (after !== undefined);
      t.same(seen, expected, `${limit} a page`);
    }
    const filtered = async (query: object): Promise<readonly string[]> => {
      const page = await store.items({ section: 'checks', limit: 9, ...query });
      return page.rows.map((row) => `${row.node} ${row.key}`);
    };
    t.same(await filtered({ node: 'worker-2', outcomes: ['fail'], severities: ['low'] }), [
      'worker-2 a.b',
    ]);
    t.same(await filtered({ subject: 'a.a', outcomes: ['pass', 'error'] }), [
      'worker-1 a.a',
      'worker-2 a.a',
    ]);
    t.same(await filtered({ node: 'nobody' }), []);
    t.match(await store.outcomes('checks'), [
      { subject: 'z.z', outcome: 'fail', severity: 'high', nodes: 2 },
      { subject: 'a.b', outcome: 'fail', severity: 'low', nodes: 1 },
      { subject: 'a.b', outcome: 'unknown', nodes: 1 },
      { subject: 'a.a', outcome: 'error', nodes: 1 },
      { subject: 'a.a', outcome: 'pass', nodes: 1, sample: { title: 'a.a' } },
    ]);
    t.match(await store.outcomes('checks', [OTHER.uid, 'nobody']), [
      { subject: 'z.z', outcome: 'fail', severity: 'high', nodes: 1 },
      { subject: 'a.b', outcome: 'fail', severity: 'low', nodes: 1 },
      { subject: 'a.a', outcome: 'pass', nodes: 1, sample: { title: 'a.a' } },
    ]);
    t.same(await store.outcomes('checks', []), []);
  });

  t.test('pages go on where the last ended, whichever nodes join and leave', async (t) => {
    await using store = await fresh(t)();
    const join = async (name: string): Promise<void> => {
      const node = { uid: `uid of ${name}`, name, pool: 'p' };
      const { session } = await start(store, {}, node);
      const items = rules(rule('a.a', 'fail'), rule('a.b', 'fail'), rule('a.c', 'pass'));
      await store.apply(full(session, 'checks', items, { uid: node.uid }));
    };
    for (const name of ['n2', 'n4', 'n6']) await join(name);
    for (const asOfMs of [undefined, AT_MS + 50]) {
      const seen: string[] = [];
      let after: string | undefined;
      for (let pages = 0; pages === 0 || after !== undefined; pages++) {
        const page = await store.items({ section: 'checks', limit: 2, after, asOfMs });
        seen.push(...page.rows.map(({ node, key }) => `${node} ${key}`));
        after = page.next;
        if (pages > 0 || asOfMs !== undefined) continue;
        await store.retire('uid of n2', AT_MS + 10);
        await join('n1');
        await join('n5');
      }
      const nodes = [asOfMs === undefined ? 'n2' : 'n1', 'n4', 'n5', 'n6'];
      t.same(
        seen.slice(0, 8),
        nodes.flatMap((node) => [`${node} a.a`, `${node} a.b`]),
      );
      t.equal(new Set(seen).size, seen.length, 'each once');
    }
  });

  t.test('a list shows each item as it is now, however it changed', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const saying = (message: string, result = 'fail'): Json => ({
      ...(rule('a.a', result) as object),
      message,
    });
    const odd = `a.b ${'\0'}`;
    const long = 'x'.repeat(20_000);
    const steps: readonly Items[] = [
      new Map([['a.a', saying('one')]]),
      new Map([['a.a', saying('two')]]),
      new Map([['a.a', saying(long)]]),
      new Map([['a.a', saying('three')]]),
      new Map([['a.a', saying('three', 'pass')]]),
      new Map([['a.a', saying('four')]]),
      new Map([[odd, saying('five')]]),
      new Map([[odd, saying('six \0 \ud800')]]),
    ];
    for (const items of steps) {
      await store.apply(full(session, 'checks', items));
      const { rows } = await store.items({ section: 'checks', limit: 9 });
      t.same(new Map(rows.map(({ key, item }) => [key, item])), items);
    }
  });

  t.test('an item nobody can read counts as an error and stays visible', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const items = new Map<string, Json>([
      ['a.text', 'pass'],
      ['a.null', null],
      ['a.list', [{ result: 'pass' }]],
      ['a.partly', { ruleId: 'a.partly', result: 'pass', severity: 'low' }],
      ['a.result', { ...(rule('a.result', 'green') as object) }],
    ]);
    t.match(await store.apply(full(session, 'checks', items)), {
      kind: 'applied',
      summary: { results: { pass: 0, error: 5 } },
    });
    const { rows } = await store.items({ section: 'checks', limit: 9, outcomes: ['error'] });
    t.equal(rows.length, 5);
  });

  t.test('a former time is answered from what was known here then', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const other = await start(store, {}, OTHER);
    const was = rules(rule('a.a', 'pass'), rule('a.b', 'fail'), rule('a.c', 'fail', 'low'));
    const later = { receivedAtMs: AT_MS + 100 };
    await store.apply(full(session, 'checks', was));
    await store.apply(full(session, 'checks', rules(rule('a.b', 'pass')), later));
    const otherIs = rules(rule('a.b', 'error'));
    await store.apply(full(other.session, 'checks', otherIs, { uid: OTHER.uid, ...later }));
    const asOf = async (asOfMs: number, query: object = {}): Promise<readonly string[]> => {
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await store.items({ section: 'checks', limit: 2, asOfMs, after, ...query });
        t.ok(page.rows.length <= 2);
        seen.push(...page.rows.map((row) => `${row.node} ${row.key}`));
        after = page.next;
        if (after === undefined) return seen;
      }
    };
    t.same(await asOf(AT_MS + 50), ['worker-1 a.b', 'worker-1 a.c', 'worker-1 a.a']);
    t.same(await asOf(AT_MS + 50, { outcomes: ['fail'], severities: ['low'] }), ['worker-1 a.c']);
    t.same(await asOf(AT_MS + 50, { subject: 'a.a' }), ['worker-1 a.a']);
    t.same(await asOf(AT_MS + 50, { node: 'worker-2' }), []);
    t.same(await asOf(AT_MS + 100), ['worker-2 a.b', 'worker-1 a.b']);
    t.same(await asOf(AT_MS - 1), []);
    t.same(await store.nodesAsOf('checks', AT_MS + 50), [
      { name: 'worker-1', isKnown: true },
      { name: 'worker-2', isKnown: false },
    ]);
    t.same(await store.nodesAsOf('checks', AT_MS - 1), [], 'before there were nodes');
    await store.retire(OTHER.uid, AT_MS + 200);
    t.same(await asOf(AT_MS + 150), ['worker-2 a.b', 'worker-1 a.b'], 'it was not retired then');
    t.same(await asOf(AT_MS + 200), ['worker-1 a.b']);
    await store.prune(before(AT_MS + 101));
    t.same(await asOf(AT_MS + 50), [], 'and no further than history is kept');
    t.same(await asOf(AT_MS + 150), ['worker-2 a.b', 'worker-1 a.b']);
  });

  t.test('a former time is answered too when the clock was set back in between', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    for (const [ruleId, ms] of [
      ['a.first', 10],
      ['a.ahead', 500],
      ['a.back', 100],
    ] as const) {
      const receivedAtMs = AT_MS + ms;
      await store.apply(full(session, 'checks', rules(rule(ruleId, 'fail')), { receivedAtMs }));
    }
    const asOf = async (ms: number): Promise<readonly string[]> => {
      const query = { section: 'checks', limit: 9, asOfMs: AT_MS + ms } as const;
      const { rows } = await store.items(query);
      const [one] = await store.nodesAsOf('checks', AT_MS + ms);
      t.equal(one?.isKnown, rows.length > 0, `${ms}: known where something is told`);
      return rows.map(({ key }) => key);
    };
    t.same(await asOf(5), []);
    t.same(await asOf(50), ['a.first']);
    t.same(await asOf(200), ['a.back'], 'the newest of what was known then');
    t.same(await asOf(600), ['a.back']);
  });

  t.test('a state that comes back, or that two nodes have, is kept once', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const other = await start(store, {}, OTHER);
    const [on, off] = [rules(rule('a.b', 'pass')), rules(rule('a.b', 'fail'))];
    for (const [index, items] of [on, off, on, off].entries()) {
      const receivedAtMs = AT_MS + index;
      await store.apply(full(session, 'checks', items, { receivedAtMs }));
      const uid = OTHER.uid;
      await store.apply(full(other.session, 'checks', items, { uid, receivedAtMs }));
    }
    for (const [index, items] of [on, off, on, off].entries()) {
      t.same((await store.section(NODE.uid, 'checks', AT_MS + index))?.items, items);
    }
    while ((await store.prune(before(AT_MS + 9))) > 0);
    t.same((await store.section(OTHER.uid, 'checks'))?.items, off, 'what is in force stays');
    await store.apply(full(session, 'checks', on, { receivedAtMs: AT_MS + 9 }));
    t.same((await store.section(NODE.uid, 'checks'))?.items, on);
    t.match(await store.outcomes('checks'), [
      { subject: 'a.b', outcome: 'fail', nodes: 1 },
      { subject: 'a.b', outcome: 'pass', nodes: 1 },
    ]);
  });

  t.test(
    'text that a database cannot keep shows as far as it can, and stops nothing',
    async (t) => {
      await using store = await fresh(t)();
      const { session } = await start(store);
      const [nul, half, long] = ['a\0b', 'a\ud800b', 'k'.repeat(5000)];
      await store.append(
        batch(session, [
          event(1, { kind: nul, data: JSON.stringify({ [nul]: nul }) }),
          event(2, { kind: half }),
          event(3, { kind: long }),
        ]),
      );
      t.same(
        (await store.events({ limit: 9 })).rows.map(({ kind }) => kind),
        [long, 'a\ufffdb', 'a\ufffdb'],
      );
      t.equal((await store.events({ limit: 9, kind: long })).rows.length, 1);
      t.same((await store.events({ limit: 9 })).rows[2]?.data, { [nul]: nul });
      const items = new Map([nul, half, long].map((id) => [id, rule(id, 'fail')]));
      t.match(await store.apply(full(session, 'checks', items)), {
        kind: 'applied',
        hash: hashItems(items),
      });
      const { rows } = await store.items({ section: 'checks', limit: 9 });
      t.ok(rows.some(({ key }) => key === long));
      t.ok(
        rows.some(({ key }) => key === nul),
        'an item has the key it came with',
      );
      t.same((await store.section(NODE.uid, 'checks'))?.items, items, 'the section is kept whole');
      await store.apply(full(session, 'checks', rules(rule('a.b', 'fail'))));
      t.equal((await store.items({ section: 'checks', limit: 9 })).rows.length, 1);
    },
  );

  t.test('a retired node answers for nothing until it is back', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const items = rules(rule('a.b', 'fail'));
    await store.apply(full(session, 'checks', items));
    await store.retire(NODE.uid, AT_MS);
    await t.rejects(store.append(batch(session, [event(1)])), { code: 'ERR_STORE_FENCED' });
    t.same((await store.items({ section: 'checks', limit: 9 })).rows, []);
    t.same(await store.outcomes('checks'), []);
    t.match(await store.nodes(), [{ retiredAtMs: AT_MS }]);
    t.same((await store.section(NODE.uid, 'checks'))?.items, items, 'its history is kept');
    await start(store);
    t.equal((await store.items({ section: 'checks', limit: 9 })).rows.length, 1);
    t.match(await store.nodes(), [{ retiredAtMs: null }]);
  });

  t.test('a machine set up anew under its name replaces the node it was', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.apply(full(session, 'checks', rules(rule('a.b', 'fail'))));
    const anew = { ...NODE, uid: 'uid-9' };
    const opened = await start(store, {}, anew);
    t.same(opened.replaced, [NODE.uid]);
    t.match(opened.notes, [{ kind: 'nodeReplaced', data: { uid: 'uid-9', replaces: NODE.uid } }]);
    t.match(await store.nodes(), [
      { uid: NODE.uid, retiredAtMs: AT_MS },
      { uid: 'uid-9', retiredAtMs: null },
    ]);
    t.same((await store.items({ section: 'checks', limit: 9 })).rows, []);
    await t.rejects(store.append(batch(session, [event(1)])), { code: 'ERR_STORE_FENCED' });
    t.same((await start(store, {}, anew)).replaced, [], 'once');
  });

  t.test('events come newest first, page by page, by every filter', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const other = await start(store, {}, OTHER);
    await store.append(batch(session, [event(1), event(2, { kind: 'x', class: 'high' })]));
    await store.append({
      ...batch(other.session, [event(1)]),
      uid: OTHER.uid,
      receivedAtMs: AT_MS + 5,
    });
    await store.append(batch(session, [event(3)]));
    const first = await store.events({ limit: 3 });
    const second = await store.events({ limit: 3, after: first.next });
    t.same(
      [...first.rows, ...second.rows].map((row) => `${row.node} ${row.sequence}`),
      ['worker-1 3', 'worker-2 1', 'worker-1 2', 'worker-1 1'],
    );
    t.equal(second.next, undefined);
    const count = async (query: object): Promise<number> =>
      (await store.events({ limit: 9, ...query })).rows.length;
    t.equal(await count({ node: 'worker-1' }), 3);
    t.equal(await count({ kind: 'x' }), 1);
    t.equal(await count({ class: 'high' }), 1);
    t.equal(await count({ sinceMs: AT_MS + 5 }), 1);
    t.equal(await count({ node: 'nobody' }), 0);
  });

  t.test('a page token that is none is refused', async (t) => {
    await using store = await fresh(t)();
    const refused = { code: 'ERR_STORE_PAGE' };
    for (const after of ['x', '', 'W10', 'bnVsbA', 'WyIxIl0', 'eyJhIjoxfQ']) {
      await t.rejects(store.items({ section: 'checks', limit: 1, after }), refused, after);
      await t.rejects(store.events({ limit: 1, after }), refused, after);
    }
  });

  t.test('when a node was heard last goes forward only', async (t) => {
    const open = fresh(t);
    await useStore(open, async (store) => {
      await start(store);
      await store.touch(new Map([[NODE.uid, AT_MS + 50]]));
      await store.touch(new Map([[NODE.uid, AT_MS + 20]]));
    });
    await using store = await open();
    t.match(await store.nodes(), [{ lastSeenMs: AT_MS + 50, firstSeenMs: AT_MS }]);
  });

  t.test('the aggregator’s own records are numbered for each node', async (t) => {
    await using store = await fresh(t)();
    await start(store);
    const note = { at: '2026-11-21T00:00:00.000Z', kind: 'k', class: 'low', lost: 2 } as const;
    t.match(await store.note(NODE.uid, { ...note, data: { a: 1 } }, AT_MS), {
      node: 'worker-1',
      epoch: '@aggregator',
      sequence: 1,
      data: { a: 1 },
    });
    t.match(await store.note(NODE.uid, { ...note, data: {} }, AT_MS), { sequence: 2 });
    t.match(await store.nodes(), [{ lost: 4 }]);
  });

  t.test('what is older than a time is forgotten, and does not come back', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    await store.append(batch(session, [event(1)]));
    await store.append({ ...batch(session, [event(2)]), receivedAtMs: AT_MS + 100 });
    t.equal(await store.prune(before(AT_MS + 100)), 1);
    t.equal(await store.prune(before(AT_MS + 100)), 0);
    t.same(await sequences(store), [2]);
    t.same(await store.append(batch(session, [event(1), event(2)])), { sequence: 2, before: 2 });
    t.same(await sequences(store), [2]);
  });

  t.test('events of a clock that was ahead keep nothing from being forgotten', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const ahead = Array.from({ length: 2500 }, (_, index) => event(index + 1));
    const [hourMs, yearMs] = [3_600_000, 365 * DAY_MS];
    for (const [events, ms] of [
      [ahead, yearMs],
      [[event(2501)], 0],
      [[event(2502)], 2 * hourMs],
    ] as const) {
      await store.append({ ...batch(session, events), receivedAtMs: AT_MS + ms });
    }
    const old = before(AT_MS + hourMs);
    let removed = 0;
    for (let some = 1; some > 0; removed += some) some = await store.prune(old);
    t.equal(removed, 2501);
    t.same(await sequences(store), [2502]);
  });

  t.test('a clock that was behind for a moment makes no event old but its own', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const behindMs = [0, -365 * DAY_MS, 1000];
    for (const [index, ms] of behindMs.entries()) {
      const receivedAtMs = AT_MS + ms;
      await store.append({ ...batch(session, [event(index + 1)]), receivedAtMs });
    }
    const old = before(AT_MS - DAY_MS);
    let removed = 0;
    for (let some = 1; some > 0; removed += some) some = await store.prune(old);
    t.equal(removed, 1);
    t.same(await sequences(store), [1, 3]);
  });

  t.test('many old records are forgotten step by step', async (t) => {
    await using store = await fresh(t)();
    const { session } = await start(store);
    const many = Array.from({ length: 4500 }, (_, index) => event(index + 1));
    await store.append(batch(session, many));
    for (let version = 0; version < 4; version++) {
      const items = new Map<string, Json>([['a', version]]);
      const receivedAtMs = AT_MS + version;
      await store.apply(full(session, 'host', items, { receivedAtMs }));
    }
    let [removed, steps] = [0, 0];
    for (let some = 1; some > 0; removed += some) {
      some = await store.prune(before(AT_MS + 3));
      steps++;
    }
    // The version of AT_MS + 2 was in force until AT_MS + 3.
    t.equal(removed, 4500 + 2);
    t.ok(steps > 2);
    t.same((await store.events({ limit: 9 })).rows, []);
    t.equal((await store.section(NODE.uid, 'host'))?.items.get('a'), 3);
  });

  t.test('a store says that it can write, and how large it is', async (t) => {
    await using store = await fresh(t)();
    await store.probe();
    t.ok((await store.sizeBytes()) > 0);
  });

  t.test('a closed store refuses everything', async (t) => {
    const store = await fresh(t)();
    const pending = start(store);
    await store[Symbol.asyncDispose]();
    t.match(await pending, { session: 1 }, 'after it has committed what waited');
    await t.rejects(start(store), { code: 'ERR_STORE_CLOSED' });
    await t.rejects(store.nodes(), { code: 'ERR_STORE_CLOSED' });
    await store[Symbol.asyncDispose]();
  });
}

function before(atMs: number): Retention {
  return { eventsBeforeMs: atMs, historyBeforeMs: atMs, nowMs: AT_MS + DAY_MS };
}

async function useStore<T>(open: OpenStore, use: (store: Store) => Promise<T>): Promise<T> {
  await using store = await open();
  return await use(store);
}
