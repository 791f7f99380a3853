import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { accountOf } from '../support/account.ts';
import { type RunningAgent, runAgent, WATCHED } from '../support/agent.ts';
import { until } from '../support/link-node.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(120_000);

interface Rig {
  readonly aggregator: AggregatorProcess;
  readonly agent: RunningAgent;
  readonly database: string;
  /** Events of a test, `id` counting up, each with so much text; resolves when all are acknowledged. */
  emit(count: number, bytes?: number): Promise<void>;
  /** Takes a copy of the database, as a backup of a stopped server. */
  backUp(): Promise<void>;
  /** Puts the copy back in place of what there is. */
  restore(): Promise<void>;
}

async function rigOf(t: Test): Promise<Rig> {
  const folder = t.testdir({ agent: {}, aggregator: {}, backup: {} });
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
  t.teardown(() => aggregator.program.kill('SIGKILL'));
  const link = { url: aggregator.url, token: aggregator.agentToken };
  const agent = await runAgent(join(folder, 'agent'), link, { random: () => 0 });
  t.teardown(() => agent[Symbol.asyncDispose]());
  const { spool } = agent.agent;
  const [state, backup] = [join(folder, 'aggregator/state'), join(folder, 'backup')];
  const files = (from: string): readonly string[] =>
    readdirSync(from).filter((name) => name.startsWith('nodeseal.db'));
  let id = 0;
  return {
    aggregator,
    agent,
    database: join(state, 'nodeseal.db'),
    async emit(count, bytes = 0) {
      const text = 'x'.repeat(bytes);
      for (let n = 0; n < count; n++) {
        await spool.append({ kind: 'test', class: 'high', data: { id: String(++id), text } });
      }
      await until(() => spool.state.acknowledged === spool.state.next - 1);
    },
    async backUp() {
      await aggregator.program.kill('SIGTERM');
      mkdirSync(backup, { recursive: true });
      for (const name of files(state)) cpSync(join(state, name), join(backup, name));
      await aggregator.restart();
    },
    async restore() {
      await aggregator.program.kill('SIGTERM');
      for (const name of files(state)) rmSync(join(state, name));
      for (const name of files(backup)) cpSync(join(backup, name), join(state, name));
      await aggregator.restart();
    },
  };
}

/** Result of the node's one rule that follows its file. */
async function resultOf({ aggregator }: Rig): Promise<unknown> {
  const { items } = await aggregator.get('/v1/findings');
  return items.find(({ ruleId }) => ruleId === 'file.a')?.['result'];
}

async function isBack({ agent, aggregator }: Rig): Promise<void> {
  const { spool } = agent.agent;
  await until(async () => {
    const events = await aggregator.all('/v1/events');
    return events.some(
      ({ sequence, epoch }) => epoch === spool.state.epoch && sequence === spool.state.next - 1,
    );
  });
}

t.test(
  'walk-through 3: an aggregator restored from an older backup is filled by agents',
  async (t) => {
    const rig = await rigOf(t);
    rig.agent.write(WATCHED, 'good');
    await until(async () => (await resultOf(rig)) === 'pass');
    await rig.emit(20);
    await rig.backUp();
    rig.agent.write(WATCHED, 'bad');
    await until(async () => (await resultOf(rig)) === 'fail');
    // More than a segment holds: what is acknowledged is kept all the same.
    await rig.emit(60, 100_000);
    await rig.restore();
    await isBack(rig);
    await until(async () => (await resultOf(rig)) === 'fail');
    const { ids, lost, holes, duplicates } = accountOf(rig.database, 'node-1');
    t.same(
      ids,
      Array.from({ length: 80 }, (_, n) => String(n + 1)),
      'each event once, in order',
    );
    t.same({ lost, holes, duplicates }, { lost: 0, holes: 0, duplicates: 0 });
  },
);

t.test('walk-through 3: what agents kept no more is a recorded rollback', async (t) => {
  const rig = await rigOf(t);
  await rig.emit(5);
  await rig.backUp();
  // More than the 16 MiB that are kept once they are acknowledged.
  await rig.emit(220, 100_000);
  rig.agent.write(WATCHED, 'bad');
  await until(async () => (await resultOf(rig)) === 'fail');
  const generated = rig.agent.agent.spool.state.next - 1;
  await rig.restore();
  await isBack(rig);
  await until(async () => (await resultOf(rig)) === 'fail');
  const [note] = (await rig.aggregator.all('/v1/events')).filter(
    ({ kind }) => kind === 'serverRollback',
  );
  t.match(note, { data: { fromSequence: Number, throughSequence: Number } });
  const { ids, lost, holes, duplicates, epochs } = accountOf(rig.database, 'node-1');
  t.same({ holes, duplicates }, { holes: 0, duplicates: 0 }, 'every number is spoken for, once');
  t.ok(lost > 0 && ids.length > 5, `${lost} are counted as lost, ${ids.length} are there`);
  const { epoch } = rig.agent.agent.spool.state;
  const own = (epochs.get(epoch) ?? []).filter(({ kind }) => kind !== 'serverRollback');
  t.equal(own.length + lost, generated, 'together they are what was generated');
  t.equal(ids.at(-1), '225');
});
