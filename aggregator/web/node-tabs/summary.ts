import type { NodeDetail } from '../../../shared/api.ts';
import { RESULTS } from '../../../shared/results.ts';
import { eventTable } from '../event-table.ts';
import { findingTable } from '../finding-table.ts';
import { type Html, html } from '../html.ts';
import { noData, noneFound } from '../table.ts';
import { cut, resultMark } from '../words.ts';

const OPEN = ['fail', 'unknown', 'error'];
const SHOWN_EVENTS = 10;

/** What one looks for first: what is not in order, what the machine is, what happened last. */
export function summaryTab(detail: NodeDetail, nowMs: number): Html {
  const { findings, events, node } = detail;
  const open = findings.filter(({ result }) => OPEN.includes(result));
  const nothing = findings.length === 0;
  const counts = RESULTS.filter((result) => node.results[result] > 0).map((result) => {
    return html`<li>${resultMark(result)} ${node.results[result]}</li>`;
  });
  return html`${!nothing && html`<ul class="counts" aria-label="Results">${counts}</ul>`}
${findingTable(
  'Rules that fail or could not be decided',
  open,
  'node',
  nothing
    ? noData('The node has not reported its checks.')
    : noneFound('No rule fails or is undecided on this node.'),
)}
<h2>Machine</h2>${machine(detail)}
<h2>Last events</h2>${eventTable('Last events of the node', events.slice(0, SHOWN_EVENTS), nowMs, noData('The node has sent no event.'))}`;
}

/** The flat members of the section `host`: what the machine is. */
function machine({ sections }: NodeDetail): Html {
  const facts = Object.entries(sections['host'] ?? {});
  if (facts.length === 0) return noData('The node has not said what it is.');
  return html`<dl>${facts.map(([key, item]) => html`<dt>${cut(key, 64)}</dt><dd>${cut(textOf(item))}</dd>`)}</dl>`;
}

function textOf(item: unknown): string {
  if (typeof item !== 'object' || item === null) return String(item);
  return Object.entries(item)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');
}
