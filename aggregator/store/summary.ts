import { VERDICTS, type Verdict } from '../../shared/images.ts';
import { RESULTS, type Result } from '../../shared/results.ts';
import type { NodeSummary } from './store.ts';

/** How many items of one section have one outcome. */
export interface OutcomeTally {
  readonly section: string;
  readonly outcome: string;
  readonly count: number;
}

/** What the items of a node add up to. */
export function summarize(tallies: Iterable<OutcomeTally>): NodeSummary {
  const results: Record<Result, number> = {
    pass: 0,
    fail: 0,
    error: 0,
    unknown: 0,
    notapplicable: 0,
    notchecked: 0,
  };
  const images: Record<Verdict, number> = { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
  let drift = 0;
  for (const { section, outcome, count } of tallies) {
    if (section === 'files') {
      if (outcome === 'managed-drift') drift += count;
      continue;
    }
    const result = section === 'checks' && RESULTS.find((known) => known === outcome);
    if (result) results[result] += count;
    const verdict = section === 'images' && VERDICTS.find((known) => known === outcome);
    if (verdict) images[verdict] += count;
  }
  return { results, images, drift };
}
