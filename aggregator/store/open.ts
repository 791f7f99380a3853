import { join } from 'node:path';
import { readNamedFile } from '../../shared/config.ts';
import type { Logger } from '../../shared/log.ts';
import type { AggregatorConfig } from '../config.ts';
import type { OnCommit } from './sqlite-commits.ts';
import { openSqliteThreads } from './sqlite-thread.ts';
import type { Store } from './store.ts';

type Place = Pick<
  AggregatorConfig,
  'stateDir' | 'databaseUrl' | 'databasePasswordFile' | 'databaseCaFile'
>;

/** Opens the store that the configuration names. Throws `StoreError`; `ConfigError` for files it names. */
export async function openStore(
  { stateDir, databaseUrl, databasePasswordFile, databaseCaFile }: Place,
  serverId: string,
  onCommit: OnCommit,
  log: Logger,
): Promise<Store> {
  if (databaseUrl === undefined) {
    return await openSqliteThreads({ path: join(stateDir, 'nodeseal.db'), onCommit });
  }
  const ca = databaseCaFile && (await readNamedFile('databaseCaFile', databaseCaFile)).toString();
  if (databasePasswordFile !== undefined) {
    await readNamedFile('databasePasswordFile', databasePasswordFile);
  }
  // Only who has PostgreSQL pays for its driver.
  const { openPostgres } = await import('./postgres.ts');
  return await openPostgres({
    url: databaseUrl,
    passwordFile: databasePasswordFile,
    ca,
    replica: serverId,
    onCommit,
    log,
  });
}
