import { messageOf } from '../../shared/errors.ts';
import { type Connections, type Query, sqlState, toStoreError } from './postgres-connection.ts';
import type { Appended } from './postgres-events.ts';
import type { PostgresWrites } from './postgres-writes.ts';
import type { OnCommit } from './sqlite-commits.ts';
import { type EventBatch, StoreError } from './store.ts';
import { recordsOf, type StoreCall } from './store-methods.ts';

/** One write that waits for the next commit. */
interface Waiting {
  readonly call: StoreCall;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

type Outcome = { readonly value: unknown } | { readonly error: StoreError };

/** Of one transaction: calls, and the records in them. */
const MOST_CALLS = 100;
const MOST_RECORDS = 2000;
const TRIES = 4;
/**
 * Another aggregator was in the way (serialization, deadlock) or forgot what this one was about to use (foreign key,
 * unique): the same again will do.
 */
const TRY_AGAIN = ['40001', '40P01', '23503', '23505'];

/**
 * Group commit over one connection at a time: writes that wait while one transaction is under way go together into the
 * next, in their order. All writes of a node go through one lane.
 */
export class PostgresLane {
  readonly #connections: Connections;
  readonly #writes: PostgresWrites;
  readonly #onCommit: OnCommit;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  constructor(connections: Connections, writes: PostgresWrites, onCommit: OnCommit) {
    this.#connections = connections;
    this.#writes = writes;
    this.#onCommit = onCommit;
  }

  /** Resolves when the write is committed. */
  add(call: StoreCall): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ call, resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // What comes in the same turn goes into the same transaction.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  #take(): readonly Waiting[] {
    let [calls, records] = [0, 0];
    while (calls < this.#waiting.length && calls < MOST_CALLS && records < MOST_RECORDS) {
      const next = this.#waiting[calls++];
      if (next !== undefined) records += recordsOf(next.call);
    }
    return this.#waiting.splice(0, calls);
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    const startedMs = performance.now();
    const outcomes = await this.#outcomes(taken);
    const records = taken.reduce((sum, { call }) => sum + recordsOf(call), 0);
    this.#onCommit((performance.now() - startedMs) / 1000, records);
    for (const [index, { resolve, reject }] of taken.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new StoreError('ERR_STORE_WRITE', 'no outcome'));
      else if ('error' in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }

  /** What one write makes fail must not fail those of other nodes: then each has a transaction of its own. */
  async #outcomes(taken: readonly Waiting[]): Promise<readonly Outcome[]> {
    try {
      return await this.#transact(taken);
    } catch (error) {
      if (taken.length === 1 || isUnreachable(error)) {
        return taken.map(() => ({ error: toStoreError(error) }));
      }
    }
    const outcomes: Outcome[] = [];
    for (const each of taken) outcomes.push(...(await this.#outcomes([each])));
    return outcomes;
  }

  async #transact(taken: readonly Waiting[]): Promise<readonly Outcome[]> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#connections.transact('BEGIN', (query) => this.#write(query, taken));
      } catch (error) {
        this.#writes.forget();
        if (tries >= TRIES || !TRY_AGAIN.includes(sqlState(error))) throw error;
      }
    }
  }

  async #write(query: Query, taken: readonly Waiting[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const batches: EventBatch[] = [];
    const append = async (): Promise<void> => {
      const appended = await this.#writes.events.appendAll(query, batches.splice(0));
      outcomes.push(...appended.map(toOutcome));
    };
    for (const { call } of taken) {
      if (call.method === 'append') {
        // The arguments are those of the method.
        batches.push(call.args[0] as EventBatch);
        continue;
      }
      if (batches.length > 0) await append();
      outcomes.push(await this.#writeOne(query, call));
    }
    if (batches.length > 0) await append();
    return outcomes;
  }

  async #writeOne(query: Query, { method, args }: StoreCall): Promise<Outcome> {
    const write = this.#writes[method as Exclude<keyof PostgresWrites, 'events' | 'forget'>];
    try {
      // As above.
      const named = write as (query: Query, ...args: unknown[]) => Promise<unknown>;
      return { value: await named.call(this.#writes, query, ...args) };
    } catch (error) {
      if (error instanceof StoreError) return { error };
      throw error;
    }
  }
}

function toOutcome(appended: Appended): Outcome {
  return 'error' in appended ? appended : { value: appended.cursor };
}

/** The server did not answer, is about to stop, or has another schema: writes one by one would fare no better. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'ERR_STORE_NEWER';
  const state = sqlState(error);
  if (/^(08|57P)/.test(state)) return true;
  return state === '' && /connect|terminat|timeout|ECONN|socket|ENOENT/i.test(messageOf(error));
}
