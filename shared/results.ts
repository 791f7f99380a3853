/** What a rule says of its subject, in the words of XCCDF 1.2 (rule-result). */
export const RESULTS = ['pass', 'fail', 'error', 'unknown', 'notapplicable', 'notchecked'] as const;
export type Result = (typeof RESULTS)[number];

const IN_WORDS: ReadonlyMap<string, string> = new Map([
  ['notapplicable', 'not applicable'],
  ['notchecked', 'not checked'],
]);

/**
 * A result as people read it, in tables and on the page; JSON, CSV and selectors keep its name in XCCDF. One that is
 * not known here, as a newer program may say, stays as it is.
 */
export function resultWord(result: string): string {
  return IN_WORDS.get(result) ?? result;
}

/** Which result speaks for several, first one present: the AND table of XCCDF 1.2 complex-check. */
const PRECEDENCE: readonly Result[] = [
  'fail',
  'unknown',
  'error',
  'pass',
  'notapplicable',
  'notchecked',
];

/** One result for several, by the AND table of XCCDF 1.2; of none: `notchecked`. */
export function combine(results: readonly Result[]): Result {
  return PRECEDENCE.find((result) => results.includes(result)) ?? 'notchecked';
}

/** What a person looks for first: what fails, what is not known, then what is in order. */
export const WORST_FIRST: readonly Result[] = [
  'fail',
  'unknown',
  'error',
  'notchecked',
  'pass',
  'notapplicable',
];

/** How much a failure of a rule matters; ordered, worst last. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** True when `severity` is `threshold` or worse. */
export function isAtLeast(severity: Severity, threshold: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold);
}

/** How many of each result; every result is present, zero included. */
export type ResultCounts = Readonly<Record<Result, number>>;

export function countResults(results: Iterable<Result>): ResultCounts {
  const counts: Record<Result, number> = {
    pass: 0,
    fail: 0,
    error: 0,
    unknown: 0,
    notapplicable: 0,
    notchecked: 0,
  };
  for (const result of results) counts[result]++;
  return counts;
}
