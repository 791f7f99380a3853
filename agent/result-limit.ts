import type { RuleResult } from '../shared/findings.ts';
import { combine, countResults, RESULTS, WORST_FIRST } from '../shared/results.ts';

/** More statements of one rule than this are counted: thousands of containers, or of files in a folder. */
export const MAX_STATEMENTS: number = 1000;

/**
 * At most `MAX_STATEMENTS` results a rule, the worst of them. One more, without a subject, says how many there are
 * besides and is as bad as they are.
 */
export function limitResults(results: readonly RuleResult[]): readonly RuleResult[] {
  if (results.length <= MAX_STATEMENTS) return results;
  return [...Map.groupBy(results, ({ ruleId }) => ruleId).values()].flatMap(limitRule);
}

function limitRule(ours: readonly RuleResult[]): readonly RuleResult[] {
  if (ours.length <= MAX_STATEMENTS) return ours;
  const sorted = WORST_FIRST.flatMap((word) => ours.filter(({ result }) => result === word));
  const rest = sorted.slice(MAX_STATEMENTS);
  const [first] = rest;
  if (first === undefined) return sorted;
  const counts = countResults(rest.map(({ result }) => result));
  const parts = RESULTS.filter((word) => counts[word] > 0).map((word) => `${counts[word]} ${word}`);
  const { subject: _subject, expected: _expected, override: _override, ...rule } = first;
  const summary: RuleResult = {
    ...rule,
    result: combine(rest.map(({ result }) => result)),
    reason: 'too-many',
    message: `${rest.length} more statements of this rule are counted only: ${parts.join(', ')}`,
    observed: { more: rest.length },
  };
  return [...sorted.slice(0, MAX_STATEMENTS), summary];
}
