import { safeText } from '../../shared/safe-text.ts';
import type { SimulatedNode } from '../../shared/simulation.ts';

/** So many nodes are named; `-o json` has them all. */
const NAMED = 3;

/** What is to be known of nodes, a line each; what is the same on many of them is said once. */
export function nodeNotes(nodes: readonly SimulatedNode[]): readonly string[] {
  const places = new Map<string, string[]>();
  for (const { node, gaps, notes } of nodes) {
    for (const text of new Set([...gaps, ...notes])) {
      const known = places.get(text);
      if (known === undefined) places.set(text, [node]);
      else known.push(node);
    }
  }
  return [...places].map(([text, names]) => safeText(`${namesOf(names)}: ${text}`));
}

function namesOf(names: readonly string[]): string {
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
