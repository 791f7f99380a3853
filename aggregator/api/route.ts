import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../shared/clock.ts';
import type { Fleet } from '../fleet.ts';
import type { Credentials } from '../identity/credentials.ts';
import type { Role } from '../identity/principal.ts';
import type { TokenAuthority } from '../identity/tokens.ts';
import type { Metrics } from '../metrics.ts';
import type { Sessions } from '../sessions.ts';
import type { Store } from '../store/store.ts';
import type { Query } from './query.ts';

/** What routes answer from. */
export interface ApiContext {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly metrics: Metrics;
  readonly tokens: TokenAuthority;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export interface ApiRequest {
  readonly query: Query;
  /** The part of the path under the collection, decoded; empty for the collection itself. */
  readonly name: string;
  readonly body: unknown;
  /** Address of the caller. */
  readonly source: string;
  /** Takes over the answer: server-sent events. */
  takeOver(): { readonly response: ServerResponse; readonly connection: EventEmitter };
}

/** One thing the API can do: what it is called, who may, what it understands, as data. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `:name` stands for the name of one thing. */
  readonly path: string;
  /** `join`: the route checks a join token in its body itself. */
  readonly role: Role | 'join';
  readonly summary: string;
  /** Names of query parameters; others are refused. */
  readonly query: readonly string[];
  /** What is answered as JSON; undefined when the route took the answer over. */
  handle(request: ApiRequest, context: ApiContext): Promise<unknown>;
}
