import { type FleetNode, newNode } from '../fleet-node.ts';
import type { ExpectedNode } from './expected.ts';

/** What changes when lists and known nodes are compared. */
export interface Comparison {
  /** Nodes that a list names and nobody knows yet, as new ones. */
  readonly missing: readonly FleetNode[];
  /** Uids of nodes that were known from a list alone and are on none any more. */
  readonly forgotten: readonly string[];
}

/** The lists of expected nodes of all sources, as one. */
export class ExpectedNodes {
  readonly #lists = new Map<string, readonly ExpectedNode[]>();
  #byName = new Map<string, ExpectedNode>();

  set(source: string, nodes: readonly ExpectedNode[]): void {
    this.#lists.set(source, nodes);
    this.#byName = new Map();
    for (const node of [...this.#lists.values()].flat()) {
      const known = this.#byName.get(node.name);
      this.#byName.set(node.name, known === undefined ? node : merge(known, node));
    }
  }

  /** What explains silence of the node of this name. */
  conditionsOf(name: string): readonly string[] {
    return this.#byName.get(name)?.conditions ?? [];
  }

  /** `known` is by uid. */
  compare(known: ReadonlyMap<string, FleetNode>): Comparison {
    const names = new Set<string>();
    const forgotten: string[] = [];
    for (const { uid, name, retired, listed, lastSeenMs } of known.values()) {
      if (retired) continue;
      if (listed && lastSeenMs === null && !this.#byName.has(name)) forgotten.push(uid);
      else names.add(name);
    }
    const missing = [...this.#byName.values()]
      .filter(({ name }) => !names.has(name))
      .map((expected) => placeholder(expected, known));
    return { missing, forgotten };
  }
}

/** Stands for a node until it comes. A uid that a retired node has is not given away. */
export function placeholder(
  { name, pool, uid }: ExpectedNode,
  known: ReadonlyMap<string, FleetNode>,
): FleetNode {
  const isFree = uid !== undefined && !known.has(uid);
  return { ...newNode({ uid: isFree ? uid : `inventory:${name}`, name, pool }), listed: true };
}

/** One node in two lists: what credentials will say, and what explains silence, may be in either. */
function merge(first: ExpectedNode, second: ExpectedNode): ExpectedNode {
  return {
    ...second,
    ...first,
    conditions: [...(first.conditions ?? []), ...(second.conditions ?? [])],
  };
}
