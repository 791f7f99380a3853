import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { EventDraft } from '../../agent/spool.ts';
import { type Frame, PROTOCOL } from '../../shared/protocol.ts';
import { accountOf } from '../support/account.ts';
import { keptLog } from '../support/aggregator.ts';
import { FrameProxy } from '../support/frame-proxy.ts';
import { LinkNode, until } from '../support/link-node.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(60_000);

interface Rig {
  readonly folder: string;
  readonly aggregator: AggregatorProcess;
  readonly proxy: FrameProxy;
  readonly database: string;
  readonly tokenFile: string;
  /** What came by, of both sides. */
  readonly passed: Frame[];
}

/** An aggregator as a process, and before it whoever sees every frame. */
async function rigOf(t: Test): Promise<Rig> {
  const folder = t.testdir({});
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
  t.teardown(() => aggregator.program.kill('SIGKILL'));
  const proxy = await FrameProxy.listen(aggregator.url);
  t.teardown(() => proxy[Symbol.asyncDispose]());
  const passed: Frame[] = [];
  proxy.fate = ({ frame }) => {
    passed.push(frame);
    return 'pass';
  };
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, aggregator.agentToken);
  const database = join(folder, 'aggregator/state/nodeseal.db');
  return { folder, aggregator, proxy, database, tokenFile, passed };
}

async function start(t: Test, { folder, proxy, tokenFile }: Rig): Promise<LinkNode> {
  const node = await LinkNode.start({ folder, url: proxy.url, tokenFile });
  t.teardown(() => node[Symbol.asyncDispose]());
  return node;
}

const draft = (id: string): EventDraft => ({ kind: 'test', class: 'high', data: { id } });

const modules = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
/** The agent at the moment when its events are in the spool, and none was sent. */
const writer = `
import { Spool } from ${modules('../../agent/spool.ts')};
import { systemClock } from ${modules('../../shared/clock.ts')};
const spool = await Spool.open({ folder: process.argv[1], clock: systemClock });
for (const id of ['2', '3']) await spool.append({ kind: 'test', class: 'high', data: { id } });
process.kill(process.pid, 'SIGKILL');
`;

t.test('walk-through 1: an agent that dies between spool and socket sends again', async (t) => {
  const rig = await rigOf(t);
  {
    await using node = await LinkNode.start({ ...rig, url: rig.proxy.url });
    await node.spool.append(draft('1'));
    await until(() => node.isDelivered);
  }
  const words = ['--input-type=module', '-e', writer, join(rig.folder, 'spool')];
  const [, signal] = await once(spawn(process.execPath, words, { stdio: 'inherit' }), 'exit');
  t.equal(signal, 'SIGKILL');
  rig.passed.length = 0;
  const node = await start(t, rig);
  await until(() => node.isDelivered && node.spool.state.next === 4);
  t.match(
    rig.passed.filter(({ type }) => type === 'hello' || type === 'welcome'),
    [
      { type: 'hello', protocol: PROTOCOL, spool: { next: 4 } },
      { type: 'welcome', have: { sequence: 1 } },
    ],
    'both know by the first frames what is missing',
  );
  t.match(accountOf(rig.database, 'node-1'), { ids: ['1', '2', '3'], duplicates: 0, holes: 0 });
});

t.test('walk-through 2: an aggregator that dies between commit and ack', async (t) => {
  const rig = await rigOf(t);
  const { proxy, aggregator, database } = rig;
  const node = await start(t, rig);
  await until(() => node.uplink.session !== undefined);
  proxy.fate = ({ frame }) => (frame.type === 'ack' ? 'drop' : 'pass');
  for (const id of ['1', '2', '3']) await node.spool.append(draft(id));
  await until(() => accountOf(database, 'node-1').ids.length === 3);
  await aggregator.program.kill('SIGKILL');
  t.equal(node.spool.state.acknowledged, 0, 'the agent knows of nothing');
  // The answer to hello says nothing of it either: everything comes once more.
  proxy.fate = ({ frame }) =>
    frame.type === 'welcome'
      ? { instead: { ...frame, have: { ...frame.have, sequence: 0 } } }
      : 'pass';
  await aggregator.restart();
  await until(() => node.isDelivered);
  t.match(accountOf(database, 'node-1'), { ids: ['1', '2', '3'], duplicates: 0, holes: 0 });
  await node.spool.append(draft('4'));
  await until(() => node.isDelivered);
  t.same(accountOf(database, 'node-1').ids, ['1', '2', '3', '4']);
});

t.test('walk-through 4: a spool that was wiped is a new life, the old one is closed', async (t) => {
  const rig = await rigOf(t);
  const { folder, proxy, tokenFile, aggregator, database } = rig;
  {
    await using node = await LinkNode.start({ folder, url: proxy.url, tokenFile });
    for (const id of ['1', '2']) await node.spool.append(draft(id));
    await until(() => node.isDelivered);
  }
  const wiped = await LinkNode.start({ folder: join(folder, 'new'), url: proxy.url, tokenFile });
  t.teardown(() => wiped[Symbol.asyncDispose]());
  await wiped.spool.append(draft('3'));
  await until(() => wiped.isDelivered);
  const { ids, epochs, duplicates, holes } = accountOf(database, 'node-1');
  t.same({ ids, duplicates, holes }, { ids: ['1', '2', '3'], duplicates: 0, holes: 0 });
  t.equal(epochs.size, 2);
  const { items } = await aggregator.get('/v1/events?kind=epochChanged');
  t.match(items, [{ data: { epoch: [...epochs.keys()][0], afterSequence: 2 } }]);
});

t.test('walk-through 6: a copy of a machine, its credential and all', async (t) => {
  const rig = await rigOf(t);
  const { folder, proxy, tokenFile, aggregator, database } = rig;
  const node = await start(t, rig);
  await node.spool.append(draft('of the first'));
  await until(() => node.isDelivered);
  const copyFolder = join(folder, 'copy');
  cpSync(join(folder, 'spool'), join(copyFolder, 'spool'), { recursive: true });
  const log = keptLog();
  const copy = await LinkNode.start({
    folder: copyFolder,
    url: proxy.url,
    tokenFile,
    // The disk is the same, the machine was started by itself.
    host: { name: 'node', machineId: 'machine', bootId: 'boot of the copy' },
    log,
  });
  t.teardown(() => copy[Symbol.asyncDispose]());
  await copy.spool.append(draft('of the copy'));
  await until(() => log.lines.some((line) => /two nodes use one credential/.test(line)));
  await until(async () => (await aggregator.get('/v1/nodes')).items[0]?.['state'] === 'conflict');
  t.match(await aggregator.get('/v1/nodes'), {
    coverage: { expected: 1, reporting: 0, missing: [{ cause: /two machines/ }] },
  });
  await node.spool.append(draft('of the first, still'));
  await until(() => node.isDelivered);
  t.equal(copy.isDelivered, false, 'what the copy says is not taken');
  t.same(accountOf(database, 'node-1').ids, ['of the first', 'of the first, still']);
});
