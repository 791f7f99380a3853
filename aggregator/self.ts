import { getFips } from 'node:crypto';
import { API_VERSION, type ServerVersion } from '../shared/api.ts';
import type { LogTail } from '../shared/log-tail.ts';
import { VERSION } from '../shared/version.ts';
import type { AggregatorConfig } from './config.ts';
import type { ReadyCheck } from './readiness.ts';
import { POSTGRES_MIGRATIONS } from './store/postgres-migrations.ts';
import { SQLITE_MIGRATIONS } from './store/sqlite-migrations.ts';

/** What the program knows of itself. */
export interface ServerSelf {
  /** In effect, defaults filled in. */
  readonly config: AggregatorConfig;
  /** Its parts, and whether they work. */
  ready(): Promise<readonly ReadyCheck[]>;
  readonly log: LogTail;
}

export function serverVersion({ config }: Pick<ServerSelf, 'config'>): ServerVersion {
  const isEmbedded = config.databaseUrl === undefined;
  return {
    apiVersion: API_VERSION,
    kind: 'ServerVersion',
    version: VERSION,
    node: process.version,
    openssl: process.versions.openssl,
    fips: getFips() === 1,
    platform: `${process.platform}/${process.arch}`,
    store: isEmbedded
      ? { kind: 'sqlite', schema: SQLITE_MIGRATIONS.length }
      : { kind: 'postgres', schema: POSTGRES_MIGRATIONS.length },
  };
}
