import type { Rule, RuleResult } from '../shared/findings.ts';
import type { Severity } from '../shared/results.ts';
import type { ProfileValues } from './profile-values.ts';

/**
 * How a rule counts, in the words of XCCDF 1.2. `full`: as it is. `unscored`: a failure is told and does not count.
 * `unchecked`: it is not asked.
 */
export const ROLES = ['full', 'unscored', 'unchecked'] as const;
export type Role = (typeof ROLES)[number];

/** What a profile says of a rule: XCCDF's `select`, `refine-rule`. */
export interface Tailoring {
  /** False: the rule is not asked. */
  readonly selected: boolean;
  readonly role: Role;
  /** In place of the severity of rule and statement. */
  readonly severity?: Severity;
}

/** Which rules are asked, how they count and what they ask for; read by `readProfile`. */
export interface Profile {
  /** `stig`, or the path of the file. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** By rule id; a rule that is not here is asked as it is. */
  readonly rules: ReadonlyMap<string, Tailoring>;
  readonly values: ProfileValues;
}

/** What holds for a rule of which a profile says nothing. */
export const AS_IS: Tailoring = { selected: true, role: 'full' };

/** What a profile says of one rule. */
export function tailoringOf({ rules }: Pick<Profile, 'rules'>, ruleId: string): Tailoring {
  return rules.get(ruleId) ?? AS_IS;
}

/** False where a profile leaves the rule out. */
export function isAsked({ selected, role }: Tailoring): boolean {
  return selected && role !== 'unchecked';
}

/**
 * What the results of a check mean under a profile. A rule that is not asked stays listed: `notchecked` with reason
 * `not-selected`. Where a rule is `unscored` its failure becomes `notapplicable` with reason `informational` (XCCDF's
 * own word for it is no result of ours) and keeps its message and evidence; every other result stays.
 */
export function applyProfile(
  rules: readonly Pick<Rule, 'id'>[],
  results: readonly RuleResult[],
  profile: Pick<Profile, 'name' | 'rules'>,
): readonly RuleResult[] {
  return rules.flatMap(({ id }) => {
    const ours = results.filter(({ ruleId }) => ruleId === id);
    const tailoring = tailoringOf(profile, id);
    if (isAsked(tailoring)) return ours.map((result) => weigh(result, tailoring));
    return ours.slice(0, 1).map((result) => notSelected(result, tailoring, profile.name));
  });
}

function weigh(result: RuleResult, { role, severity }: Tailoring): RuleResult {
  const refined = severity === undefined ? result : { ...result, severity };
  if (role !== 'unscored' || result.result !== 'fail') return refined;
  return { ...refined, result: 'notapplicable', reason: 'informational' };
}

/** The rule as such: what it would have said of its subjects is not known. */
function notSelected(
  { subject: _subject, expected: _expected, ...rule }: RuleResult,
  { severity }: Tailoring,
  profile: string,
): RuleResult {
  return {
    ...rule,
    severity: severity ?? rule.severity,
    result: 'notchecked',
    reason: 'not-selected',
    message: `the profile ${profile} does not ask this rule`,
    observed: {},
  };
}
