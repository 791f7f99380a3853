import type { SectionMajority } from '../shared/api-pools.ts';
import { canonicalJson, type Json } from '../shared/canonical.ts';
import { COMPARED_SECTIONS, type ComparedSection, comparablesOf } from '../shared/comparable.ts';
import type { FleetNode } from './fleet-node.ts';
import type { Store } from './store/store.ts';

/**
 * The majority of the nodes' states, section by section, now or at a time. Every node's sections are read, those that
 * several nodes have in common once.
 */
export async function majorityOf(
  store: Pick<Store, 'section'>,
  nodes: readonly FleetNode[],
  asOfMs: number | undefined,
): Promise<Readonly<Record<ComparedSection, SectionMajority>>> {
  const sections: Partial<Record<ComparedSection, SectionMajority>> = {};
  for (const section of COMPARED_SECTIONS) {
    const votes = new Votes();
    const read = new Map<string, ReadonlyMap<string, string>>();
    for (const node of nodes) {
      const hash = asOfMs === undefined ? node.sections[section] : undefined;
      let ballot = hash === undefined ? undefined : read.get(hash);
      if (ballot === undefined) {
        const found = await store.section(node.uid, section, asOfMs);
        if (found === undefined) continue;
        ballot = textsOf(section, found.items);
        read.set(found.hash, ballot);
      }
      votes.add(ballot);
    }
    sections[section] = votes.count();
  }
  // One for each of COMPARED_SECTIONS.
  return sections as Record<ComparedSection, SectionMajority>;
}

function textsOf(
  section: ComparedSection,
  items: ReadonlyMap<string, Json>,
): ReadonlyMap<string, string> {
  return new Map(
    [...comparablesOf(section, items)].map(([key, value]) => [key, canonicalJson(value)]),
  );
}

class Votes {
  #nodes = 0;
  readonly #byKey = new Map<string, Map<string, number>>();

  add(ballot: ReadonlyMap<string, string>): void {
    this.#nodes++;
    for (const [key, text] of ballot) {
      const values = this.#byKey.get(key) ?? new Map<string, number>();
      this.#byKey.set(key, values.set(text, (values.get(text) ?? 0) + 1));
    }
  }

  count(): SectionMajority {
    const items: [string, Json][] = [];
    const varying: string[] = [];
    const isMajority = (count: number): boolean => count * 2 > this.#nodes;
    for (const [key, values] of [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const winner = [...values].find(([, count]) => isMajority(count));
      const present = values.values().reduce((sum, count) => sum + count, 0);
      if (winner !== undefined) items.push([key, JSON.parse(winner[0]) as Json]);
      else if (!isMajority(this.#nodes - present)) varying.push(key);
    }
    return { nodes: this.#nodes, items: Object.fromEntries(items), varying };
  }
}
