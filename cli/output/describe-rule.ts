import type { CheckItem, Coverage, FindingItem } from '../../shared/api.ts';
import type { Rule } from '../../shared/findings.ts';
import { resultWord } from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import { coverageText } from '../coverage.ts';
import { ago } from '../duration.ts';
import type { Style } from './colour.ts';
import { exceptionLines } from './exception.ts';
import { blockText, type Fact, factsText } from './facts.ts';
import { byUrgency, findingLines } from './finding.ts';
import { mappingText } from './mapping.ts';
import { namesText } from './names.ts';

/** What is described: a rule over nodes, or what it says of one. */
export interface RuleView {
  /** As the aggregator knows it. */
  readonly rule: Pick<CheckItem, 'ruleId' | 'title' | 'severity' | 'remediation' | 'mappings'>;
  /** As this program knows it: why the rule is there. */
  readonly known: Rule | undefined;
  /** How many nodes have which result; absent for one node. */
  readonly counts?: CheckItem['nodes'];
  readonly findings: readonly FindingItem[];
  readonly coverage: Coverage;
}

/** A rule with why it asks, how it is put right, and who fails it for how long. */
export function ruleText(view: RuleView, style: Style, nowMs: number): string {
  const { rule, known, counts, findings, coverage } = view;
  const facts: Fact[] = [
    ['Rule', rule.ruleId],
    ['Asks', rule.title],
    ['Severity', rule.severity],
    ...(known === undefined ? [] : [['Why', known.rationale] as const]),
    ['Fix', `${rule.remediation.text} (${rule.remediation.kind})`],
    ['Controls', rule.mappings.map(mappingText).join(', ') || '-'],
    ...(counts === undefined ? [] : [['Nodes', countsText(counts)] as const]),
    ['Coverage', coverageText(coverage)],
  ];
  const open = findings.filter(({ result }) => result !== 'pass' && result !== 'notapplicable');
  return [
    factsText(facts, style),
    blockText('Does not pass', openText(open, style, nowMs)),
    blockText('Exceptions', exceptionLines(findings).join('\n')),
    evidenceText(open, style),
    factsText([['Next', nextStep(open, rule.ruleId)]], style),
  ]
    .filter((block) => block !== '')
    .join('\n');
}

function countsText(counts: CheckItem['nodes']): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  return (
    parts.map(([result, count]) => `${count} ${resultWord(result)}`).join(', ') ||
    'no node has a result'
  );
}

/** The same words of several nodes are one line, with the nodes and how long the first of them has been failing. */
function openText(findings: readonly FindingItem[], style: Style, nowMs: number): string {
  const groups = Map.groupBy(findings.toSorted(byUrgency), (finding) =>
    JSON.stringify([finding.result, finding.severity, finding.subject, finding.message]),
  );
  const lines = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const since = group.flatMap((one) => one.since ?? []).sort()[0];
    const age = since === undefined ? '' : `, for ${ago(since, nowMs)}`;
    const nodes = group.map(({ node, nodeState }) => (nodeState ? `${node} (${nodeState})` : node));
    const { since: _, ...finding } = first;
    return [{ ...finding, message: `${first.message} [${namesText(nodes)}${age}]` }];
  });
  return findingLines(lines, style).join('\n');
}

/** What was seen beside what was expected, of the first that does not pass. */
function evidenceText(open: readonly FindingItem[], style: Style): string {
  const first = open.toSorted(byUrgency)[0];
  if (first === undefined) return '';
  const seen = Object.entries(first.observed ?? {}).map(([name, value]) => {
    const expected = first.expected?.[name];
    return `  ${name}: ${value}${expected === undefined ? '' : `, expected ${expected}`}`;
  });
  if (seen.length === 0) return '';
  const title = `Seen on ${first.node}${first.subject === undefined ? '' : ` of ${first.subject}`}`;
  const columns = style.isTerminal ? style.columns : Number.POSITIVE_INFINITY;
  const lines = seen.map((line) => safeText(line).slice(0, columns));
  return blockText(safeText(title), lines.join('\n'));
}

function nextStep(open: readonly FindingItem[], ruleId: string): string {
  const nodes = new Set(open.map(({ node }) => node));
  if (nodes.size === 0) return `nodeseal explain ${safeText(ruleId)}`;
  if (nodes.size > 1) return `nodeseal get findings ${safeText(ruleId)} -o wide`;
  return `nodeseal describe node ${safeText([...nodes].join(''))}`;
}
