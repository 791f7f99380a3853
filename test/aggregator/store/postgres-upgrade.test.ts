import t from 'tap';
import { openPostgres } from '../../../aggregator/store/postgres.ts';
import { POSTGRES_VERSION } from '../../../aggregator/store/postgres-schema.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import { keptLog } from '../../support/aggregator.ts';
import { PostgresServer, withoutPostgres } from '../../support/postgres.ts';
import { holdsWhatWasRecorded, recordedDatabases } from './recorded.ts';

const recorded = recordedDatabases('postgresql');

function open(url: string): Promise<Store> {
  return openPostgres({
    url,
    passwordFile: undefined,
    ca: undefined,
    replica: 'replica-1',
    onCommit: () => {},
    log: keptLog(),
  });
}

/** Columns and indexes, as they are now. */
const SCHEMA = `SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS what
    FROM information_schema.columns WHERE table_schema = 'public'
  UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`;

t.test('a database of each version was recorded', async (t) => {
  t.same(
    recorded.map(({ version }) => version),
    Array.from({ length: POSTGRES_VERSION }, (_, index) => index + 1),
  );
});

t.test('PostgreSQL of earlier versions', { skip: withoutPostgres }, async (t) => {
  await using server = await PostgresServer.create();
  const fresh = await server.database();
  await (await open(fresh))[Symbol.asyncDispose]();

  for (const { version, sql } of recorded) {
    await t.test(`version ${version} is brought to version ${POSTGRES_VERSION}`, async (t) => {
      const url = await server.database();
      await server.sql(url, sql);
      {
        await using store = await open(url);
        await holdsWhatWasRecorded(t, store, true);
      }
      t.same(await server.sql(url, SCHEMA), await server.sql(fresh, SCHEMA), 'as a new one');
    });
  }

  await t.test('a newer version stays as it is, and the error says what to do', async (t) => {
    const url = await server.database();
    await server.sql(url, recorded.at(-1)?.sql ?? '');
    await server.sql(url, `UPDATE nodeseal_schema SET version = ${POSTGRES_VERSION + 1}`);
    const before = await server.sql(url, SCHEMA);
    await t.rejects(open(url), {
      code: 'ERR_STORE_NEWER',
      message: `PostgreSQL: schema version ${POSTGRES_VERSION + 1}, this program knows up to ${POSTGRES_VERSION}: start the newer program, or restore the copy of before its upgrade`,
    });
    t.same(await server.sql(url, SCHEMA), before);
  });
});
