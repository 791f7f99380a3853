import type { AggregatorFrame } from '../shared/protocol.ts';
import type { NodeIdentity } from './store/stored-node.ts';

/** What the planes of an open session have of it. */
export interface SessionLink {
  readonly node: NodeIdentity;
  /** Session number: every write is fenced by it. */
  readonly session: number;
  send(frame: AggregatorFrame): void;
  sendError(code: string, message: string): void;
  /** Ends the session as the store's error asks for. */
  storeFailed(error: unknown): void;
  /** Stops reading from the agent until every `pause` has had its `resume`. */
  pause(): void;
  resume(): void;
}
