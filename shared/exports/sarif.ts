import { counted } from '../counted.ts';
import type { Severity } from '../results.ts';
import { compactJson, ListText } from './json-text.ts';
import type { Outcome } from './outcome.ts';
import type { ExportFormat, ExportSource, NodeReport } from './source.ts';
import type { Statement } from './statement.ts';

const SCHEMA =
  'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** Notifications of one node; its results have every error. */
const MAX_NOTIFICATIONS = 20;

type Level = 'error' | 'warning' | 'note' | 'none';

const KIND: Readonly<Record<Outcome, 'pass' | 'fail' | 'open' | 'notApplicable'>> = {
  pass: 'pass',
  fail: 'fail',
  warn: 'fail',
  unknown: 'open',
  error: 'open',
  notapplicable: 'notApplicable',
  excepted: 'fail',
};
const LEVEL: Readonly<Record<Severity, Level>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'warning',
  info: 'note',
};

/**
 * SARIF 2.1.0 (OASIS): one run; a result a statement, an invocation a node. What is known only at the end stands
 * behind the results.
 */
export const sarif: ExportFormat = {
  id: 'sarif',
  title: 'SARIF 2.1.0, for viewers of findings',
  mediaType: 'application/sarif+json',
  extension: 'sarif',
  about: 'findings',
  async *write(source) {
    yield `{"$schema":"${SCHEMA}","version":"2.1.0","runs":[{"results":[\n`;
    const results = new ListText();
    const rules = new Map<string, Statement>();
    const invocations: string[] = [];
    for await (const node of source.findings()) {
      const at = invocations.length;
      yield results.add(node.items.map((statement) => result(statement, at)));
      for (const statement of node.items) {
        if (!rules.has(statement.ruleId)) rules.set(statement.ruleId, statement);
      }
      invocations.push(compactJson(invocation(node)));
    }
    yield '],\n"invocations":[\n';
    for (const [at, one] of invocations.entries()) yield at === 0 ? one : `,\n${one}`;
    yield `],\n"tool":${compactJson(tool(source, rules))}`;
    yield `,\n"automationDetails":{"id":"nodeseal/"},"columnKind":"utf16CodeUnits"`;
    yield `,\n"properties":${compactJson(runProperties(source))}}]}\n`;
  },
};

function result(statement: Statement, invocationIndex: number): object {
  const { node, ruleId, subject, outcome, severity, reason, message, override } = statement;
  const kind = KIND[outcome];
  return {
    ruleId,
    kind,
    level: kind === 'fail' ? levelOf(statement) : 'none',
    message: { text: messageString(message) },
    locations: [location(node, subject)],
    partialFingerprints: { 'nodeseal/v1': statement.fingerprint },
    ...(override === undefined
      ? {}
      : {
          suppressions: [
            {
              kind: 'external',
              status: 'accepted',
              justification: override.remark,
              properties: { authority: override.authority, until: override.until },
            },
          ],
        }),
    provenance: { invocationIndex },
    properties: { outcome, severity, reason, observed: statement.observed },
  };
}

function levelOf({ outcome, severity }: Statement): Level {
  return outcome === 'warn' ? 'note' : LEVEL[severity];
}

function location(node: string, subject: string | undefined): object {
  const logical = {
    name: subject ?? node,
    fullyQualifiedName: subject === undefined ? node : `${node}/${subject}`,
    kind: subject === undefined ? 'node' : 'resource',
  };
  const isPath = subject?.startsWith('/') === true;
  return {
    ...(isPath ? { physicalLocation: { artifactLocation: { uri: fileUri(node, subject) } } } : {}),
    logicalLocations: [logical],
  };
}

/** RFC 8089 with the node as the host. */
function fileUri(node: string, path: string): string {
  return `file://${[node, ...path.split('/').slice(1)].map(encodeURIComponent).join('/')}`;
}

/** SARIF 3.11: braces are doubled; brackets that would make a link are escaped. */
function messageString(text: string): string {
  const plain = text.includes('](') ? text.replace(/[[\]\\]/g, '\\$&') : text;
  return plain.replace(/[{}]/g, '$&$&');
}

function invocation(node: NodeReport<Statement>): object {
  const errors = node.items.filter(({ outcome }) => outcome === 'error');
  const shown = errors.slice(0, MAX_NOTIFICATIONS).map(notification);
  const more = errors.length - shown.length;
  const rest = `${counted(more, 'more rule')} could not be asked; the results have them`;
  const notifications = more > 0 ? [...shown, { level: 'error', message: { text: rest } }] : shown;
  const { name, pool, state, cause, lastSeen, agentVersion, dataAsOf } = node;
  return {
    machine: name,
    executionSuccessful: dataAsOf !== null,
    ...(dataAsOf === null ? {} : { endTimeUtc: dataAsOf }),
    ...(notifications.length === 0 ? {} : { toolExecutionNotifications: notifications }),
    properties: { pool, state, cause, lastSeen, agentVersion },
  };
}

function notification({ ruleId, node, subject, message, reason }: Statement): object {
  return {
    level: 'error',
    message: { text: messageString(message) },
    associatedRule: { id: ruleId },
    locations: [location(node, subject)],
    properties: { reason },
  };
}

function tool({ version }: ExportSource, rules: ReadonlyMap<string, Statement>): object {
  const known = [...rules.values()].sort((a, b) => (a.ruleId < b.ruleId ? -1 : 1));
  return { driver: { name: 'nodeseal', version, rules: known.map(rule) } };
}

function rule({ ruleId, title, severity, remediation, mappings }: Statement): object {
  return {
    id: ruleId,
    shortDescription: { text: messageString(title) },
    help: { text: messageString(remediation) },
    defaultConfiguration: { level: LEVEL[severity] },
    properties: { tags: [...new Set(mappings.map(({ framework, id }) => `${framework} ${id}`))] },
  };
}

function runProperties({ generatedAt, asOf, link, coverage }: ExportSource): object {
  return { generatedAt, asOf, link: link === '' ? undefined : link, coverage };
}
