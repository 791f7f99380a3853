import type { CheckItem } from '../../../shared/api.ts';
import { counted } from '../../../shared/counted.ts';
import { RESULTS } from '../../../shared/results.ts';
import { findingTable } from '../finding-table.ts';
import { type Html, html } from '../html.ts';
import type { Page } from '../page.ts';
import { live, noData } from '../table.ts';
import { cut, resultMark, severityMark } from '../words.ts';

const SHOWN = 500;

export const check: Page = {
  path: '/checks/:name',
  section: 'checks',
  query: [],
  topics: ['findings'],
  async render({ name, ask }) {
    const { check: rule, findings } = await ask('GET /v1/checks/:name', { name });
    const hidden = findings.length - SHOWN;
    return {
      title: `Rule ${cut(name, 64)}`,
      main: html`<p class="lead">${cut(rule.title)}</p>
${live('counts', counts(rule))}
${about(rule)}
${live(
  'findings',
  html`${findingTable(
    'What nodes say of it, worst first',
    findings.slice(0, SHOWN),
    'rule',
    noData('No node has reported this rule.'),
  )}${hidden > 0 && html`<p>${counted(hidden, 'less bad one is', 'less bad ones are')} not shown.</p>`}`,
)}`,
    };
  },
};

function counts({ nodes, severity }: CheckItem): Html {
  const some = RESULTS.filter((result) => nodes[result] > 0);
  return html`<ul class="counts" aria-label="Nodes by result"><li>Severity ${severityMark(severity)}</li>${some.map(
    (result) => html`<li>${resultMark(result)} ${nodes[result]}</li>`,
  )}</ul>`;
}

function about({ remediation, mappings, ruleId }: CheckItem): Html {
  const controls = mappings.map(({ framework, id, basis }) => `${framework} ${id} (${basis})`);
  return html`<dl><dt>How to put it right</dt><dd>${cut(remediation.text, 2000)} <span class="dim">(${remediation.kind})</span></dd>
<dt>Controls it serves</dt><dd>${controls.length === 0 ? 'none named' : controls.join(', ')}</dd>
<dt>What it asks and why</dt><dd><code>nodeseal explain ${ruleId}</code></dd></dl>`;
}
