import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { CLOSE } from '../../shared/protocol.ts';
import { AgentClient } from '../support/agent-client.ts';
import { migrateToNext, NEXT_VERSION } from '../support/next-schema.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.test(
  'I15 versions mix: a newer aggregator on the database ends the older one',
  { skip: withoutPostgres },
  async (t) => {
    await using server = await PostgresServer.create();
    const databaseUrl = await server.database();
    const older = await AggregatorProcess.start(join(t.testdir({}), 'older'), { databaseUrl });
    t.teardown(() => older.program[Symbol.asyncDispose]());
    const agent = await AgentClient.connect(older.url, older.agentToken);
    agent.events([1, 2]);
    await agent.next('ack', ({ sequence }) => sequence === 2);

    const ended = once(older.program.child, 'exit');
    const saying = older.program.says('start the newer program');
    await migrateToNext(databaseUrl);
    await agent.next('drain');
    t.equal(await agent.closed, CLOSE.restart, 'a quiet agent is sent to another');
    t.same(await ended, [8, null]);
    await saying;
    const [row] = await server.sql(databaseUrl, 'SELECT count(*)::int AS n FROM event');
    t.match(row, { n: 2 });
    await t.rejects(older.restart(), {
      message: new RegExp(`schema version ${NEXT_VERSION}.*: start the newer program`),
    });
  },
);
