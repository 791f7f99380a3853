import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { EventDraft } from '../../agent/spool.ts';
import type { Json } from '../../shared/canonical.ts';
import { canonicalJson } from '../../shared/canonical.ts';
import { EMPTY_HASH, type SectionName } from '../../shared/report.ts';
import { accountOf } from '../support/account.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { type Fate, FrameProxy, type Passing } from '../support/frame-proxy.ts';
import { LinkNode, until } from '../support/link-node.ts';
import { type Random, randomFrom } from '../support/random.ts';

t.setTimeout(120_000);
// Some of these wait for real heartbeats: together.
t.jobs = 8;

const SEED = Number(process.env['NODESEAL_SEED'] ?? Date.now() % 1e9);
const CAPS = { handshakes: 512, handshakesPerSource: 128 };
const QUICK = { ...CAPS, heartbeatSeconds: 0.5, silentSeconds: 10, helloSeconds: 5 };

interface Rig extends AsyncDisposable {
  readonly aggregator: RunningAggregator;
  readonly proxy: FrameProxy;
  readonly node: LinkNode;
  readonly database: string;
}

/** A real agent, a real aggregator, and between them whoever decides about frames. */
async function rigOf(t: Test, limits?: typeof QUICK): Promise<Rig> {
  const folder = t.testdir({});
  const stateDir = join(folder, 'aggregator');
  const parts = new AsyncDisposableStack();
  const aggregator = parts.use(
    await runAggregator(stateDir, limits === undefined ? {} : { limits }),
  );
  const proxy = parts.use(await FrameProxy.listen(aggregator.url));
  const tokenFile = join(folder, 'token');
  mkdirSync(folder, { recursive: true });
  writeFileSync(tokenFile, aggregator.agentToken);
  const node = parts.use(
    await LinkNode.start({ folder: join(folder, 'agent'), url: proxy.url, tokenFile }),
  );
  await until(() => node.uplink.session !== undefined);
  return {
    aggregator,
    proxy,
    node,
    database: join(stateDir, 'nodeseal.db'),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function draft(n: number, eventClass: EventDraft['class'] = 'medium'): EventDraft {
  return { kind: 'test', class: eventClass, data: { id: `event ${n}` } };
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => `event ${n}`);

/** The first frame that fits meets this fate, all others pass. */
function once(fits: (passing: Passing) => boolean, fate: Fate): FrameProxy['fate'] {
  let isDone = false;
  return (passing) => {
    if (isDone || !fits(passing)) return 'pass';
    isDone = true;
    return fate;
  };
}

const holds =
  (n: number) =>
  ({ direction, frame }: Passing) =>
    direction === 'up' &&
    frame.type === 'events' &&
    frame.items.some(({ data }) => data['id'] === `event ${n}`);

// I4, with heartbeats as they are by default.
const holes = [
  ['events in the middle of the stream', holds(1), 3, 2],
  ['the last events of the stream', holds(2), 3, 25],
  ['an acknowledgement', ({ frame }: Passing) => frame.type === 'ack', 1, 25],
] as const;
for (const [name, fits, count, withinSeconds] of holes) {
  t.test(`I4 a hole is known within one heartbeat: ${name} dropped`, async (t) => {
    await using rig = await rigOf(t);
    const { node, proxy, database } = rig;
    proxy.fate = once(fits, 'drop');
    const startedMs = performance.now();
    for (let n = 0; n < count; n++) await node.spool.append(draft(n));
    await until(() => node.isDelivered);
    const seconds = (performance.now() - startedMs) / 1000;
    t.ok(seconds < withinSeconds, `closed after ${seconds} s`);
    t.same(accountOf(database, 'node-1').ids, ids(count));
    t.equal(proxy.connections, 1, 'on the same connection');
  });
}

t.test('I3 no event is stored twice: frames repeated, reordered, replayed, cut', async (t) => {
  await using rig = await rigOf(t, QUICK);
  const { node, proxy, database } = rig;
  const random = randomFrom(SEED);
  const fates: readonly [Fate, ...Fate[]] = ['twice', 'swap', 'replay', 'drop', 'pass', 'cut'];
  proxy.fate = ({ frame }) =>
    frame.type === 'hello' || frame.type === 'welcome' || random.chance(0.5)
      ? 'pass'
      : random.pick(fates);
  const count = 400;
  for (let n = 0; n < count; n++) await node.spool.append(draft(n));
  proxy.fate = () => 'pass';
  await until(() => node.isDelivered);
  const account = accountOf(database, 'node-1');
  t.same(account.ids, ids(count), `each once and in order, seed ${SEED}`);
  t.match(account, { duplicates: 0, holes: 0, lost: 0 });
});

t.test('I2 what was given up after it was delivered is not counted as lost', async (t) => {
  const folder = t.testdir({});
  const stateDir = join(folder, 'aggregator');
  await using aggregator = await runAggregator(stateDir, { limits: QUICK });
  await using proxy = await FrameProxy.listen(aggregator.url);
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, aggregator.agentToken);
  // Nothing that the aggregator says of events arrives, so the agent holds all of them for undelivered.
  const isWord = (type: string): boolean => type === 'ack' || type === 'error';
  proxy.fate = ({ frame }) => (isWord(frame.type) ? 'drop' : 'pass');
  const limits = { segmentBytes: 2000, totalBytes: 20_000 };
  await using node = await LinkNode.start({ folder, url: proxy.url, tokenFile, limits });
  const database = join(stateDir, 'nodeseal.db');
  for (let n = 0; n < 50; n++) await node.spool.append(draft(n));
  await until(() => accountOf(database, 'node-1').ids.length === 50);
  // The cap takes the oldest, those that were delivered with some that were not.
  proxy.fate = ({ frame, direction }) =>
    (direction === 'up' && frame.type === 'events') || isWord(frame.type) ? 'drop' : 'pass';
  for (let n = 50; n < 300; n++) await node.spool.append(draft(n, 'low'));
  t.ok(node.spool.state.lost > 0, `${node.spool.state.lost} given up`);
  proxy.fate = () => 'pass';
  await until(() => node.isDelivered);
  const account = accountOf(database, 'node-1');
  t.match(account, { duplicates: 0, holes: 0 });
  t.equal(account.ids.length + account.lost, 300, 'delivered and lost are all there were');
});

t.test('I12 a poison record does not block the stream', async (t) => {
  await using rig = await rigOf(t, QUICK);
  const { node, proxy, aggregator } = rig;
  proxy.fate = (passing) => {
    const { frame } = passing;
    if (!holds(5)(passing) || frame.type !== 'events') return 'pass';
    const items = frame.items.map((item) =>
      item.data['id'] === 'event 5' ? { ...item, class: 'poison' } : item,
    );
    return { instead: { ...frame, items } };
  };
  for (let n = 0; n < 10; n++) await node.spool.append(draft(n));
  await until(() => node.isDelivered);
  t.equal(proxy.connections, 1, 'on the same connection');
  t.match(await aggregator.get('/v1/events?kind=rejected'), {
    body: { items: [{ sequence: 6, data: { code: 'schema' } }] },
  });
  const account = accountOf(rig.database, 'node-1');
  t.same(
    account.ids,
    ids(10).filter((id) => id !== 'event 5'),
    'all others are there',
  );
});

t.test('I5 state is equal 45 s after a connection, whatever became of frames', async (t) => {
  // Two heartbeats and what is under way, in heartbeats of this test.
  const limits = { ...QUICK, heartbeatSeconds: 1 };
  const withinMs = 2 * 1100 + 5000;
  await using rig = await rigOf(t, limits);
  const { node, proxy, aggregator } = rig;
  const random = randomFrom(SEED + 1);
  const fates: readonly [Fate, ...Fate[]] = ['twice', 'swap', 'replay', 'drop', 'cut', 'hold'];
  for (let round = 0; round < 4; round++) {
    proxy.fate = ({ frame }) =>
      frame.type === 'hello' || frame.type === 'welcome' || random.chance(0.7)
        ? 'pass'
        : random.pick(fates);
    for (let edit = 0; edit < 40; edit++) {
      node.state.replace(random.pick(['trust', 'files', 'host']), randomItems(random));
      await new Promise((resolve) => setImmediate(resolve));
      if (edit % 10 === 9) proxy.release();
    }
    proxy.fate = () => 'pass';
    proxy.release();
    await until(() => node.uplink.session !== undefined);
    const connectedMs = performance.now();
    await until(async () => isEqual(node, await sectionsAt(aggregator)), 50);
    const ms = performance.now() - connectedMs;
    t.ok(ms < withinMs, `round ${round}, seed ${SEED}: equal after ${Math.round(ms)} ms`);
  }
});

t.test('I5 a change whose last part never came is asked for again', async (t) => {
  await using rig = await rigOf(t, { ...QUICK, heartbeatSeconds: 0.5 });
  const { node, proxy, aggregator } = rig;
  proxy.fate = once(({ frame }) => frame.type === 'state' && frame.part === frame.of, 'drop');
  const text = 'x'.repeat(250_000);
  const items = Array.from({ length: 8 }, (_, n): [string, Json] => [`item ${n}`, { n, text }]);
  node.state.replace('files', new Map(items));
  await until(async () => isEqual(node, await sectionsAt(aggregator)), 50);
  t.equal(proxy.connections, 1, 'on the same connection');
});

function randomItems(random: Random): ReadonlyMap<string, Json> {
  const text = random.chance(0.1) ? 'x'.repeat(240_000) : '';
  return new Map(
    Array.from({ length: random.below(8) }, (_, n): [string, Json] => [
      `key ${random.below(12)}`,
      { n, value: random.below(1000), text },
    ]),
  );
}

type Sections = Partial<Record<SectionName, Record<string, Json>>>;

async function sectionsAt(aggregator: RunningAggregator): Promise<Sections> {
  const { body } = await aggregator.get('/v1/nodes/node-1');
  return (body as { sections: Sections }).sections;
}

function isEqual(node: LinkNode, sections: Sections): boolean {
  return (['trust', 'files', 'host'] as const).every((name) => {
    const { hash, items } = node.state.section(name);
    if (hash === EMPTY_HASH) return true;
    return canonicalJson(Object.fromEntries(items)) === canonicalJson(sections[name] ?? {});
  });
}
