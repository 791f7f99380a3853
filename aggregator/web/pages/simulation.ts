import type { SimulationItem } from '../../../shared/api-simulation.ts';
import { counted } from '../../../shared/counted.ts';
import { VERDICTS } from '../../../shared/images.ts';
import type {
  ImageChange,
  ImageChangeKind,
  ShadowedScope,
  SimulatedNode,
  SimulationResult,
} from '../../../shared/simulation.ts';
import { type Html, html } from '../html.ts';
import { nodeLink, nodeLinks, time } from '../links.ts';
import type { Page } from '../page.ts';
import { type Column, live, noData, noneFound, table } from '../table.ts';
import { cut, digest, mark, type Tone, verdictMark } from '../words.ts';

const SHOWN = 500;

export const simulation: Page = {
  path: '/simulate/:name',
  section: 'simulate',
  query: [],
  topics: ['simulation'],
  async render({ name, ask, nowMs }) {
    const { simulation: item, result } = await ask('GET /v1/simulations/:name', { name });
    return {
      title: 'Simulation',
      isUnderWay: result === undefined,
      main: html`${live(
        'simulation',
        html`${about(item, nowMs)}${result === undefined ? progress(item) : resultView(result, nowMs)}`,
      )}`,
    };
  },
};

function about(
  { digest: policy, pool, by, startedAt, strict, onlyRunning }: SimulationItem,
  nowMs: number,
): Html {
  return html`<p>Policy ${digest(policy)}, ${pool === undefined ? 'all pools' : `pool ${pool}`}, begun ${time(startedAt, nowMs)} by ${by}${strict && ', unknown counts as refused'}${onlyRunning && ', only images in use'}.</p>`;
}

function progress({ progress: { nodes, asked, answered, failed, offline } }: SimulationItem): Html {
  const done = answered + failed + offline;
  return html`<div data-poll><p role="status">${mark('unknown', 'running')} ${done} of ${counted(nodes, 'node')}: ${asked} asked, ${answered} answered,
${failed} gave no answer, ${offline} not connected.</p>
<progress max="${nodes}" value="${done}" aria-label="Nodes that are done"></progress></div>`;
}

const KINDS: readonly (readonly [ImageChangeKind, string, Tone])[] = [
  ['newlyRefused', 'Newly refused', 'bad'],
  ['newlyAccepted', 'Newly accepted: a weakening', 'warn'],
  ['noLongerVerified', 'No longer verified: a weakening', 'warn'],
  ['undecided', 'Undecided', 'unknown'],
];

function resultView(
  { summary, items, neverMatched, shadowed, nodes }: SimulationResult,
  nowMs: number,
): Html {
  const { now, after, changes } = summary;
  const refused = changes.newlyRefused;
  return html`<p class="lead">${refused === 0 ? mark('good', 'Nothing is newly refused') : mark('bad', `${counted(refused, 'image use')} newly refused`)}
of ${summary.uses} on ${counted(summary.nodes, 'node')}, ${counted(summary.images, 'image')}.</p>
${table({
  caption: 'Image uses by verdict, now and then',
  columns: [
    { header: 'Verdict', cell: (verdict) => verdictMark(verdict) },
    { header: 'Now', isNumber: true, cell: (verdict) => now[verdict] },
    { header: 'Then', isNumber: true, cell: (verdict) => after[verdict] },
  ],
  rows: VERDICTS,
  empty: noData('No image was judged.'),
})}
${KINDS.map(([kind, title, tone]) => changesView(items, kind, title, tone))}
${table<string>({
  caption: 'Scopes that speak for no image',
  columns: [{ header: 'Scope', cell: (scope) => html`<bdi>${cut(scope, 200)}</bdi>` }],
  rows: neverMatched,
  empty: noneFound('Every scope that is not hidden speaks for an image.'),
})}
${table<ShadowedScope>({
  caption: 'Scopes that narrower ones hide',
  columns: [
    { header: 'Scope', cell: ({ scope }) => html`<bdi>${cut(scope, 200)}</bdi>` },
    { header: 'Hidden by', cell: ({ by }) => cut(by.join(', '), 400) },
    { header: 'Image uses taken away', isNumber: true, cell: ({ hidden }) => hidden },
    { header: 'Image uses left', isNumber: true, cell: ({ matched }) => matched },
  ],
  rows: shadowed,
  empty: noneFound('No scope is hidden.'),
})}
${table<SimulatedNode>({
  caption: 'Nodes that did not answer themselves, or not of everything',
  columns: [
    { header: 'Node', cell: ({ node }) => nodeLink(node), sort: ({ node }) => node },
    { header: 'Judged by', cell: ({ source }) => SOURCES[source] },
    { header: 'As of', cell: ({ asOf }) => time(asOf, nowMs) },
    {
      header: 'Why',
      cell: ({ problem, gaps, notes }) =>
        cut([problem, ...gaps, ...notes].filter(Boolean).join('; '), 400),
    },
  ],
  rows: nodes.filter(
    ({ source, gaps, notes }) => source !== 'live' || gaps.length + notes.length > 0,
  ),
  empty: noneFound('Every node answered itself.'),
})}`;
}

const SOURCES: Readonly<Record<SimulatedNode['source'], Html>> = {
  live: mark('good', 'the node itself'),
  lastKnown: mark('warn', 'its last known state'),
  snapshot: mark('warn', 'what a snapshot says'),
  none: mark('unknown', 'nothing is known'),
};

const COLUMNS: readonly Column<ImageChange>[] = [
  {
    header: 'Image',
    cell: ({ reference }) => html`<bdi>${cut(reference, 200)}</bdi>`,
    sort: ({ reference }) => reference,
  },
  { header: 'Now', cell: ({ now }) => verdictMark(now) },
  { header: 'Then', cell: ({ after }) => verdictMark(after) },
  {
    header: 'Reason',
    cell: ({ reason, message, hint }) =>
      html`<p>${cut(message ?? reason ?? '')}</p>${hint !== undefined && html`<p>${cut(hint)}</p>`}`,
  },
  {
    header: 'Nodes',
    cell: ({ nodes, staleNodes }) =>
      html`<strong>${nodes.length}</strong>: ${nodeLinks(nodes, 4)}${staleNodes.length > 0 && `, ${staleNodes.length} by their last known state`}`,
    sort: ({ nodes }) => nodes.length,
  },
  { header: 'Pods', isNumber: true, cell: ({ pods }) => pods, sort: ({ pods }) => pods },
  { header: 'Namespaces', cell: ({ namespaces }) => cut(namespaces.join(', '), 200) },
];

function changesView(
  items: readonly ImageChange[],
  kind: ImageChangeKind,
  title: string,
  tone: Tone,
): Html {
  const rows = items.filter(({ change }) => change === kind);
  const hidden = rows.length - SHOWN;
  return html`<section><h2>${rows.length > 0 ? mark(tone, title) : title}</h2>
${table({
  caption: `${title}, most nodes first`,
  columns: COLUMNS,
  rows: rows.slice(0, SHOWN),
  empty: noneFound('No image.'),
})}${hidden > 0 && html`<p>${counted(hidden, 'more is', 'more are')} in <code>GET /v1/simulations/ID</code>.</p>`}</section>`;
}
