import type { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Json } from '../../shared/canonical.ts';
import type { Clock } from '../../shared/clock.ts';
import type { AuditLog } from '../audit.ts';
import type { Fleet } from '../fleet.ts';
import type { Credentials } from '../identity/credentials.ts';
import type { DenyList } from '../identity/deny-list.ts';
import type { EnrolledNodes } from '../identity/enrolled-nodes.ts';
import type { Enrolment } from '../identity/enrolment.ts';
import type { Principal, Role } from '../identity/principal.ts';
import type { TokenAuthority } from '../identity/tokens.ts';
import type { Metrics } from '../metrics.ts';
import type { ServerSelf } from '../self.ts';
import type { Sessions } from '../sessions.ts';
import type { Simulations } from '../simulations/simulations.ts';
import type { Store } from '../store/store.ts';
import type { Query } from './query.ts';

/** What routes answer from. */
export interface ApiContext {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly simulations: Simulations;
  readonly metrics: Metrics;
  readonly tokens: TokenAuthority;
  readonly credentials: Credentials;
  readonly enrolment: Enrolment;
  readonly enrolled: EnrolledNodes;
  readonly denied: DenyList;
  readonly audit: AuditLog;
  /** Whether certificates of callers can be seen: with TLS of our own. */
  readonly hasTls: boolean;
  readonly clock: Clock;
  readonly self: ServerSelf;
}

export interface ApiRequest {
  readonly query: Query;
  /** The part of the path under the collection, decoded; empty for the collection itself. */
  readonly name: string;
  readonly body: unknown;
  /** Address of the caller. */
  readonly source: string;
  /** Who asks; undefined on a route that checks its credential itself. */
  readonly caller: Principal | undefined;
  /** Adds to what the audit log says of this request. Never a secret. */
  note(detail: Readonly<Record<string, Json>>): void;
  /** On a route that checks its credential itself: who asks, for the audit log. */
  act(who: string, detail: Readonly<Record<string, Json>>): void;
  /** Takes over the answer: server-sent events. */
  takeOver(): { readonly response: ServerResponse; readonly connection: EventEmitter };
}

/** An answer with another status than 200. */
export class Reply {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    this.status = status;
    this.body = body;
  }
}

/** One thing the API can do: what it is called, who may, what it understands, as data. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `:name` stands for the name of one thing. */
  readonly path: string;
  /** `join`: the route checks a join token in its body itself. `node`: any node's own credential. */
  readonly role: Role | 'join' | 'node';
  readonly summary: string;
  /** Names of query parameters; others are refused. */
  readonly query: readonly string[];
  /** Media type of the answer; JSON when left out. */
  readonly produces?: string;
  /** Status of an answer, when it is not 200. */
  readonly status?: 202;
  /** JSON Schema of the body, where the description of the API has one. */
  readonly body?: Json;
  /** What is answered as JSON, a `Reply` for another status than 200; undefined when the route took the answer over. */
  handle(request: ApiRequest, context: ApiContext): Promise<unknown>;
}
