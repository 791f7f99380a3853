import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { messageOf } from '../../shared/errors.ts';
import { newerSchema } from './newer.ts';
import { databasePlace } from './postgres-url.ts';
import { integer, type Row } from './row.ts';
import { StoreError } from './store.ts';

export interface ConnectionOptions {
  /** Without a password in it. */
  readonly url: string;
  readonly passwordFile: string | undefined;
  /** PEM. */
  readonly ca: string | undefined;
}

/** Of notifications: there is news in the tables. */
export const CHANNEL = 'nodeseal';

const CONNECT_MS = 5000;
/** Longer than any statement of ours takes; a half-open connection is given up after it. */
const STATEMENT_MS = 30_000;
const LOCK_MS = 10_000;
/** Oids of int8 and of xid8, of pg_type. */
const [INT8, XID8] = [20, 5069];

function clientConfig({ url, passwordFile, ca }: ConnectionOptions): pg.ClientConfig {
  const { tls, ...place } = databasePlace(url);
  return {
    ...place,
    // Given always, so that the driver looks for none in the environment; read anew for each connection.
    password: async () =>
      passwordFile === undefined ? '' : (await readFile(passwordFile, 'utf8')).trim(),
    ssl: tls ? { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) } : false,
    application_name: 'nodeseal-aggregator',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + CONNECT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    // What is acknowledged is durable, whatever the server's default is.
    options: '-c synchronous_commit=on',
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
        // Numbers that JSON can say: times in ms, sequences, sizes.
        if (oid === INT8) return Number;
        if (oid === XID8) return String;
        return pg.types.getTypeParser(oid, format as 'text');
      }) as typeof pg.types.getTypeParser,
    },
  };
}

/**
 * Behind BEGIN, in one round trip. The lock comes before the transaction's first snapshot and lasts as long as it: nobody
 * changes the schema under it, and what was changed before is seen.
 */
const SCHEMA_NOW =
  '; LOCK TABLE nodeseal_schema IN ACCESS SHARE MODE; SELECT version FROM nodeseal_schema';

/** Connections that are taken for a transaction and given back. */
export class Connections {
  readonly #pool: pg.Pool;
  readonly #schema: number | undefined;

  /** `schema`: its version that this program knows; undefined for who is about to make it. */
  constructor(options: ConnectionOptions, most: number, schema?: number) {
    this.#schema = schema;
    this.#pool = new pg.Pool({ ...clientConfig(options), max: most, idleTimeoutMillis: 60_000 });
    // One that broke while idle is replaced when it is needed.
    this.#pool.on('error', () => {});
  }

  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects. Throws `ERR_STORE_NEWER` where
   * a later version of this program has changed the schema meanwhile.
   */
  async transact<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    try {
      await this.#begin(client, begin);
      const result = await work(queryOf(client));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // A connection whose transaction cannot be ended is not used again.
      await client.query('ROLLBACK').catch((cause: Error) => onError(cause));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #begin(client: pg.ClientBase, begin: string): Promise<void> {
    if (this.#schema === undefined) {
      await client.query(begin);
      return;
    }
    // Of several statements the driver gives a list of results, which its types do not say.
    const results: unknown = await client.query<Row>(begin + SCHEMA_NOW);
    const row = (results as readonly pg.QueryResult<Row>[]).at(-1)?.rows[0];
    const version = row === undefined ? 0 : integer(row, 'version');
    if (version > this.#schema) throw newerSchema('PostgreSQL', version, this.#schema);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }
}

/** One statement with its values; `$1` is the first. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A connection of its own, for what must hear notifications. Rejects when the server cannot be reached. */
export async function connectAlone(
  options: ConnectionOptions,
  heard: (payload: string) => void,
  ended: () => void,
): Promise<{ readonly query: Query; close(): Promise<void> }> {
  const client = new pg.Client(clientConfig(options));
  client.on('error', () => {});
  client.on('end', ended);
  client.on('notification', ({ payload }) => heard(payload ?? ''));
  await client.connect();
  return { query: queryOf(client), close: () => client.end() };
}

const NAMES = new Map<string, string>();

/** Statements are texts of this program, few of them: each is prepared once for a connection. */
function queryOf(client: pg.ClientBase): Query {
  return async (text, values = []) => {
    const name = NAMES.get(text) ?? `s${NAMES.size}`;
    NAMES.set(text, name);
    const result = await client.query<Row>({ name, text, values: [...values] });
    return result.rows;
  };
}

/** `?` of our conditions as the `$1` of PostgreSQL. */
export function numbered(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => `$${++count}`);
}

/** SQLSTATE of what the server refused; empty when it was not the server. */
export function sqlState(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '';
}

/** Anything that failed as the store's error. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('ERR_STORE_WRITE', `PostgreSQL: ${messageOf(error)}`, { cause: error });
}
