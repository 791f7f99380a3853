import { newerSchema } from './newer.ts';
import { CHANNEL, type Connections, type Query } from './postgres-connection.ts';
import { POSTGRES_MIGRATIONS } from './postgres-migrations.ts';
import { integer, text, truth } from './row.ts';
import { StoreError } from './store.ts';

/** Version of the schema this program writes. */
export const POSTGRES_VERSION: number = POSTGRES_MIGRATIONS.length;

/** Of pg_advisory_xact_lock: "nseA". Held while the schema is looked at and changed. */
const SCHEMA_LOCK = 0x6e736541;
/** PostgreSQL 15. */
const LEAST_SERVER = 150_000;

/**
 * Brings the schema to this version, in one transaction and one aggregator at a time. Those of earlier versions that run
 * are waited for, and then refuse to go on. Throws `ERR_STORE_FOREIGN` where
 * another program's tables are, `ERR_STORE_NEWER` for a later version, `ERR_STORE_OPEN` for a server that is too old.
 */
export async function migratePostgres(
  connections: Connections,
  migrations: readonly string[] = POSTGRES_MIGRATIONS,
): Promise<void> {
  await connections.transact('BEGIN', async (query) => {
    await query('SELECT pg_advisory_xact_lock($1)', [SCHEMA_LOCK]);
    const version = await versionOf(query, migrations.length);
    if (version === migrations.length) return;
    await query('LOCK TABLE nodeseal_schema IN ACCESS EXCLUSIVE MODE');
    for (const migration of migrations.slice(version)) {
      for (const statement of statementsOf(migration)) await query(statement);
    }
    await query('UPDATE nodeseal_schema SET version = $1', [migrations.length]);
    await query(`SELECT pg_notify('${CHANNEL}', '')`);
  });
}

async function versionOf(query: Query, known: number): Promise<number> {
  const [server] = await query(
    `SELECT current_setting('server_version_num')::int AS version, current_schema() AS schema,
       to_regclass('nodeseal_schema') IS NOT NULL AS ours,
       (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'S')
         AND relnamespace = current_schema()::regnamespace)::int AS relations`,
  );
  if (server === undefined || server['schema'] === null) {
    throw new StoreError('ERR_STORE_OPEN', 'PostgreSQL: no schema that this role may use');
  }
  if (integer(server, 'version') < LEAST_SERVER) {
    throw new StoreError('ERR_STORE_OPEN', 'PostgreSQL: expected version 15 or newer');
  }
  const schema = text(server, 'schema');
  if (!truth(server, 'ours')) {
    if (integer(server, 'relations') > 0) {
      const what = `schema ${schema}: tables of another program`;
      throw new StoreError('ERR_STORE_FOREIGN', `PostgreSQL: ${what}`);
    }
    await query('CREATE TABLE nodeseal_schema (version integer NOT NULL)');
    await query('INSERT INTO nodeseal_schema VALUES (0)');
    return 0;
  }
  const [row] = await query('SELECT version FROM nodeseal_schema');
  const version = row === undefined ? 0 : integer(row, 'version');
  if (version > known) throw newerSchema('PostgreSQL', version, known);
  return version;
}

/** Statements are prepared one by one; in none of ours does a semicolon end a line but at its end. */
function statementsOf(migration: string): readonly string[] {
  return migration.split(/;\n/).filter((statement) => statement.trim() !== '');
}
