import type { EventRecord, NodeItem, NodeState } from '../shared/api.ts';
import { type Clock, rfc3339 } from '../shared/clock.ts';
import type { Hashes } from '../shared/protocol.ts';
import { combine, RESULTS, type ResultCounts } from '../shared/results.ts';
import type { NodeIdentity, NodeSummary, StoredNode } from './store/stored-node.ts';
import { summarize } from './store/summary.ts';

/** What the fleet knows of a node that is connected now. */
export interface LiveSession {
  readonly session: number;
  readonly sinceMs: number;
  unsentRecords: number;
  clockSkewSeconds: number | null;
  conditions: readonly string[];
}

export interface EndedSession extends LiveSession {
  readonly endedMs: number;
}

/** One node in memory; the fleet alone changes it. */
export interface FleetNode {
  uid: string;
  name: string;
  pool: string;
  agentVersion: string | null;
  sections: Hashes;
  summary: NodeSummary;
  lost: number;
  retired: boolean;
  /** Wall clock; null while it is not retired. */
  retiredMs: number | null;
  /** Known from a list of expected nodes alone: forgotten when it is on none any more. */
  listed: boolean;
  /** Its cluster says that it exists no more; retired as soon as it is not connected. */
  gone: boolean;
  /** Why its last session was ended, when its credential no longer held: `credential revoked`. */
  refused: string | undefined;
  /** When two machines with this node's credential or name were seen last, monotonic clock. */
  conflictMs: number | undefined;
  /** Wall clock; null when never seen. */
  lastSeenMs: number | null;
  /** Monotonic clock, also of what was heard before this program started; undefined when never seen. */
  heardMs: number | undefined;
  live: LiveSession | undefined;
  /** What it said in its last session here; undefined while it is connected, and before its first. */
  last: EndedSession | undefined;
  /** Connected to another aggregator on the same database. */
  elsewhere: boolean;
  /** The state that watchers were told last. */
  shown: NodeState;
}

/** A node that should report, whether or not it ever did. */
export interface InventoryNode {
  /** Known when the node has a credential already. */
  readonly uid?: string;
  readonly name: string;
  readonly pool: string;
}

/** A node is in these states when so long nothing was heard of it, in milliseconds. */
export interface StateThresholds {
  readonly lateMs: number;
  readonly silentMs: number;
  readonly staleMs: number;
}

/** A machine that is refused comes back every 10 min at least; when it no longer does, the conflict is over. */
const CONFLICT_MS = 1_200_000;

/** What another aggregator hears it writes every 10 s, and it is read every 2 s. */
const NEWS_MS = 15_000;

export function newNode(identity: NodeIdentity): FleetNode {
  return {
    ...identity,
    agentVersion: null,
    sections: {},
    summary: summarize([]),
    lost: 0,
    retired: false,
    retiredMs: null,
    listed: false,
    gone: false,
    refused: undefined,
    conflictMs: undefined,
    lastSeenMs: null,
    heardMs: undefined,
    live: undefined,
    last: undefined,
    elsewhere: false,
    shown: 'expected',
  };
}

/**
 * Takes over what the store knows of a node. From here on its silence goes by the monotonic clock: no jump of the other
 * makes it silent, or heard again.
 */
export function fill(node: FleetNode, stored: StoredNode, clock: Clock): void {
  const { name, pool, agentVersion, sections, summary, lost, elsewhere } = stored;
  Object.assign(node, { name, pool, agentVersion, sections, summary, lost, elsewhere });
  node.retired = stored.retiredAtMs !== null;
  node.retiredMs = stored.retiredAtMs;
  heardAt(node, stored.lastSeenMs, clock);
}

/** Somebody else heard it, at a time of the wall clock; what is known already is not put back. */
export function heardAt(node: FleetNode, atMs: number, clock: Clock): void {
  const heardMs = clock.monotonicMs() - Math.max(0, clock.nowMs() - atMs);
  node.heardMs = Math.max(heardMs, node.heardMs ?? heardMs);
  node.lastSeenMs = Math.max(atMs, node.lastSeenMs ?? atMs);
}

/** Whether it exists no more, has reported once and is connected nowhere now: to be retired. */
export function isDeparted({ gone, retired, live, elsewhere, lastSeenMs }: FleetNode): boolean {
  return gone && !retired && live === undefined && !elsewhere && lastSeenMs !== null;
}

/** Liveness is by receive time on the monotonic clock, of which `nowMs` is. */
export function stateOf(node: FleetNode, nowMs: number, thresholds: StateThresholds): NodeState {
  if (node.retired) return 'retired';
  const { conflictMs } = node;
  if (conflictMs !== undefined && nowMs - conflictMs < CONFLICT_MS) return 'conflict';
  if (node.heardMs === undefined) return 'expected';
  const ageMs = nowMs - node.heardMs;
  const lateMs = thresholds.lateMs + (node.elsewhere ? NEWS_MS : 0);
  if (ageMs < lateMs) return 'online';
  if (ageMs < thresholds.silentMs) return 'late';
  return ageMs < thresholds.staleMs ? 'silent' : 'stale';
}

/**
 * Why an expected node does not count as reporting, and what else explains it, as `never seen, node not ready`;
 * undefined when it does. `conditions` is what a list of expected nodes says of it.
 */
export function causeOfAbsence(
  node: FleetNode,
  state: NodeState,
  conditions: readonly string[] = [],
): string | undefined {
  const cause = causeOfState(node, state);
  if (cause === undefined) return undefined;
  const refused = node.refused === undefined ? [] : [node.refused];
  return [cause, ...refused, ...conditions].join(', ');
}

function causeOfState(node: FleetNode, state: NodeState): string | undefined {
  switch (state) {
    case 'online':
    case 'late':
      return node.sections.checks === undefined ? 'connected, no report yet' : undefined;
    case 'expected':
      return 'never seen';
    case 'silent':
    case 'stale':
      return `${state} since ${rfc3339(node.lastSeenMs ?? 0)}`;
    case 'conflict':
      return 'two machines use its credential or name';
    case 'retired':
      return undefined;
  }
}

/** The node as the API shows it. */
export function toItem(node: FleetNode, state: NodeState): NodeItem {
  const results = resultsOf(node, state);
  return {
    name: node.name,
    uid: node.uid,
    pool: node.pool,
    state,
    results,
    worst: combine(RESULTS.filter((result) => results[result] > 0)),
    drift: node.summary.drift,
    images: node.summary.images,
    lastSeen: node.lastSeenMs === null ? null : rfc3339(node.lastSeenMs),
    agentVersion: node.agentVersion,
  };
}

/** What a node's rules say. Of a stale one they no longer count as passing: they are `unknown`. */
export function resultsOf({ summary }: FleetNode, state: NodeState): ResultCounts {
  return state === 'stale' ? withoutPass(summary.results) : summary.results;
}

function withoutPass(results: ResultCounts): ResultCounts {
  return { ...results, pass: 0, unknown: results.unknown + results.pass };
}

/** How many events a record of the aggregator's own says were lost. */
export function lostIn({ data }: EventRecord): number {
  return typeof data['count'] === 'number' ? data['count'] : 0;
}
