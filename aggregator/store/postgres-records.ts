import { CodedError } from '../../shared/errors.ts';
import { type Connections, type Query, toStoreError } from './postgres-connection.ts';
import type { RecordChanges, RecordKind, Records, RecordWriter } from './records.ts';
import { integer, text } from './row.ts';

/** Of pg_advisory_xact_lock: "nseR", and a number of the kind. */
const RECORD_LOCK = 0x6e736552;

/**
 * Records of one kind in the database. Versions are given under the lock of the kind, which is held until they are
 * committed: who has seen one has seen all before it.
 */
export class PostgresRecords implements Records {
  readonly isShared = true;
  readonly #kind: RecordKind;
  readonly #connections: Connections;
  #seen = 0;

  constructor(kind: RecordKind, connections: Connections) {
    this.#kind = kind;
    this.#connections = connections;
  }

  async changes(): Promise<RecordChanges> {
    return await this.#transact('BEGIN READ ONLY', (query) => this.#news(query));
  }

  async inTurn<T>(
    learn: (changes: RecordChanges) => void,
    change: (writer: RecordWriter) => Promise<T>,
  ): Promise<T> {
    let version = 0;
    const result = await this.#transact('BEGIN', async (query) => {
      await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [RECORD_LOCK, this.#kind]);
      learn(await this.#news(query));
      version = this.#seen;
      const write = async (key: string, value: string | null): Promise<void> => {
        version++;
        await query(
          `INSERT INTO record (kind, key, text, version) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, key) DO UPDATE SET text = excluded.text, version = excluded.version`,
          [this.#kind, key, value, version],
        );
      };
      return await change({ keep: write, remove: (key) => write(key, null) });
    });
    this.#seen = version;
    return result;
  }

  place(key: string): string {
    return `PostgreSQL: record ${this.#kind} ${key}`;
  }

  /** What others committed is learnt, whatever becomes of this transaction. */
  async #news(query: Query): Promise<RecordChanges> {
    const rows = await query(
      'SELECT key, text, version FROM record WHERE kind = $1 AND version > $2 ORDER BY version',
      [this.#kind, this.#seen],
    );
    const last = rows.at(-1);
    if (last !== undefined) this.#seen = integer(last, 'version');
    return new Map(
      rows.map((row) => [text(row, 'key'), row['text'] === null ? null : text(row, 'text')]),
    );
  }

  async #transact<T>(begin: string, work: (query: Query) => Promise<T>): Promise<T> {
    try {
      return await this.#connections.transact(begin, work);
    } catch (error) {
      // What the change itself refused stays what it is.
      throw error instanceof CodedError ? error : toStoreError(error);
    }
  }
}
