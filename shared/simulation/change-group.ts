import type { ImageUser } from '../images.ts';
import type { ImageChange, ImageChangeKind, ImageOutcome, NodeAnswer } from '../simulation.ts';
import { hintFor } from './hints.ts';

/** The same change of the same image, gathered over nodes, one node after the other. */
export class ChangeGroup {
  readonly change: ImageChangeKind;
  readonly #first: ImageOutcome;
  readonly #nodes: string[] = [];
  readonly #stale: string[] = [];
  /** Of the last node. */
  readonly #places = new Set<string>();
  #pods = 0;
  readonly #namespaces = new Set<string>();

  constructor(change: ImageChangeKind, first: ImageOutcome) {
    this.change = change;
    this.#first = first;
  }

  add({ pods }: ImageOutcome, { node, source }: NodeAnswer): void {
    if (this.#nodes.at(-1) !== node) {
      this.#nodes.push(node);
      if (source !== 'live') this.#stale.push(node);
      this.#places.clear();
    }
    for (const user of pods) {
      const place = placeOf(user);
      if (!this.#places.has(place)) this.#pods++;
      this.#places.add(place);
      if (user.namespace !== undefined) this.#namespaces.add(user.namespace);
    }
  }

  toChange(): ImageChange {
    const { reference, digest, now, after, nowReason, reason, message, scope } = this.#first;
    const hint = after === 'rejected' || after === 'unknown' ? hintFor(this.#first) : undefined;
    return {
      change: this.change,
      reference,
      digest,
      now,
      after,
      ...(nowReason === undefined ? {} : { nowReason }),
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      scope,
      nodes: [...this.#nodes].sort(),
      staleNodes: [...this.#stale].sort(),
      pods: this.#pods,
      namespaces: [...this.#namespaces].sort(),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

/** What makes two outcomes the same change. */
export function keyOf(change: ImageChangeKind, outcome: ImageOutcome): string {
  const { reference, digest, now, after, nowReason, reason, scope } = outcome;
  return JSON.stringify([change, reference, digest, now, after, nowReason, reason, scope]);
}

/** A pod counts once, however many of its containers are of the image; so does a container of podman. */
function placeOf({ namespace, pod, container }: ImageUser): string {
  return JSON.stringify(pod === undefined ? [container] : [namespace, pod]);
}

/** The most nodes first, then the most pods. */
export function byWeight(a: ImageChange, b: ImageChange): number {
  const name = a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : 0;
  return b.nodes.length - a.nodes.length || b.pods - a.pods || name;
}
