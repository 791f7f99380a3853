import { type FleetNode, newNode } from './fleet-node.ts';
import type { NodeIdentity } from './store/stored-node.ts';

/** The nodes of the fleet by uid; one of the inventory that was never seen is under `inventory:<name>`. */
export class FleetNodes extends Map<string, FleetNode> {
  readonly #onGone: (placeholder: FleetNode) => void;

  /** `onGone` is told of a placeholder whose node has come. */
  constructor(onGone: (placeholder: FleetNode) => void) {
    super();
    this.#onGone = onGone;
  }

  /**
   * The node of this name, now or at a time; a retired one only when there is no other. Several may have had the name
   * one after the other: at a time it was the one that was retired next.
   */
  find(name: string, asOfMs: number = Number.POSITIVE_INFINITY): FleetNode | undefined {
    let found: FleetNode | undefined;
    for (const node of this.values()) {
      if (node.name !== name) continue;
      if (found === undefined || isNearer(node, found, asOfMs)) found = node;
    }
    return found;
  }

  /** Those that are not retired, by name. */
  there(): Map<string, FleetNode> {
    const present = this.values().filter(({ retired }) => !retired);
    return new Map(present.map((node) => [node.name, node]));
  }

  /** The node of this identity, which is there: what was expected under its name is no other. */
  present(identity: NodeIdentity): FleetNode {
    const { uid, name } = identity;
    const known = this.get(uid);
    if (known?.name === name && !known.retired && known.lastSeenMs !== null) return known;
    for (const other of this.values()) {
      const isPlaceholder = other.name === name && other.lastSeenMs === null;
      if (isPlaceholder && other.uid !== uid) {
        this.delete(other.uid);
        this.#onGone(other);
      }
    }
    return this.any(identity);
  }

  /** The node of this identity, whether or not it is there. */
  any(identity: NodeIdentity): FleetNode {
    const node = this.get(identity.uid) ?? newNode(identity);
    this.set(node.uid, node);
    return node;
  }
}

/** Whether a node is rather the one of a time than another of its name. */
function isNearer(node: FleetNode, other: FleetNode, asOfMs: number): boolean {
  const [until, otherUntil] = [untilMs(node), untilMs(other)];
  if (until > asOfMs !== otherUntil > asOfMs) return until > asOfMs;
  return until > asOfMs ? until < otherUntil : until > otherUntil;
}

function untilMs({ retiredMs }: FleetNode): number {
  return retiredMs ?? Number.POSITIVE_INFINITY;
}
