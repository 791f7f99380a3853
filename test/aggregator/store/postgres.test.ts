import t from 'tap';
import { openPostgres } from '../../../aggregator/store/postgres.ts';
import { POSTGRES_VERSION } from '../../../aggregator/store/postgres-schema.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import { keptLog } from '../../support/aggregator.ts';
import { PostgresServer, withoutPostgres } from '../../support/postgres.ts';
import { storeContract } from './contract.ts';

let opened = 0;

function open(url: string, ca?: string): Promise<Store> {
  return openPostgres({
    url,
    passwordFile: undefined,
    ca,
    replica: `replica-${++opened}`,
    onCommit: () => {},
    log: keptLog(),
  });
}

t.test('PostgreSQL', { skip: withoutPostgres }, async (t) => {
  const server = await PostgresServer.create();
  t.teardown(() => server[Symbol.asyncDispose]());

  await t.test('does what every store must do', async (t) => {
    storeContract(t, () => {
      const url = server.database();
      return async () => open(await url);
    });
  });

  await t.test('a database that is not ours is refused and left as it is', async (t) => {
    const url = await server.database();
    await server.sql(url, 'CREATE TABLE other (a int)');
    await t.rejects(open(url), { code: 'ERR_STORE_FOREIGN', message: /another program/ });
    t.same(await server.sql(url, `SELECT relname FROM pg_class WHERE relname = 'node'`), []);
  });

  await t.test('a newer version is refused, an equal one is left as it is', async (t) => {
    const url = await server.database();
    await (await open(url))[Symbol.asyncDispose]();
    await server.sql(url, `UPDATE nodeseal_schema SET version = ${POSTGRES_VERSION + 1}`);
    await t.rejects(open(url), { code: 'ERR_STORE_NEWER', message: /start the newer program/ });
    await server.sql(url, `UPDATE nodeseal_schema SET version = ${POSTGRES_VERSION}`);
    await (await open(url))[Symbol.asyncDispose]();
  });

  await t.test('several that start at once make the schema once', async (t) => {
    const url = await server.database();
    const stores = await Promise.all([open(url), open(url), open(url)]);
    t.match(await server.sql(url, 'SELECT version FROM nodeseal_schema'), [
      { version: POSTGRES_VERSION },
    ]);
    for (const store of stores) await store[Symbol.asyncDispose]();
  });

  await t.test('a database that cannot be reached is an error that says so', async (t) => {
    await t.rejects(open(server.url('nowhere')), {
      code: 'ERR_STORE_OPEN',
      message: /database "nowhere" does not exist/,
    });
    await t.rejects(open('postgresql:///d?host=/nonexistent'), { code: 'ERR_STORE_OPEN' });
  });
});
