import type { RuleResult } from '../findings.ts';

/**
 * What a finding is to readers of other formats (docs/exports.md). Each format says for every one of them what it makes
 * of it: what is not known becomes a pass nowhere.
 */
export const OUTCOMES = [
  'pass',
  'fail',
  /** Seen, and not counted as a failure: of severity `info`, or of a rule that is not scored. */
  'warn',
  'unknown',
  'error',
  'notapplicable',
  /** A failure that somebody vouches for until a day. */
  'excepted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Worst first: what stands in front where a format has no room for all. */
export const OUTCOMES_WORST_FIRST: readonly Outcome[] = [
  'fail',
  'unknown',
  'error',
  'warn',
  'excepted',
  'pass',
  'notapplicable',
];

/** The outcome of a finding; a rule that nobody asked for does not apply, one that could not be asked is unknown. */
export function outcomeOf({ result, reason, severity, override }: RuleResult): Outcome {
  if (override !== undefined) return 'excepted';
  switch (result) {
    case 'fail':
      return severity === 'info' ? 'warn' : 'fail';
    case 'notapplicable':
      return reason === 'informational' ? 'warn' : 'notapplicable';
    case 'notchecked':
      return reason === 'not-selected' ? 'notapplicable' : 'unknown';
    case 'pass':
    case 'error':
    case 'unknown':
      return result;
  }
}

export type OutcomeCounts = Readonly<Record<Outcome, number>>;

/** How many of each outcome; every outcome is present, zero included. */
export function countOutcomes(outcomes: Iterable<Outcome>): OutcomeCounts {
  const counts: Record<Outcome, number> = {
    pass: 0,
    fail: 0,
    warn: 0,
    unknown: 0,
    error: 0,
    notapplicable: 0,
    excepted: 0,
  };
  for (const outcome of outcomes) counts[outcome]++;
  return counts;
}
