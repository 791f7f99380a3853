import type { API_VERSION } from './api.ts';
import type { Json } from './canonical.ts';

/** One file of a diagnosis. */
export interface DiagnosisPart {
  /** As the file is called: `config.json`, `metrics.txt`. */
  readonly name: string;
  /** A text for `.txt`, else JSON; null when it could not be had. Without secrets (shared/redact.ts). */
  readonly content: Json;
  /** Why it could not be had. */
  readonly error?: string;
}

/** Answer to `GET /v1/diagnosis` and `GET /v1/nodes/NAME/diagnosis`: what somebody needs who has to find a fault. */
export interface Diagnosis {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'Diagnosis';
  /** `server`, or `node/NAME`. */
  readonly of: string;
  /** RFC 3339, the aggregator's clock. */
  readonly at: string;
  readonly parts: readonly DiagnosisPart[];
}

/** What each part holds, in words: told before anything is asked. */
export const SERVER_PARTS = {
  'version.json': 'versions of the aggregator, Node.js, OpenSSL and the store',
  'config.json': 'the configuration in effect',
  'readiness.json': 'every part of the program, and whether it works',
  'coverage.json': 'how many nodes are in which state, and which do not report',
  'metrics.txt': 'what /metrics says',
  'audit.json': 'the last 200 lines of the audit log',
  'log.json': 'the last 200 lines of the log, but for debug',
} as const;

/** Parts that the aggregator knows of a node. */
export const NODE_PARTS = {
  'version.json': 'versions of the aggregator, Node.js, OpenSSL and the store',
  'node.json': 'what describe says: facts, findings, images, last events, session',
} as const;

/** Parts that the node itself is asked for (command `collect`). */
export const AGENT_PARTS = {
  'agent-version.json': 'versions of the agent, Node.js and OpenSSL; memory and running time',
  'agent-config.json': "the agent's configuration in effect",
  'agent-state.json': 'what the agent believes: hashes and sizes of sections, conditions, spool',
  'agent-checks.json': 'each check with the results and times of its last look',
  'agent-log.json': "the last 200 lines of the agent's log, but for debug",
} as const;
export type AgentPart = keyof typeof AGENT_PARTS;
