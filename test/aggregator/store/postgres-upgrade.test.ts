import t from 'tap';
import { openPostgres } from '../../../aggregator/store/postgres.ts';
import { Connections } from '../../../aggregator/store/postgres-connection.ts';
import { POSTGRES_VERSION } from '../../../aggregator/store/postgres-schema.ts';
import type { Store } from '../../../aggregator/store/store.ts';
import { keptLog } from '../../support/aggregator.ts';
import { migrateToNext, NEXT_VERSION } from '../../support/next-schema.ts';
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

const OVERTAKEN = {
  code: 'ERR_STORE_NEWER',
  message: `PostgreSQL: schema version ${NEXT_VERSION}, this program knows up to ${POSTGRES_VERSION}: start the newer program, or restore the copy of before its upgrade`,
};
const EVENTS = `SELECT count(*)::int AS n, max(sequence)::int AS last FROM event`;

t.test(
  'a newer version changes the schema under a running one',
  { skip: withoutPostgres },
  async (t) => {
    await using server = await PostgresServer.create();
    /** A database as this version left it, with one node and events 1 to 3. */
    const database = async (): Promise<string> => {
      const url = await server.database();
      await server.sql(url, recorded.at(-1)?.sql ?? '');
      return url;
    };

    await t.test('the older one reads and writes nothing any more', async (t) => {
      const url = await database();
      await using store = await open(url);
      await holdsWhatWasRecorded(t, store, true);
      const [node] = await store.nodes();
      const uid = node?.uid ?? '';
      await migrateToNext(url);
      const before = await server.sql(url, EVENTS);
      const nowMs = Date.now();
      const at = { atMs: nowMs, receivedAtMs: nowMs };
      const calls = {
        append: () => store.append({ uid, session: 2, epoch: 'epoch-1', ...at, events: [] }),
        touch: () => store.touch(new Map([[uid, Date.now()]])),
        retire: () => store.retire(uid, Date.now()),
        prune: () => store.prune({ eventsBeforeMs: nowMs, historyBeforeMs: nowMs, nowMs }),
        probe: () => store.probe(),
        nodes: () => store.nodes(),
        section: () => store.section(uid, 'checks'),
        items: () => store.items({ section: 'checks', limit: 9 }),
        events: () => store.events({ limit: 9 }),
        records: async () => await store.peers?.records('token').changes(),
      };
      for (const [name, call] of Object.entries(calls)) {
        const called: Promise<unknown> = call();
        await t.rejects(called, OVERTAKEN, name);
      }
      t.same(await server.sql(url, EVENTS), before, 'and forgets nothing');
    });

    await t.test('what was acknowledged while it happened is there, and no more', async (t) => {
      const url = await database();
      await using store = await open(url);
      await holdsWhatWasRecorded(t, store, true);
      const [node] = await store.nodes();
      const writer = { uid: node?.uid ?? '', session: 2, epoch: 'epoch-1' };
      const append = (sequence: number): Promise<number> => {
        const what = { at: '2026-11-22T00:00:00.000Z', kind: 'file.changed', lost: 0, data: '{}' };
        const events = [{ ...what, class: 'low' as const, sequence, throughSequence: sequence }];
        return store
          .append({ ...writer, receivedAtMs: Date.now(), events })
          .then((cursor) => cursor.sequence);
      };
      let [acknowledged, sequence] = [4, 4];
      let migrating: Promise<void> | undefined;
      const refused = await (async () => {
        for (;;) {
          const next = Array.from({ length: 10 }, () => append(++sequence));
          if (sequence > 40) migrating ??= migrateToNext(url);
          for (const answer of await Promise.allSettled(next)) {
            if (answer.status === 'rejected') return answer.reason;
            acknowledged = answer.value;
          }
        }
      })();
      await migrating;
      t.match(refused, OVERTAKEN);
      t.ok(acknowledged > 40, `${acknowledged} acknowledged`);
      t.same(await server.sql(url, EVENTS), [{ n: acknowledged, last: acknowledged }]);
    });

    await t.test('it waits for a transaction that has begun', async (t) => {
      const url = await database();
      const options = { url, passwordFile: undefined, ca: undefined };
      await using older = new Connections(options, 1, POSTGRES_VERSION);
      let migrating = Promise.resolve();
      await older.transact('BEGIN', async (query) => {
        migrating = migrateToNext(url);
        const waiting = 'SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted';
        while ((await server.sql(url, waiting)).every((row) => !('n' in row) || row.n === 0));
        await query("UPDATE event SET data = '{}' WHERE sequence = 1");
      });
      await migrating;
      t.match(await server.sql(url, 'SELECT detail FROM event WHERE sequence = 1'), [
        { detail: '{}' },
      ]);
      const begun = (): Promise<unknown> =>
        older.transact('BEGIN', async (query) => await query('SELECT 1'));
      await t.rejects(begun(), OVERTAKEN);
    });
  },
);
