import type { Result, Severity } from './results.ts';

/** Flat evidence: name to value; what drift and the person reading compare. */
export type Observed = Readonly<Record<string, string | number | boolean | null>>;

/** Who can put a failing rule right: they differ, because a hand edit of a managed file is drift itself. */
export type RemediationKind =
  | 'MachineConfig'
  | 'API object'
  | 'host command'
  | 'pod'
  | 'node'
  | 'none';

export interface Remediation {
  readonly kind: RemediationKind;
  /** One or two sentences a platform admin can act on. */
  readonly text: string;
}

/** One control a rule serves. `upstream`: the control's own content names the rule; `derived`: our judgement. */
export interface Mapping {
  readonly framework: 'CIS' | 'STIG' | '800-53' | '800-190' | 'CaC';
  readonly id: string;
  readonly basis: 'upstream' | 'derived';
}

/** A question with a fixed meaning. `id` is `<check>.<rule>` and never renamed once released. */
export interface Rule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly rationale: string;
  readonly remediation: Remediation;
  readonly mappings: readonly Mapping[];
}

/** That somebody vouches for a failure, for a time: XCCDF's `override` of a rule-result. */
export interface Override {
  readonly oldResult: 'fail';
  /** Who vouches for it. */
  readonly authority: string;
  /** Why. */
  readonly remark: string;
  /** RFC 3339, as the exception has it: from then on, or after that day in UTC, it is a failure again. */
  readonly until: string;
}

/** One statement about one subject, reached by one rule. */
export interface Finding {
  readonly ruleId: string;
  /** Path on the node, image reference, container, …; absent for the node as a whole. */
  readonly subject?: string;
  readonly result: Result;
  readonly severity: Severity;
  /** Stable code of the cause when the result is not `pass`: `unreadable`, `not-visible`, `permission`, … */
  readonly reason?: string;
  /** One sentence: what was seen, what was asked for. */
  readonly message: string;
  readonly observed: Observed;
  readonly expected?: Observed;
  /** Present on a failure that an exception has made `notapplicable`. */
  readonly override?: Override;
}

/** A finding with what is known of its rule: the item of `CheckResultList` and of the section `checks`. */
export interface RuleResult extends Finding {
  readonly checkId: string;
  readonly title: string;
  readonly remediation: Remediation;
  readonly mappings: readonly Mapping[];
}

/** The key of a finding among all of a node: rule, and subject when there is one. */
export function findingKey(finding: Pick<Finding, 'ruleId' | 'subject'>): string {
  return finding.subject === undefined ? finding.ruleId : `${finding.ruleId} ${finding.subject}`;
}
