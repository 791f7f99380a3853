import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../shared/errors.ts';
import { newerSchema } from './newer.ts';
import { text, textOrNull } from './row.ts';
import { SQLITE_MIGRATIONS } from './sqlite-migrations.ts';
import { StoreError } from './store.ts';

/** `PRAGMA application_id` of our databases: "nseA". */
const APPLICATION_ID = 0x6e736541;

/** A predecessor that is just stopping may hold it so long. */
const BUSY_MS = 2000;

/**
 * Pages of 16 KiB where SQLite takes 4, in a new database: events are written one after the other, and each page is a
 * call of the system, twice. 64 MiB of them in memory, not 2, and the log of changes is moved into the file each 64 MiB:
 * a fleet's index is written all over.
 */
const PAGES =
  'PRAGMA page_size = 16384; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096;';

/** A copy from elsewhere: its schema calls no function, and its pages are looked at before they are believed. */
const CAUTION = 'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;';

/** Version of the schema this program writes. */
export const SCHEMA_VERSION: number = SQLITE_MIGRATIONS.length;

/**
 * Opens or creates the database and brings it to this version. Throws `ERR_STORE_FOREIGN` for a file of another
 * program, `ERR_STORE_NEWER` for one of a later version, `ERR_STORE_OPEN` when it cannot be opened or written.
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // Before SQLite makes it: only the owner may read it.
    closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    database.exec(CAUTION);
    assertOurs(database, path);
    database.exec(`${PAGES} PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;`);
    database.exec('PRAGMA foreign_keys = ON;');
    migrate(database);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof StoreError) throw cause;
    throw new StoreError('ERR_STORE_OPEN', `${path}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Holds the database for this process until closed or ended, by a lock the system releases however it ends. Two
 * writers would each be right in the database, but each would have its own sessions. Throws `ERR_STORE_IN_USE`.
 */
export function holdDatabase(path: string): DatabaseSync {
  const file = `${path}.lock`;
  let lock: DatabaseSync | undefined;
  try {
    closeSync(openSync(file, 'a', 0o600));
    lock = new DatabaseSync(file, { timeout: BUSY_MS });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    if (isBusy(cause)) {
      const who = 'another aggregator uses this database';
      throw new StoreError('ERR_STORE_IN_USE', `${path}: ${who}`, { cause });
    }
    throw new StoreError('ERR_STORE_OPEN', `${path}: ${messageOf(cause)}`, { cause });
  }
}

/** SQLITE_BUSY, sqlite3.h. */
function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === 5;
}

/** A second connection to a database that is open for writing: sees what is committed and can change nothing. */
export function openToRead(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_MS, readOnly: true });
  database.exec(`${CAUTION} PRAGMA query_only = ON`);
  return database;
}

function assertOurs(database: DatabaseSync, path: string): void {
  const applicationId = pragma(database, 'application_id');
  const version = pragma(database, 'user_version');
  if (applicationId === APPLICATION_ID) {
    if (version > SCHEMA_VERSION) throw newerSchema(path, version, SCHEMA_VERSION);
    assertUnaltered(database, path, version);
    return;
  }
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get();
  if (applicationId !== 0 || version !== 0 || tables?.['n'] !== 0) {
    throw new StoreError('ERR_STORE_FOREIGN', `${path}: a database of another program`);
  }
}

/**
 * What was made by us is as we make it, and on our tables is nothing else: of a copy from elsewhere a trigger would run, a
 * view or another column would answer, in the place of ours. Tables of others (of a program that makes copies) are theirs.
 */
function assertUnaltered(database: DatabaseSync, path: string, version: number): void {
  using asMade = new DatabaseSync(':memory:');
  for (const migration of SQLITE_MIGRATIONS.slice(0, version)) asMade.exec(migration);
  const expected = objectsOf(asMade);
  const found = objectsOf(database);
  const tables = new Set([...expected.values()].map(({ table }) => table));
  for (const [key, { name, type, table, sql }] of found) {
    const isForeign = !tables.has(table) && type !== 'trigger' && type !== 'view';
    if (isForeign || expected.get(key)?.sql === sql) continue;
    const what = `${type === 'index' ? 'an' : 'a'} ${type} that nodeseal does not make: ${name}`;
    throw new StoreError('ERR_STORE_FOREIGN', `${path}: has ${what}`);
  }
  for (const key of expected.keys()) {
    if (found.has(key)) continue;
    throw new StoreError('ERR_STORE_FOREIGN', `${path}: has no ${key}`);
  }
}

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  /** That it is, or that it is on. */
  readonly table: string;
  readonly sql: string;
}

/**
 * By type and name, since a trigger may have the name of a table; without those that SQLite makes for itself. How the text
 * is spaced and quoted depends on SQLite's version.
 */
function objectsOf(database: DatabaseSync): ReadonlyMap<string, SchemaObject> {
  const rows = database.prepare(
    `SELECT type, name, tbl_name, sql FROM sqlite_schema
       WHERE type IN ('trigger', 'view') OR name NOT LIKE 'sqlite~_%' ESCAPE '~'`,
  );
  return new Map(
    rows.all().map((row) => {
      const [type, name, table] = [text(row, 'type'), text(row, 'name'), text(row, 'tbl_name')];
      const sql = (textOrNull(row, 'sql') ?? '').replaceAll(/["\s]+/g, ' ');
      return [`${type} ${name}`, { type, name, table, sql }];
    }),
  );
}

function migrate(database: DatabaseSync): void {
  for (let version = pragma(database, 'user_version'); version < SCHEMA_VERSION; version++) {
    database.exec(`BEGIN IMMEDIATE;
      ${SQLITE_MIGRATIONS[version]}
      PRAGMA application_id = ${APPLICATION_ID};
      PRAGMA user_version = ${version + 1};
      COMMIT;`);
  }
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
