import type { PolicyChange } from './change.ts';

/** What many changes of a policy come to, for a message or an event. */
export interface PolicyChangeSummary {
  /** The worst of them; `none` when the texts mean the same. */
  readonly effect: PolicyChange['effect'] | 'none';
  /** How many there are of each. */
  readonly weakened: number;
  readonly strengthened: number;
  readonly neutral: number;
  /** The first reasons, the weakened before all others. */
  readonly lines: readonly string[];
}

/** Counts changes as `diffPolicies` gives them, the weakened first, and keeps the first `maxLines` reasons. */
export function summarizeChanges(
  changes: readonly PolicyChange[],
  maxLines = 5,
): PolicyChangeSummary {
  const count = (effect: PolicyChange['effect']): number =>
    changes.filter((change) => change.effect === effect).length;
  return {
    effect: changes[0]?.effect ?? 'none',
    weakened: count('weakened'),
    strengthened: count('strengthened'),
    neutral: count('neutral'),
    lines: changes.slice(0, maxLines).map(({ reason }) => reason),
  };
}
