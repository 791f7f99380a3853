import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { countResults, RESULTS, type Result } from '../../shared/results.ts';
import { meaningOf } from './items.ts';
import { INDEXED_SECTIONS } from './store.ts';
import type { NodeSummary } from './stored-node.ts';

/** How many items of one section have each rank. */
export type Tally = readonly (readonly [rank: number, count: number])[];

export function tallyOf(ranks: Iterable<number>): Tally {
  const counts = new Map<number, number>();
  for (const rank of ranks) counts.set(rank, (counts.get(rank) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}

/** What the sections of a node add up to. */
export function summarize(
  tallies: Iterable<readonly [section: string, tally: Tally]>,
): NodeSummary {
  const results: Record<Result, number> = { ...countResults([]) };
  const images: Record<Verdict, number> = { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
  let drift = 0;
  for (const [name, tally] of tallies) {
    const section = INDEXED_SECTIONS.find((known) => known === name);
    if (section === undefined) continue;
    for (const [rank, count] of tally) {
      const { outcome } = meaningOf(section, rank);
      if (section === 'files' && outcome === 'managed-drift') drift += count;
      const result = section === 'checks' && RESULTS.find((known) => known === outcome);
      if (result) results[result] += count;
      const verdict = section === 'images' && VERDICTS.find((known) => known === outcome);
      if (verdict) images[verdict] += count;
    }
  }
  return { results, images, drift };
}
