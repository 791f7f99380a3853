import { hash } from 'node:crypto';
import { ListText } from './json-text.ts';
import { countOutcomes, OUTCOMES, OUTCOMES_WORST_FIRST, type Outcome } from './outcome.ts';
import type { ExportFormat, ExportSource, NodeReport } from './source.ts';
import type { Statement } from './statement.ts';

/** Results of one report: objects of a cluster are small. What is left out is counted, and a link leads to it. */
const MAX_RESULTS = 200;
/** A text of one result: the largest object of a cluster has 1.5 MiB. */
const MAX_TEXT = 500;

const API_VERSION = 'openreports.io/v1alpha1';
/** Where the shipped manifests put nodeseal. */
const NAMESPACE = 'nodeseal';
const SOURCE = 'nodeseal';

const RESULT: Readonly<Record<Outcome, 'pass' | 'fail' | 'warn' | 'error' | 'skip'>> = {
  pass: 'pass',
  fail: 'fail',
  warn: 'warn',
  unknown: 'error',
  error: 'error',
  notapplicable: 'skip',
  excepted: 'skip',
};

/** A list of `Report` objects (openreports.io), one a node and one for the coverage of all: for `oc apply -f`. */
export const openreports: ExportFormat = {
  id: 'openreports',
  title: 'OpenReports objects, one a node, for the cluster',
  mediaType: 'application/json',
  extension: 'json',
  about: 'findings',
  async *write(source) {
    yield '{"apiVersion":"v1","kind":"List","items":[\n';
    const reports = new ListText();
    yield reports.add([coverageReport(source)]);
    for await (const node of source.findings()) yield reports.add([nodeReport(source, node)]);
    yield ']}\n';
  },
};

function coverageReport(source: ExportSource): object {
  const { expected, missing } = source.coverage;
  const absent = missing.map(({ node, cause }) => ({
    policy: 'coverage',
    rule: 'coverage.reporting',
    result: 'error',
    message: cut(`${node}: ${cause}`),
    properties: { node: cut(node), cause: cut(cause) },
  }));
  const isWhole = missing.length === 0 && expected > 0;
  const none = { policy: 'coverage', result: 'error', message: 'no node is expected' };
  const whole = { policy: 'coverage', result: 'pass', message: 'every expected node reports' };
  const results = absent.length > 0 ? absent : [isWhole ? whole : none];
  const error = isWhole ? 0 : results.length;
  return {
    ...head(source, 'nodeseal-coverage', { omitted: results.length - MAX_RESULTS }),
    source: SOURCE,
    configuration: { limits: { maxResults: MAX_RESULTS } },
    summary: { pass: isWhole ? 1 : 0, fail: 0, warn: 0, error, skip: 0 },
    results: results.slice(0, MAX_RESULTS),
  };
}

function nodeReport(source: ExportSource, node: NodeReport<Statement>): object {
  const counts = countOutcomes(node.items.map(({ outcome }) => outcome));
  const sum = (result: string): number =>
    OUTCOMES.filter((outcome) => RESULT[outcome] === result).reduce(
      (total, outcome) => total + counts[outcome],
      0,
    );
  const { dataAsOf, lastSeen, state, name, items } = node;
  const about = { dataAsOf, lastSeen, state, omitted: items.length - MAX_RESULTS, node: name };
  return {
    ...head(source, objectName(name), about),
    source: SOURCE,
    scope: { apiVersion: 'v1', kind: 'Node', name },
    configuration: { limits: { maxResults: MAX_RESULTS } },
    summary: {
      pass: sum('pass'),
      fail: sum('fail'),
      warn: sum('warn'),
      error: sum('error'),
      skip: sum('skip'),
    },
    results: worstFirst(items)
      .slice(0, MAX_RESULTS)
      .map((statement) => result(statement, dataAsOf)),
  };
}

interface About {
  readonly node?: string;
  readonly dataAsOf?: string | null;
  readonly lastSeen?: string | null;
  readonly state?: string | undefined;
  readonly omitted: number;
}

/** Kind, name, and as annotations whom it speaks for and how old it is. */
function head(
  { generatedAt, asOf, link, coverage }: ExportSource,
  name: string,
  about: About,
): object {
  const path = about.node === undefined ? '/v1/nodes' : `/v1/findings?${query(about.node)}`;
  const annotations = {
    'generated-at': generatedAt,
    'as-of': asOf,
    'coverage-expected': String(coverage.expected),
    'coverage-reporting': String(coverage.reporting),
    'data-as-of': about.dataAsOf ?? undefined,
    'last-seen': about.lastSeen ?? undefined,
    'node-state': about.state,
    'results-omitted': about.omitted > 0 ? String(about.omitted) : undefined,
    results: link === '' ? undefined : `${link}${path}`,
  };
  const named = Object.entries(annotations).map(([key, value]) => [`nodeseal.dev/${key}`, value]);
  return {
    apiVersion: API_VERSION,
    kind: 'Report',
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { 'app.kubernetes.io/managed-by': 'nodeseal' },
      annotations: Object.fromEntries(named),
    },
  };
}

function query(node: string): string {
  return new URLSearchParams({ node }).toString();
}

function worstFirst(items: readonly Statement[]): readonly Statement[] {
  return OUTCOMES_WORST_FIRST.flatMap((outcome) => items.filter((one) => one.outcome === outcome));
}

function result(statement: Statement, dataAsOf: string | null): object {
  const { ruleId, checkId, subject, outcome, severity, reason, message, override } = statement;
  const seconds = dataAsOf === null ? undefined : Math.floor(Date.parse(dataAsOf) / 1000);
  return {
    policy: cut(checkId),
    rule: cut(ruleId),
    result: RESULT[outcome],
    severity,
    scored: outcome !== 'warn',
    message: cut(message),
    ...(seconds === undefined ? {} : { timestamp: { seconds, nanos: 0 } }),
    properties: {
      outcome,
      subject: subject && cut(subject),
      reason: reason && cut(reason),
      fingerprint: statement.fingerprint,
      exceptionBy: override && cut(override.authority),
      exceptionUntil: override && cut(override.until),
      exceptionReason: override && cut(override.remark),
    },
  };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1).toWellFormed()}…`;
}

/** A name that Kubernetes takes (RFC 1123 subdomain, 253 characters), and a different one for each node. */
function objectName(node: string): string {
  const name = `nodeseal-${node}`;
  const isValid = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name);
  if (isValid && name.length <= 253) return name;
  const plain = node
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40);
  const digest = hash('sha256', node).slice(0, 16);
  return `nodeseal-${plain.replace(/^-|-$/g, '') || 'node'}-${digest}`;
}
