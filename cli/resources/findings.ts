import type { FindingItem } from '../../shared/api.ts';
import { findingKey } from '../../shared/findings.ts';
import { readFinding } from '../answers.ts';
import { byUrgency, FINDING_COLUMNS } from '../output/finding.ts';
import { NODE_COLUMN } from '../output/of-node.ts';
import type { Resource } from '../resource.ts';

/** What rules say of nodes. */
export const FINDINGS: Resource<FindingItem> = {
  type: 'findings',
  kind: 'FindingList',
  read: readFinding,
  namesOf: ({ ruleId, checkId }) => [ruleId, checkId],
  nodesOf: ({ node }) => [node],
  keyOf: (item) => `${item.node} ${findingKey(item)}`,
  fields: ['node', 'ruleId', 'checkId', 'result', 'severity', 'subject', 'reason', 'observed'],
  parameters: { node: 'node', ruleId: 'rule', result: 'result', severity: 'severity' },
  // An exception is a reason of what does not apply.
  omits: { field: 'result', values: ['pass', 'notapplicable'], unless: ['result', 'reason'] },
  // An id of a check has no dot.
  nameQuery: (name) => (name.includes('.') ? { rule: name } : undefined),
  isWatched: true,
  isPaged: true,
  compare: (a, b) => byUrgency(a, b) || (a.node < b.node ? -1 : 1),
  presentation: () => ({
    resource: 'finding',
    columns: [...FINDING_COLUMNS.slice(0, 1), NODE_COLUMN, ...FINDING_COLUMNS.slice(1)],
    nameOf: (item) => `${item.node}/${item.ruleId}`,
  }),
  grouping: {
    sameOf: ({ ruleId, result, severity, subject, reason, message, override }) =>
      JSON.stringify([ruleId, result, severity, subject, reason, message, override]),
    nodeOf: (item) => item,
    // What most nodes say stands before what few say.
    compare: (a, b) =>
      byUrgency({ ...a.item, subject: '' }, { ...b.item, subject: '' }) ||
      b.nodes.length - a.nodes.length ||
      byUrgency(a.item, b.item),
  },
};
