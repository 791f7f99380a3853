import { reportingText } from '../reporting-text.ts';
import type { Severity } from '../results.ts';
import type { ExportFormat, ExportSource, NodeReport } from './source.ts';
import type { Statement } from './statement.ts';
import { uuidOf } from './uuid.ts';
import { attributes, escapeXml } from './xml.ts';

const XCCDF = 'http://checklists.nist.gov/xccdf/1.2';
/** Of what XCCDF has no element for, reason and evidence, and of the system that looked. */
const OURS = 'https://nodeseal.dev/ns/xccdf';

/** Severities of XCCDF end with high. */
const SEVERITY: Readonly<Record<Severity, string>> = {
  info: 'info',
  low: 'low',
  medium: 'medium',
  high: 'high',
  critical: 'high',
};
/** What counts into a score, XCCDF 1.2, section 7.3. */
const SCORED = ['pass', 'fail', 'error', 'unknown'];

/** A benchmark of the rules that were asked, with a test result a node: what oscap and its readers take. */
export const xccdf: ExportFormat = {
  id: 'xccdf',
  title: 'XCCDF 1.2 test results, for readers of oscap',
  mediaType: 'application/xml; charset=utf-8',
  extension: 'xml',
  about: 'findings',
  async *write(source) {
    yield head(source);
    // The schema has rules before results: nodes are read twice, and none is kept.
    const rules = new Map<string, Statement>();
    for await (const { items } of source.findings()) {
      for (const item of items) if (!rules.has(item.ruleId)) rules.set(item.ruleId, item);
    }
    const known = [...rules.values()].sort((a, b) => (a.ruleId < b.ruleId ? -1 : 1));
    for (const statement of known) yield rule(statement);
    for await (const node of source.findings()) yield testResult(source, node);
    yield '</Benchmark>\n';
  },
};

function head({ generatedAt, asOf, version, coverage }: ExportSource): string {
  const then = asOf === undefined ? '' : ` as of ${asOf}`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Benchmark${attributes({ xmlns: XCCDF, id: name('benchmark', 'nodes'), resolved: 'true' })}>\n` +
    '  <status>accepted</status>\n' +
    `  ${element('title', 'State of nodes as nodeseal knows it')}\n` +
    `  ${element('description', reportingText(coverage) + then)}\n` +
    `  ${element('version', version, { time: generatedAt })}\n`
  );
}

function rule({ ruleId, title, severity, mappings, remediation }: Statement): string {
  const references = mappings.map(({ framework, id, basis }) =>
    element('reference', `${framework} ${id}${basis === 'derived' ? ' (derived)' : ''}`),
  );
  return (
    `  <Rule${attributes({ id: name('rule', ruleId), multiple: 'true', severity: SEVERITY[severity] })}>` +
    element('title', title) +
    references.join('') +
    `${element('fixtext', remediation)}</Rule>\n`
  );
}

function testResult(source: ExportSource, node: NodeReport<Statement>): string {
  const { items, pool, state, cause, lastSeen, agentVersion, dataAsOf } = node;
  const own = {
    id: name('testresult', uuidOf('xccdf-result', node.name)),
    'end-time': dataAsOf ?? source.generatedAt,
    'test-system': 'nodeseal',
    version: source.version,
  };
  const facts = Object.entries({ pool, state, cause, lastSeen, agentVersion }).flatMap(
    ([fact, value]) =>
      value === undefined || value === null
        ? []
        : [element('fact', value, { name: `urn:nodeseal:fact:${fact}`, type: 'string' })],
  );
  const results = items.map(resultOf).filter((result) => SCORED.includes(result));
  const passed = results.filter((result) => result === 'pass').length;
  const system = 'urn:xccdf:scoring:flat-unweighted';
  return (
    `  <TestResult${attributes(own)}>\n` +
    `    ${element('target', node.name)}\n` +
    `    <target-facts>${facts.join('')}</target-facts>\n` +
    items.map((statement) => ruleResult(statement, own['end-time'])).join('') +
    `    ${element('score', String(passed), { system, maximum: results.length })}\n` +
    '  </TestResult>\n'
  );
}

function ruleResult(statement: Statement, time: string): string {
  const { ruleId, subject, severity, reason, message, observed, override } = statement;
  const result = resultOf(statement);
  const idref = name('rule', ruleId);
  const known = [
    ...(reason === undefined ? [] : [element('reason', reason, { xmlns: OURS })]),
    element('observed', observed, { xmlns: OURS }),
  ];
  const grade = result === 'pass' || result === 'notapplicable' ? 'info' : 'warning';
  return (
    `    <rule-result${attributes({ idref, time, severity: SEVERITY[severity] })}>` +
    element('result', result) +
    (override === undefined ? '' : overridden(override, result, time)) +
    `<metadata>${known.join('')}</metadata>` +
    element('message', message, { severity: result === 'fail' ? 'error' : grade }) +
    (subject === undefined ? '' : element('instance', subject, { context: 'subject' })) +
    `<check${attributes({ system: OURS })}/></rule-result>\n`
  );
}

function overridden(
  { oldResult, authority, remark, until }: NonNullable<Statement['override']>,
  result: string,
  time: string,
): string {
  return (
    `<override${attributes({ time, authority })}>` +
    element('old-result', oldResult) +
    element('new-result', result) +
    `${element('remark', `${remark} (until ${until})`)}</override>`
  );
}

/** Results have XCCDF's own names; two that it has besides are ours by a reason. */
function resultOf({ outcome, result, reason }: Statement): string {
  if (outcome === 'warn') return 'informational';
  return result === 'notchecked' && reason === 'not-selected' ? 'notselected' : result;
}

/** An id as XCCDF wants it; what an NCName may not hold is written as its number, so that no two are one. */
function name(kind: 'benchmark' | 'rule' | 'testresult', own: string): string {
  const plain = own.replace(/[^A-Za-z0-9.-]/gu, (mark) => `_${mark.codePointAt(0)?.toString(16)}_`);
  return `xccdf_dev.nodeseal_${kind}_${plain}`;
}

function element(tag: string, text: string, own: Parameters<typeof attributes>[0] = {}): string {
  return `<${tag}${attributes(own)}>${escapeXml(text)}</${tag}>`;
}
