import type { FindingItem } from '../../shared/api.ts';
import { findingLine } from '../../shared/finding-text.ts';
import { SEVERITIES, WORST_FIRST } from '../../shared/results.ts';
import { type Html, html } from './html.ts';
import { nodeLink, ruleLink } from './links.ts';
import { type Column, table } from './table.ts';
import { cut, resultMark, severityMark } from './words.ts';

const NODE: Column<FindingItem> = {
  header: 'Node',
  cell: ({ node, nodeState }) =>
    html`${nodeLink(node)}${nodeState !== undefined && ` (${nodeState})`}`,
  sort: ({ node }) => node,
};
const RULE: Column<FindingItem> = {
  header: 'Rule',
  cell: ({ ruleId }) => ruleLink(ruleId),
  sort: ({ ruleId }) => ruleId,
};
const REST: readonly Column<FindingItem>[] = [
  {
    header: 'Result',
    cell: ({ result }) => resultMark(result),
    sort: ({ result }) => WORST_FIRST.indexOf(result),
  },
  {
    header: 'Severity',
    cell: ({ severity }) => severityMark(severity),
    sort: ({ severity }) => SEVERITIES.indexOf(severity),
  },
  { header: 'What was seen', cell: said },
];

/** Findings of one node (then without the node), or of one rule (then without the rule). */
export function findingTable(
  caption: string,
  rows: readonly FindingItem[],
  without: 'node' | 'rule',
  empty: Html,
): Html {
  const columns = [without === 'node' ? RULE : NODE, ...REST];
  return table({ caption, columns, rows, empty });
}

/** With room for what it is about, which stands at the end. */
const MAX_TEXT = 1000;

/** One finding in words, and what to look at by hand. */
export function said(finding: FindingItem): Html {
  const { reason, observed, expected, remediation } = finding;
  const details = Object.entries(observed).slice(0, 40);
  return html`<p><bdi>${cut(findingLine(finding), MAX_TEXT)}</bdi>${reason !== undefined && html` <span class="dim">(${cut(reason, 64)})</span>`}</p>
<details><summary>Evidence and remedy</summary><dl>${details.map(([name, value]) => html`<dt>${cut(name, 64)}</dt><dd>${cut(String(value))}${expected?.[name] !== undefined && html`, expected ${cut(String(expected[name]))}`}</dd>`)}
<dt>Remedy</dt><dd>${cut(remediation.text, 2000)} <span class="dim">(${remediation.kind})</span></dd></dl></details>`;
}
