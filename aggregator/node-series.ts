import { NODE_STATES, type NodeState } from '../shared/api.ts';
import type { FleetNode } from './fleet-node.ts';

/** Conditions are the agent's words: a few, and short. */
const MAX_CONDITIONS = 8;
const MAX_CONDITION = 64;

export interface StatedNode {
  readonly node: FleetNode;
  readonly state: NodeState;
}

/**
 * The families that have a series for each node, in OpenMetrics 1.0 text. Written by hand: a state set alone is seven
 * series a node, and the library's objects for 5,000 nodes cost more than everything else together.
 */
export function nodeSeries(shown: readonly StatedNode[]): string {
  const present = shown.filter(({ state }) => state !== 'retired');
  let states = family('node_state', 'State of a node');
  let seen = family('node_last_seen_timestamp_seconds', 'When a node was heard last');
  let unsent = family('node_unsent_events', 'Events that a connected node holds and has not sent');
  let offset = family('node_clock_offset_seconds', 'Clock of a connected node against this one');
  let conditions = family('node_condition', 'What the agent of a connected node says of itself');
  for (const { node, state: now } of present) {
    const label = escapeLabel(node.name);
    for (const state of NODE_STATES) {
      const value = state === now ? 1 : 0;
      states += `nodeseal_node_state{node="${label}",state="${state}"} ${value}\n`;
    }
    if (node.lastSeenMs !== null) {
      seen += `nodeseal_node_last_seen_timestamp_seconds{node="${label}"} ${node.lastSeenMs / 1000}\n`;
    }
    const { live } = node;
    if (live === undefined) continue;
    unsent += `nodeseal_node_unsent_events{node="${label}"} ${live.unsentRecords}\n`;
    if (live.clockSkewSeconds !== null) {
      offset += `nodeseal_node_clock_offset_seconds{node="${label}"} ${live.clockSkewSeconds}\n`;
    }
    const said = live.conditions.slice(0, MAX_CONDITIONS);
    for (const condition of new Set(said.map((name) => name.slice(0, MAX_CONDITION)))) {
      const name = escapeLabel(condition);
      conditions += `nodeseal_node_condition{node="${label}",condition="${name}"} 1\n`;
    }
  }
  return states + seen + unsent + offset + conditions;
}

function family(name: string, help: string): string {
  return `# HELP nodeseal_${name} ${help}\n# TYPE nodeseal_${name} gauge\n`;
}

/** OpenMetrics 1.0, "escaped-string". */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
