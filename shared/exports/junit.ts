import { findingText } from '../finding-text.ts';
import { reportingText } from '../reporting-text.ts';
import type { Outcome } from './outcome.ts';
import type { ExportFormat, ExportSource, NodeReport } from './source.ts';
import type { Statement } from './statement.ts';
import { type Attributes, attributes, escapeXml } from './xml.ts';

/** The element below a testcase that says how it went; none for a pass. */
const ELEMENT: Readonly<Record<Outcome, 'failure' | 'error' | 'skipped' | undefined>> = {
  pass: undefined,
  fail: 'failure',
  warn: 'skipped',
  unknown: 'error',
  error: 'error',
  notapplicable: 'skipped',
  excepted: 'skipped',
};

/** A test suite a node, for pipelines: as Jenkins reads them (junit-10.xsd of its xUnit plugin). */
export const junit: ExportFormat = {
  id: 'junit',
  title: 'test results for pipelines (JUnit XML)',
  mediaType: 'application/xml; charset=utf-8',
  extension: 'xml',
  about: 'findings',
  async *write(source) {
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="nodeseal">\n';
    yield coverageSuite(source);
    for await (const node of source.findings()) yield nodeSuite(node);
    yield '</testsuites>\n';
  },
};

function coverageSuite({ generatedAt, asOf, version, coverage }: ExportSource): string {
  const { expected, reporting, missing } = coverage;
  const isWhole = missing.length === 0 && expected > 0;
  const text = reportingText(coverage);
  const properties = propertyLines({ expected, reporting, generatedAt, asOf, version });
  const verdict = isWhole ? '' : `<error${attributes({ type: 'unknown', message: text })}/>`;
  const counts = { tests: 1, failures: 0, errors: isWhole ? 0 : 1, skipped: 0 };
  return suite({ name: 'coverage', ...counts, timestamp: generatedAt }, [
    properties,
    `    <testcase${attributes({ name: 'every expected node reports', classname: 'coverage' })}>${verdict}</testcase>\n`,
  ]);
}

function nodeSuite(node: NodeReport<Statement>): string {
  const { name, items, pool, state, cause, lastSeen, dataAsOf } = node;
  const countOf = (element: 'failure' | 'error' | 'skipped'): number =>
    items.filter(({ outcome }) => ELEMENT[outcome] === element).length;
  const counts = {
    tests: items.length,
    failures: countOf('failure'),
    errors: countOf('error'),
    skipped: countOf('skipped'),
  };
  const timestamp = dataAsOf ?? undefined;
  return suite({ name, ...counts, timestamp, hostname: name }, [
    propertyLines({ pool, state, cause, lastSeen: lastSeen ?? undefined }),
    ...items.map(testcase),
  ]);
}

function testcase(statement: Statement): string {
  const { ruleId, checkId, subject, outcome, severity, reason, message, remediation } = statement;
  const name = subject === undefined ? ruleId : `${ruleId} ${subject}`;
  const start = `    <testcase${attributes({ name, classname: checkId })}>`;
  const element = ELEMENT[outcome];
  if (element === undefined) return `${start}</testcase>\n`;
  const type = element === 'failure' ? severity : (reason ?? outcome);
  const body = element === 'skipped' ? '' : remediation;
  const text = `${attributes({ type, message: saidOf(statement, message) })}>${escapeXml(body)}`;
  return `${start}<${element}${text}</${element}></testcase>\n`;
}

function saidOf({ outcome, override }: Statement, message: string): string {
  const reason = outcome === 'warn' ? 'informational' : undefined;
  return findingText({ message, ...(reason && { reason }), ...(override && { override }) });
}

function suite(own: Attributes, lines: readonly string[]): string {
  return `  <testsuite${attributes(own)}>\n${lines.join('')}  </testsuite>\n`;
}

function propertyLines(values: Attributes): string {
  const lines = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `      <property${attributes({ name, value })}/>\n`);
  return `    <properties>\n${lines.join('')}    </properties>\n`;
}
