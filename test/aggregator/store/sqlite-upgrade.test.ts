import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { openSqlite } from '../../../aggregator/store/sqlite.ts';
import { SCHEMA_VERSION } from '../../../aggregator/store/sqlite-schema.ts';
import { systemClock } from '../../../shared/clock.ts';
import { holdsWhatWasRecorded, recordedDatabases } from './recorded.ts';

/** Version 2 dropped the states, which come again when the nodes are connected next. */
const STATES_SINCE = 2;
const recorded = recordedDatabases('sqlite');

function load(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function schemaOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database
    .prepare(`SELECT type, name, replace(sql, '"', '') AS sql FROM sqlite_schema
       WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2`)
    .all();
  database.close();
  return rows;
}

t.test('a database of each version was recorded', async (t) => {
  t.same(
    recorded.map(({ version }) => version),
    Array.from({ length: SCHEMA_VERSION }, (_, index) => index + 1),
  );
});

for (const { version, sql } of recorded) {
  t.test(`a database of version ${version} is brought to version ${SCHEMA_VERSION}`, async (t) => {
    const folder = t.testdir();
    const path = join(folder, 'nodeseal.db');
    load(path, sql);
    {
      await using store = openSqlite({ path, clock: systemClock });
      await holdsWhatWasRecorded(t, store, version >= STATES_SINCE);
    }
    const fresh = join(folder, 'fresh.db');
    await openSqlite({ path: fresh, clock: systemClock })[Symbol.asyncDispose]();
    t.same(schemaOf(path), schemaOf(fresh), 'the same schema as a new database');
  });
}

t.test('a database of a newer version stays as it is, and the error says what to do', async (t) => {
  const path = join(t.testdir(), 'nodeseal.db');
  load(path, `${recorded.at(-1)?.sql} PRAGMA user_version = ${SCHEMA_VERSION + 1};`);
  const before = schemaOf(path);
  t.throws(() => openSqlite({ path, clock: systemClock }), {
    code: 'ERR_STORE_NEWER',
    message: `${path}: schema version ${SCHEMA_VERSION + 1}, this program knows up to ${SCHEMA_VERSION}: start the newer program, or restore the copy of before its upgrade`,
  });
  t.same(schemaOf(path), before);
});
