import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../agent/config.ts';
import { type Agent, startAgent } from '../../agent/daemon.ts';
import { parseConfig } from '../../shared/config.ts';
import { accountOf } from '../support/account.ts';
import { fileCheck, WATCHED } from '../support/agent.ts';
import { keptLog, type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/link-node.ts';
import { SmallDisk } from '../support/small-disk.ts';

t.setTimeout(120_000);

const disk = SmallDisk.mount();
const limits = {
  ...{ handshakes: 512, handshakesPerSource: 128 },
  ...{ heartbeatSeconds: 0.4, silentSeconds: 10, helloSeconds: 5 },
};

t.test(
  'I10 a full disk neither kills the agent nor its identity',
  { skip: disk === undefined ? 'needs the right to mount a tmpfs' : false },
  async (t) => {
    if (disk === undefined) return;
    t.teardown(() => disk[Symbol.dispose]());
    const folder = t.testdir({ aggregator: {}, host: { etc: { test: {} } } });
    const port = await freePort();
    const server = (): Promise<RunningAggregator> =>
      runAggregator(join(folder, 'aggregator'), {
        limits,
        listen: { address: '127.0.0.1', port, allowPlain: false },
      });
    const agent = (joinTokenFile: string): Promise<Agent> => {
      const stateDir = join(disk.folder, 'state');
      const config = {
        ...parseConfig('', 'test', configSchema),
        ...{ hostRoot: join(folder, 'host'), stateDir, nodeName: 'full' },
        aggregator: {
          url: `http://127.0.0.1:${port}`,
          tokenFile: join(stateDir, 'agent.token'),
          ...{ joinTokenFile, allowPlain: false },
        },
      };
      const options = { log: keptLog(), checks: [fileCheck(WATCHED)], random: () => 0 };
      return startAgent(config, options);
    };
    const seen = async (aggregator: RunningAggregator) => {
      const { body } = await aggregator.get('/v1/nodes/full');
      return body as {
        node: { uid: string; state: string };
        session: { conditions: readonly string[] } | null;
        sections: { agent: Record<string, unknown> };
      };
    };
    const conditions = async (aggregator: RunningAggregator): Promise<readonly string[]> =>
      (await seen(aggregator)).session?.conditions ?? ['not connected'];
    let generated = 0;
    const emit = async ({ spool }: Agent, count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        const id = `event ${generated++}`;
        await spool.append({ kind: 'test', class: n % 3 === 0 ? 'high' : 'low', data: { id } });
      }
    };
    const isDelivered = ({ spool }: Agent): boolean =>
      spool.state.acknowledged === spool.state.next - 1;

    let aggregator = await server();
    const joinFile = join(folder, 'aggregator/tokens/join.token');
    let running = await agent(joinFile);
    await emit(running, 20);
    await until(() => isDelivered(running));
    const { uid } = (await seen(aggregator)).node;
    const { epoch } = running.spool.state;

    disk.fill();
    await emit(running, 30);
    await until(() => isDelivered(running));
    t.match(running.spool.state.degraded, /ENOSPC/);
    await until(async () => (await conditions(aggregator)).includes('SpoolDegraded'));
    t.match(await seen(aggregator), {
      node: { uid, state: 'online' },
      sections: { agent: { 'condition SpoolDegraded': { why: /ENOSPC/ } } },
    });
    writeFileSync(join(folder, 'host', WATCHED), 'bad');
    await until(async () => {
      const { body } = await aggregator.get('/v1/findings?node=full');
      const { items } = body as { items: readonly { ruleId: string; result: string }[] };
      return items.some(({ ruleId, result }) => ruleId === 'file.a' && result === 'fail');
    });
    t.pass('it goes on looking, and what it finds arrives');

    await aggregator[Symbol.asyncDispose]();
    await emit(running, 1500);
    t.ok(running.spool.state.lost > 0, 'more than memory holds is given up');
    await running[Symbol.asyncDispose]();
    running = await agent(joinFile);
    await emit(running, 10);
    aggregator = await server();
    await until(() => isDelivered(running));
    t.match((await seen(aggregator)).node, { uid, state: 'online' }, 'a restart on the full disk');

    disk.free();
    await emit(running, 1);
    await until(() => isDelivered(running));
    await until(async () => !(await conditions(aggregator)).includes('SpoolDegraded'));
    t.match((await seen(aggregator)).node, { uid, state: 'online' }, 'the same node all the time');
    t.equal(running.spool.state.epoch, epoch, 'one life of the spool');
    const numbered = running.spool.state.next - 1;
    await running[Symbol.asyncDispose]();
    await aggregator[Symbol.asyncDispose]();
    const account = accountOf(join(folder, 'aggregator/nodeseal.db'), 'full');
    const records = account.epochs.get(epoch) ?? [];
    const delivered = records.filter(({ kind }) => kind !== 'lost').length;
    t.match(account, { duplicates: 0, holes: 0 });
    t.equal(delivered + account.lost, numbered, 'I2 each event was delivered or counted');
    t.equal(new Set(account.ids).size, account.ids.length);
  },
);
