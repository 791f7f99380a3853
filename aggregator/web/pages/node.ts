import type { NodeDetail } from '../../../shared/api.ts';
import type { PoolBaseline } from '../../../shared/api-pools.ts';
import type { ApiContext } from '../../api/route.ts';
import { mayAct } from '../../identity/principal.ts';
import { type Html, html } from '../html.ts';
import { formToken } from '../layout.ts';
import { pathTo, segment, time } from '../links.ts';
import { agentTab } from '../node-tabs/agent.ts';
import { checksTab } from '../node-tabs/checks.ts';
import { compareTab } from '../node-tabs/compare.ts';
import { driftTab } from '../node-tabs/drift.ts';
import { imagesTab } from '../node-tabs/images.ts';
import { rawTab } from '../node-tabs/raw.ts';
import { summaryTab } from '../node-tabs/summary.ts';
import { trustTab } from '../node-tabs/trust.ts';
import type { Action, Page, PageRequest } from '../page.ts';
import { live } from '../table.ts';
import { cut, resultMark, stateMark } from '../words.ts';

interface Tab {
  readonly word: (detail: NodeDetail) => string;
  readonly show: (detail: NodeDetail, nowMs: number) => Html;
}

const TABS = {
  summary: { word: () => 'Summary', show: summaryTab },
  trust: { word: () => 'Trust', show: trustTab },
  checks: { word: ({ node }) => `Checks (${node.results.fail} fail)`, show: checksTab },
  images: { word: ({ images }) => `Images (${images.length})`, show: imagesTab },
  drift: { word: ({ node }) => `Drift (${node.drift})`, show: driftTab },
  agent: { word: () => 'Agent', show: agentTab },
  raw: { word: () => 'Raw JSON', show: rawTab },
} as const satisfies Readonly<Record<string, Tab>>;
type TabName = keyof typeof TABS;
const TAB_NAMES = Object.keys(TABS) as readonly TabName[];

export const node: Page = {
  path: '/nodes/:name',
  section: 'nodes',
  query: ['tab', 'compare'],
  topics: ['nodes', 'findings', 'images', 'events'],
  async render({ name, query, ask, context, session, nowMs }) {
    const detail = await ask('GET /v1/nodes/:name', { name });
    const other = query.text('compare');
    const tab = other === undefined ? (query.word('tab', TAB_NAMES) ?? 'summary') : undefined;
    const rescan = mayAct(session.person.role, 'operator') && detail.session.connected;
    const main =
      other !== undefined
        ? compareTab(detail, await otherSide(other, ask))
        : TABS[tab ?? 'summary'].show(detail, nowMs);
    return {
      title: `Node ${cut(name, 64)}`,
      main: html`${live('facts', facts(detail, nowMs))}
${rescan && html`<form method="post" action="${`${pathOf(name)}/rescan`}">${formToken(session)}<button>Look at everything now</button></form>`}
${tabs(detail, tab)}
${compareForm(detail, other, context)}
${live(`tab-${tab ?? 'compare'}`, main)}`,
    };
  },
};

/** Another node, or the majority of a pool: `pool/NAME`. */
async function otherSide(
  other: string,
  ask: PageRequest['ask'],
): Promise<NodeDetail | PoolBaseline> {
  const [, pool] = /^pool\/(.*)$/s.exec(other) ?? [];
  return pool === undefined
    ? await ask('GET /v1/nodes/:name', { name: other })
    : await ask('GET /v1/pools/:name', { name: pool });
}

/** Asks the node to look at everything now. */
export const rescan: Action = {
  path: '/nodes/:name/rescan',
  role: 'operator',
  async run({ name, ask }) {
    await ask('POST /v1/nodes/:name/rescan', { name });
    return pathOf(name);
  },
};

function pathOf(name: string): string {
  return `/nodes/${segment(name)}`;
}

function facts({ node: item, session }: NodeDetail, nowMs: number): Html {
  return html`<dl class="facts"><div><dt>State</dt><dd>${stateMark(item.state)}</dd></div>
<div><dt>Seen</dt><dd>${time(item.lastSeen, nowMs)}</dd></div>
<div><dt>Pool</dt><dd><a href="${pathTo('/nodes', { pool: item.pool })}"><bdi>${item.pool}</bdi></a></dd></div>
<div><dt>Agent</dt><dd>${item.agentVersion ?? '–'}${session.connected ? null : ', not connected'}</dd></div>
<div><dt>Worst result</dt><dd>${item.lastSeen === null ? '–' : resultMark(item.worst)}</dd></div></dl>`;
}

function tabs(detail: NodeDetail, current: TabName | undefined): Html {
  const links = TAB_NAMES.map((tab) => {
    const path = pathTo(pathOf(detail.node.name), { tab });
    return html`<li><a href="${path}"${tab === current && html` aria-current="page"`}>${TABS[tab].word(detail)}</a></li>`;
  });
  return html`<nav class="tabs" aria-label="Parts of the node"><ul>${links}</ul></nav>`;
}

const MAX_OTHERS = 500;

/** The other nodes of the pool come first; in a large fleet the name is written, not chosen. */
function compareForm(
  { node: item }: NodeDetail,
  other: string | undefined,
  { fleet }: ApiContext,
): Html {
  const others = [...fleet.members()]
    .filter(({ name, retired }) => name !== item.name && !retired)
    .sort(
      (a, b) =>
        Number(b.pool === item.pool) - Number(a.pool === item.pool) || (a.name < b.name ? -1 : 1),
    )
    .slice(0, MAX_OTHERS);
  return html`<form class="filters" method="get" action="${pathOf(item.name)}"><label>Compare with <input name="compare" list="others" value="${other ?? ''}" required maxlength="253"></label>
<datalist id="others"><option value="${`pool/${item.pool}`}"></option>${others.map(({ name }) => html`<option value="${name}"></option>`)}</datalist> <button>Compare</button></form>${other !== undefined && html`<p>Compared with <bdi>${cut(other, 64)}</bdi>.</p>`}`;
}
