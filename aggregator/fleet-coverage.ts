import {
  type Coverage,
  type CoverageSource,
  type MissingNode,
  NODE_STATES,
  type NodeState,
} from '../shared/api.ts';
import { rfc3339 } from '../shared/clock.ts';
import type { SourceStatus } from './coverage/expected.ts';
import { causeOfAbsence, type FleetNode } from './fleet-node.ts';

export interface CoverageView {
  stateOf(node: FleetNode): NodeState;
  /** What a list of expected nodes says of one. */
  conditionsOf(name: string): readonly string[];
  readonly sources: readonly SourceStatus[];
}

/** For how many of the nodes an answer speaks; `names` limits it to those the question was about. */
export function coverageOf(
  nodes: Iterable<FleetNode>,
  names: ReadonlySet<string> | undefined,
  view: CoverageView,
): Coverage {
  const missing: MissingNode[] = [];
  let expected = 0;
  for (const node of nodes) {
    if (node.retired || (names !== undefined && !names.has(node.name))) continue;
    expected++;
    const cause = causeOfAbsence(node, view.stateOf(node), view.conditionsOf(node.name));
    if (cause !== undefined) missing.push({ node: node.name, cause });
  }
  missing.sort((a, b) => (a.node < b.node ? -1 : 1));
  const reporting = expected - missing.length;
  if (view.sources.length === 0) return { expected, reporting, missing };
  return { expected, reporting, missing, sources: view.sources.map(toSource) };
}

/** States of the nodes that do not report, by name. A retired one speaks for its name where there is no other. */
export function absentAmong(
  nodes: Iterable<FleetNode>,
  stateOf: (node: FleetNode) => NodeState,
): ReadonlyMap<string, NodeState> {
  const states = new Map<string, NodeState>();
  for (const node of nodes) {
    if (!node.retired || !states.has(node.name)) states.set(node.name, stateOf(node));
  }
  return new Map([...states].filter(([, state]) => state !== 'online' && state !== 'late'));
}

function toSource({ source, asOfMs, nodes, reason }: SourceStatus): CoverageSource {
  const asOf = asOfMs === null ? null : rfc3339(asOfMs);
  return { source, asOf, nodes, ...(reason === undefined ? {} : { reason }) };
}

/** How many nodes are in each state; every state is present, zero included. */
export function countStates(states: Iterable<NodeState>): Readonly<Record<NodeState, number>> {
  const counts = Object.fromEntries(NODE_STATES.map((state) => [state, 0]));
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  // One entry for each of NODE_STATES.
  return counts as Record<NodeState, number>;
}
