import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { runAgent, WATCHED } from '../support/agent.ts';
import { until } from '../support/link-node.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { AggregatorProcess } from '../support/processes.ts';
import { readPage } from './markdown.ts';

const page = readPage('docs/backup.md');
const DATABASE = 'nodeseal';
t.setTimeout(60_000);

t.test(
  'PostgreSQL is kept and put back as docs/backup.md says',
  { skip: withoutPostgres },
  async (t) => {
    await using postgres = await PostgresServer.create();
    const folder = t.testdir({ agent: {}, aggregator: {} });
    const env = { ...process.env, ...postgres.environment };
    /** The block of the page that has these words, typed as it stands. */
    const type = async (words: string): Promise<void> => {
      const block = page.blocks.find(({ text }) => text.includes(words));
      t.equal(block?.info, 'sh node', words);
      await promisify(execFile)('sh', ['-ec', block?.text ?? 'false'], { cwd: folder, env });
    };
    await postgres.sql(postgres.url('postgres'), `CREATE DATABASE ${DATABASE}`);
    const databaseUrl = postgres.url(DATABASE);
    const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'), { databaseUrl });
    t.teardown(() => aggregator.program.kill('SIGKILL'));
    const link = { url: aggregator.url, token: aggregator.agentToken };
    const running = await runAgent(join(folder, 'agent'), link, { random: () => 0 });
    t.teardown(() => running[Symbol.asyncDispose]());
    const { spool } = running.agent;
    const says = async (result: string): Promise<boolean> => {
      const { items } = await aggregator.get('/v1/findings');
      return items.some((item) => item['ruleId'] === 'file.a' && item['result'] === result);
    };
    const tokens = async (): Promise<readonly unknown[]> =>
      (await aggregator.get('/v1/tokens')).items.map(({ name }) => name);

    running.write(WATCHED, 'good');
    await until(async () => await says('pass'));
    await aggregator.tokenOf('early');
    await type('pg_dump');
    await aggregator.tokenOf('late');
    running.write(WATCHED, 'bad');
    await until(async () => await says('fail'));
    t.ok((await tokens()).includes('late'));

    await aggregator.program.kill('SIGTERM');
    await type('pg_restore');
    await aggregator.restart();
    await until(async () => await says('fail'));
    await until(() => spool.state.acknowledged === spool.state.next - 1);
    const kept = await tokens();
    t.ok(kept.includes('early') && !kept.includes('late'), 'the tokens of the copy');
    const events = await aggregator.all('/v1/events');
    const numbers = events
      .filter(({ epoch }) => epoch === spool.state.epoch)
      .map(({ sequence }) => Number(sequence))
      .toSorted((a, b) => a - b);
    const all = Array.from({ length: spool.state.next - 1 }, (_, index) => index + 1);
    t.same(numbers, all, 'each event once, those after the copy too');
  },
);
