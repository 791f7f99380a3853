import type { FleetNode } from './fleet-node.ts';

/** Changes of one moment are told together. */
const TELL_AFTER_MS = 50;

/** Nodes whose change is to be told in a moment, each once. */
export class PendingNodes {
  readonly #tell: (node: FleetNode) => void;
  readonly #nodes = new Set<FleetNode>();
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (node: FleetNode) => void) {
    this.#tell = tell;
  }

  add(node: FleetNode): void {
    this.#nodes.add(node);
    this.#timer ??= setTimeout(() => this.#tellAll(), TELL_AFTER_MS).unref();
  }

  /** It is told otherwise. */
  delete(node: FleetNode): void {
    this.#nodes.delete(node);
  }

  #tellAll(): void {
    this.#timer = undefined;
    for (const node of this.#nodes) this.#tell(node);
    this.#nodes.clear();
  }
}
