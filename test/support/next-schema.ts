import { Connections } from '../../aggregator/store/postgres-connection.ts';
import { POSTGRES_MIGRATIONS } from '../../aggregator/store/postgres-migrations.ts';
import { migratePostgres } from '../../aggregator/store/postgres-schema.ts';

/** After it statements of this version still run, and what they read and write would be wrong. */
const NEXT = `
  ALTER TABLE event RENAME COLUMN data TO detail;
  ALTER TABLE event ADD COLUMN data text NOT NULL DEFAULT '{}';
  `;

/** Of the schema after the one that this program knows. */
export const NEXT_VERSION: number = POSTGRES_MIGRATIONS.length + 1;

/** Does what the next version's first aggregator does at its start. */
export async function migrateToNext(url: string): Promise<void> {
  await using connections = new Connections({ url, passwordFile: undefined, ca: undefined }, 1);
  await migratePostgres(connections, [...POSTGRES_MIGRATIONS, NEXT]);
}
