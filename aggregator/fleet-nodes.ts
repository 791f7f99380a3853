import { type FleetNode, newNode } from './fleet-node.ts';
import type { NodeIdentity } from './store/stored-node.ts';

/** The nodes of the fleet by uid; one of the inventory that was never seen is under `inventory:<name>`. */
export class FleetNodes extends Map<string, FleetNode> {
  /** The node of this name; a retired one only when there is no other. */
  find(name: string): FleetNode | undefined {
    let found: FleetNode | undefined;
    for (const node of this.values()) {
      if (node.name !== name) continue;
      if (!node.retired) return node;
      found = node;
    }
    return found;
  }

  /** The node of this identity, which is there: what was expected under its name is no other. */
  present(identity: NodeIdentity): FleetNode {
    const { uid, name } = identity;
    const known = this.get(uid);
    if (known?.name === name && !known.retired && known.lastSeenMs !== null) return known;
    for (const other of this.values()) {
      const isPlaceholder = other.name === name && other.lastSeenMs === null;
      if (isPlaceholder && other.uid !== uid) this.delete(other.uid);
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
