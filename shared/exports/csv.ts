import { csvRow } from '../csv.ts';
import { reportingText } from '../reporting-text.ts';
import type { ExportFormat, ExportSource, NodeReport } from './source.ts';
import type { Statement } from './statement.ts';

const COLUMNS = [
  'record',
  'at',
  'node',
  'pool',
  'state',
  'lastSeen',
  'ruleId',
  'subject',
  'outcome',
  'severity',
  'reason',
  'message',
  'exceptionBy',
  'exceptionUntil',
  'exceptionReason',
] as const;
type Row = Readonly<Partial<Record<(typeof COLUMNS)[number], string | null>>>;

/** A row a statement for sheets; the first row says for how many nodes the others speak. */
export const csv: ExportFormat = {
  id: 'csv',
  title: 'rows for a sheet (RFC 4180)',
  mediaType: 'text/csv; charset=utf-8; header=present',
  extension: 'csv',
  about: 'findings',
  async *write(source) {
    yield csvRow(COLUMNS) + row(coverageRow(source));
    for await (const node of source.findings()) {
      yield node.items.map((statement) => row(statementRow(node, statement))).join('');
    }
  },
};

function row(values: Row): string {
  return csvRow(COLUMNS.map((column) => values[column]));
}

function coverageRow({ generatedAt, asOf, coverage }: ExportSource): Row {
  const { expected, missing } = coverage;
  const isWhole = missing.length === 0 && expected > 0;
  const message = reportingText(coverage);
  return {
    record: 'coverage',
    at: generatedAt,
    outcome: isWhole ? 'pass' : 'unknown',
    message: asOf === undefined ? message : `${message} as of ${asOf}`,
  };
}

function statementRow(node: NodeReport<Statement>, statement: Statement): Row {
  const { ruleId, outcome, severity, reason, message, override } = statement;
  const { name, pool, state, lastSeen } = node;
  return {
    record: 'finding',
    at: node.dataAsOf,
    node: name,
    pool,
    ...(state === undefined ? {} : { state }),
    lastSeen,
    ruleId,
    ...(statement.subject === undefined ? {} : { subject: statement.subject }),
    outcome,
    severity,
    ...(reason === undefined ? {} : { reason }),
    message,
    ...(override === undefined
      ? {}
      : {
          exceptionBy: override.authority,
          exceptionUntil: override.until,
          exceptionReason: override.remark,
        }),
  };
}
