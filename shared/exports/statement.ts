import type { NodeState } from '../api.ts';
import { canonicalJson, sha256 } from '../canonical.ts';
import { findingKey, type Mapping, type Override, type RuleResult } from '../findings.ts';
import type { Result, Severity } from '../results.ts';
import { safeText } from '../safe-text.ts';
import { type Outcome, outcomeOf } from './outcome.ts';

/**
 * What one rule says of one subject of one node, ready to be written: texts are on one line and hold nothing that a
 * terminal, a viewer or an XML parser would act upon.
 */
export interface Statement {
  readonly node: string;
  readonly ruleId: string;
  readonly checkId: string;
  readonly title: string;
  readonly subject?: string;
  readonly outcome: Outcome;
  /** What the outcome was made of. */
  readonly result: Result;
  readonly severity: Severity;
  readonly reason?: string;
  readonly message: string;
  /** Canonical JSON of the evidence. */
  readonly observed: string;
  readonly override?: Override;
  readonly remediation: string;
  readonly mappings: readonly Mapping[];
  /** SHA-256 (hex) over node, rule and subject as they were reported: the same in every export. */
  readonly fingerprint: string;
}

/** Whose finding it is. */
interface Speaker {
  readonly name: string;
  readonly state?: NodeState | undefined;
}

/** Rule of the statement that stands for a node of which nothing newer is known. */
const COVERAGE_RULE = 'coverage.reporting';

/** The findings of a node in an order that does not depend on their results: by rule, then by subject. */
export function toStatements(node: Speaker, findings: readonly RuleResult[]): readonly Statement[] {
  const keyed = findings.map((finding) => ({ key: findingKey(finding), finding }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ finding }) => toStatement(node, finding));
}

/** That an expected node does not report, as one more statement: it counts wherever statements are counted. */
export function absenceStatement(node: Speaker, cause: string): Statement {
  const checkId = COVERAGE_RULE.split('.')[0] ?? '';
  return toStatement(node, {
    ruleId: COVERAGE_RULE,
    checkId,
    title: 'The node reports',
    result: 'unknown',
    severity: 'high',
    reason: 'not-reporting',
    message: `the node does not report: ${cause}`,
    observed: {},
    remediation: { kind: 'none', text: 'nodeseal describe node NAME says what is known of it.' },
    mappings: [],
  });
}

function toStatement({ name, state }: Speaker, finding: RuleResult): Statement {
  const { ruleId, subject, reason, override } = finding;
  const outcome = outcomeOf(finding);
  // What a node said so long ago no longer counts as passing, as in every list of nodes.
  const isStale = state === 'stale' && outcome === 'pass';
  const why = isStale ? 'stale' : reason;
  const message = isStale ? `no longer known to hold: ${finding.message}` : finding.message;
  return {
    node: safeText(name),
    ruleId: safeText(ruleId),
    checkId: safeText(finding.checkId),
    title: safeText(finding.title),
    ...(subject === undefined ? {} : { subject: safeText(subject) }),
    outcome: isStale ? 'unknown' : outcome,
    result: isStale ? 'unknown' : finding.result,
    severity: finding.severity,
    ...(why === undefined ? {} : { reason: safeText(why) }),
    message: safeText(message),
    observed: safeText(canonicalJson(finding.observed)),
    ...(override === undefined ? {} : { override: toOverride(override) }),
    remediation: safeText(finding.remediation.text),
    mappings: finding.mappings.map((mapping) => ({ ...mapping, id: safeText(mapping.id) })),
    fingerprint: sha256(canonicalJson([name, ruleId, subject ?? null])).slice('sha256:'.length),
  };
}

function toOverride({ oldResult, authority, remark, until }: Override): Override {
  return {
    oldResult,
    authority: safeText(authority),
    remark: safeText(remark),
    until: safeText(until),
  };
}
