import type { Query } from './postgres-connection.ts';

/** The lease of a leader that said nothing for so long is anybody's. */
const LEASE_SECONDS = 10;
/** It stops sooner itself, by its own clock, counted from before it asked. */
const LED_MS = 8000;

/** The lease of the one aggregator that does what only one may do. */
export class PostgresLeader {
  readonly #replica: string;
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(replica: string) {
    this.#replica = replica;
  }

  get isLeader(): boolean {
    return performance.now() < this.#untilMs;
  }

  /** Takes the lease when it is free, or renews it; to be called every two seconds or so. */
  async renew(query: Query): Promise<void> {
    const askedMs = performance.now();
    const rows = await query(
      `INSERT INTO leader (replica, said_at) VALUES ($1, now())
         ON CONFLICT (one) DO UPDATE SET replica = excluded.replica, said_at = excluded.said_at
         WHERE leader.replica = excluded.replica
           OR leader.said_at < now() - make_interval(secs => ${LEASE_SECONDS})
         RETURNING replica`,
      [this.#replica],
    );
    this.#untilMs = rows.length === 0 ? Number.NEGATIVE_INFINITY : askedMs + LED_MS;
  }

  /** Gives the lease back, so that another need not wait. */
  async resign(query: Query): Promise<void> {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    await query('DELETE FROM leader WHERE replica = $1', [this.#replica]);
  }
}
