import { randomUUID } from 'node:crypto';
import type { Json } from '../../shared/canonical.ts';
import type { PeerAnswer, PeerCommand } from './peers.ts';
import { type Connections, toStoreError } from './postgres-connection.ts';
import { REPLICA_GONE } from './postgres-nodes.ts';
import { integer, text } from './row.ts';

/** Between the node's answer there and its arrival here. */
const WAY_MS = 3000;
/** A row that nobody came for. */
const FORGOTTEN = `interval '10 minutes'`;

interface Asked {
  readonly resolve: (answer: PeerAnswer) => void;
  readonly timer: NodeJS.Timeout;
}

/** Commands for nodes that are connected to another aggregator: a row that it answers in. */
export class PostgresCommands {
  readonly #replica: string;
  readonly #connections: Connections;
  readonly #notify: () => void;
  readonly #asked = new Map<string, Asked>();

  constructor(replica: string, connections: Connections, notify: () => void) {
    this.#replica = replica;
    this.#connections = connections;
    this.#notify = notify;
  }

  /** Undefined when the node is connected to none. Never waits longer than the command may take and a little. */
  async ask(command: PeerCommand): Promise<PeerAnswer | undefined> {
    const id = randomUUID();
    const { promise, resolve } = Promise.withResolvers<PeerAnswer>();
    const timer = setTimeout(() => {
      resolve(failed('ERR_COMMAND_TIMEOUT', 'the aggregator of the node did not answer in time'));
    }, command.withinMs + WAY_MS).unref();
    this.#asked.set(id, { resolve, timer });
    try {
      if (!(await this.#write(id, command))) return undefined;
      this.#notify();
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asked.delete(id);
    }
  }

  /** Has what others asked answered, and takes the answers to what was asked here. */
  async serve(answer: (command: PeerCommand) => Promise<PeerAnswer>): Promise<void> {
    const [asked, answered] = await this.#connections.transact('BEGIN', async (query) => {
      await query(`DELETE FROM command WHERE deadline < now() - ${FORGOTTEN}`);
      return [
        await query(
          `UPDATE command SET taken = true WHERE replica = $1 AND NOT taken
             RETURNING id::text, uid, verb, arguments,
               (extract(epoch FROM deadline - now()) * 1000)::int AS within`,
          [this.#replica],
        ),
        await query(
          `DELETE FROM command WHERE id = ANY($1::uuid[]) AND answer IS NOT NULL
             RETURNING id::text, answer`,
          [[...this.#asked.keys()]],
        ),
      ] as const;
    });
    for (const row of answered) {
      // What another aggregator wrote below.
      this.#asked.get(text(row, 'id'))?.resolve(JSON.parse(text(row, 'answer')) as PeerAnswer);
    }
    for (const row of asked) {
      const withinMs = integer(row, 'within');
      if (withinMs <= 0) continue;
      const command: PeerCommand = {
        uid: text(row, 'uid'),
        verb: text(row, 'verb'),
        // What another aggregator wrote below.
        arguments: JSON.parse(text(row, 'arguments')) as Json,
        withinMs,
      };
      // Not waited for: a node takes its time, and others have news.
      void answer(command)
        .then((given) => this.#answer(text(row, 'id'), given))
        .catch(() => {});
    }
  }

  close(): void {
    for (const { resolve } of this.#asked.values()) {
      resolve(failed('ERR_COMMAND_DISCONNECTED', 'this aggregator stops'));
    }
  }

  async #write(
    id: string,
    { uid, verb, arguments: args, withinMs }: PeerCommand,
  ): Promise<boolean> {
    try {
      const rows = await this.#connections.transact('BEGIN', (query) =>
        query(
          `INSERT INTO command (id, replica, uid, verb, arguments, deadline)
             SELECT $1, node.replica, node.uid, $3, $4, now() + $5 * interval '1 millisecond'
               FROM node JOIN replica ON replica.id = node.replica
               WHERE node.uid = $2 AND replica.id <> $6 AND seen_at > now() - ${REPLICA_GONE}
             RETURNING 1 AS one`,
          [id, uid, verb, JSON.stringify(args), withinMs, this.#replica],
        ),
      );
      return rows.length > 0;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async #answer(id: string, given: PeerAnswer): Promise<void> {
    await this.#connections.transact('BEGIN', (query) =>
      query('UPDATE command SET answer = $1 WHERE id = $2', [JSON.stringify(given), id]),
    );
    this.#notify();
  }
}

function failed(code: string, message: string): PeerAnswer {
  return { ok: false, code, message };
}
