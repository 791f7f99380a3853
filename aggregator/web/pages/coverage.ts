import type { Coverage, MissingNode, NodeState } from '../../../shared/api.ts';
import { counted } from '../../../shared/counted.ts';
import type { ApiContext } from '../../api/route.ts';
import type { FleetNode } from '../../fleet-node.ts';
import { mayAct } from '../../identity/principal.ts';
import type { FleetOverview } from '../fleet-overview.ts';
import { type Html, html } from '../html.ts';
import { nodeLink, pathTo, time } from '../links.ts';
import type { Page, PageRequest } from '../page.ts';
import { type Pipeline, pipelineOf } from '../pipeline.ts';
import { live, noData, noneFound, notAllowed, table } from '../table.ts';
import { cut, mark, stateMark } from '../words.ts';

export const coverage: Page = {
  path: '/coverage',
  section: 'coverage',
  query: [],
  topics: ['nodes', 'events'],
  async render(request) {
    const { context, views, nowMs } = request;
    const fleet = views.overview();
    const pipeline = await pipelineOf(context);
    return {
      title: 'Coverage and pipeline',
      main: html`${live('states', states(fleet))}
<section><h2>Nodes that do not count as reporting</h2>${live('missing', missing(fleet.coverage))}</section>
<section><h2>Where it is known which nodes should report</h2>${live('sources', sources(fleet.coverage, nowMs))}</section>
<section><h2>Pipeline</h2>${live('pipeline', pipelineView(pipeline))}</section>
<section><h2>Versions of the agent</h2>${live('versions', versions(context))}</section>
<section><h2>Certificates of nodes</h2>${live('certificates', await certificates(request))}</section>`,
    };
  },
};

function states({ states: counts, coverage: { expected, reporting } }: FleetOverview): Html {
  const some = (Object.entries(counts) as [NodeState, number][]).filter(([, count]) => count > 0);
  return html`<p class="lead"><strong>${reporting} of ${expected}</strong> expected nodes report.</p>
<ul class="counts" aria-label="Nodes by state">${some.map(
    ([state, count]) =>
      html`<li><a href="${pathTo('/nodes', { state })}">${stateMark(state)} ${count}</a></li>`,
  )}</ul>`;
}

function missing({ expected, missing: absent }: Coverage): Html {
  return table<MissingNode>({
    caption: 'Expected nodes that do not report, with the cause',
    columns: [
      { header: 'Node', cell: ({ node }) => nodeLink(node), sort: ({ node }) => node },
      { header: 'Cause', cell: ({ cause }) => cut(cause), sort: ({ cause }) => cause },
    ],
    rows: absent,
    empty:
      expected === 0 ? noData('No node is expected.') : noneFound('Every expected node reports.'),
  });
}

function sources({ sources: lists = [] }: Coverage, nowMs: number): Html {
  return table({
    caption: 'Lists of expected nodes',
    columns: [
      { header: 'List', cell: ({ source }) => source },
      { header: 'Nodes', isNumber: true, cell: ({ nodes }) => nodes },
      { header: 'As of', cell: ({ asOf }) => time(asOf, nowMs) },
      {
        header: 'State',
        cell: ({ reason }) =>
          reason === undefined ? mark('good', 'up to date') : mark('warn', cut(reason)),
      },
    ],
    rows: lists,
    empty: noData('Only the configuration and the credentials of nodes say which nodes to expect.'),
  });
}

function pipelineView({
  lag,
  unsent,
  lost,
  resyncs,
  gaps,
  rejects,
  skewSeconds,
  backlog,
}: Pipeline): Html {
  const seconds = (value: string | undefined): string =>
    value === undefined ? 'no event yet' : value;
  const reasons = resyncs.map(({ reason, count }) => `${reason} × ${count}`).join(', ');
  return html`<dl class="facts">
<div><dt>From event to receipt, median</dt><dd>${seconds(lag.p50)}</dd></div>
<div><dt>From event to receipt, 99 of 100</dt><dd>${seconds(lag.p99)}</dd></div>
<div><dt>Events not sent yet, on nodes</dt><dd>${unsent}</dd></div>
<div><dt>Records waiting for a commit</dt><dd>${backlog}</dd></div>
<div><dt>Events lost</dt><dd>${lost === 0 ? '0' : mark('warn', String(lost))}</dd></div>
<div><dt>Largest clock skew</dt><dd>${skewSeconds === undefined ? '–' : `${skewSeconds.toFixed(1)} s`}</dd></div>
<div><dt>Sections asked for in full, since the start</dt><dd>${reasons || '0'}</dd></div>
<div><dt>Gaps in streams, since the start</dt><dd>${gaps}</dd></div>
<div><dt>Events refused, since the start</dt><dd>${rejects === 0 ? '0' : mark('warn', String(rejects))}</dd></div>
</dl>`;
}

function versions({ fleet }: ApiContext): Html {
  const counts = new Map<string, number>();
  const count = ({ agentVersion, retired }: FleetNode): void => {
    if (agentVersion !== null && !retired)
      counts.set(agentVersion, (counts.get(agentVersion) ?? 0) + 1);
  };
  for (const node of fleet.members()) count(node);
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...counts.values());
  return table({
    caption: 'Nodes by the version of their agent',
    columns: [
      { header: 'Version', cell: ([version]) => cut(version, 64) },
      { header: 'Nodes', isNumber: true, cell: ([, nodes]) => nodes },
      {
        header: 'Share',
        cell: ([version, nodes]) =>
          html`<meter min="0" max="${most}" value="${nodes}" aria-label="${`${counted(nodes, 'node')} with ${cut(version, 64)}`}"></meter>`,
      },
    ],
    rows,
    empty: noData('No node has reported yet.'),
  });
}

const DAY_MS = 86_400_000;
/** Agents renew at two thirds of the life of a certificate: one that ends so soon was not renewed. */
const SOON_MS = 3 * DAY_MS;

async function certificates({ ask, session, nowMs }: PageRequest): Promise<Html> {
  if (!mayAct(session.person.role, 'admin')) return notAllowed('admin');
  const { items } = await ask('GET /v1/enrolments');
  const dated = items
    .filter(({ state, notAfter }) => state === 'approved' && notAfter !== undefined)
    .sort((a, b) => ((a.notAfter ?? '') < (b.notAfter ?? '') ? -1 : 1));
  return table({
    caption: 'Certificates that end next',
    columns: [
      { header: 'Node', cell: ({ name }) => nodeLink(name), sort: ({ name }) => name },
      {
        header: 'Ends',
        cell: ({ notAfter = '' }) => html`<time datetime="${notAfter}">${notAfter}</time>`,
      },
      {
        header: 'State',
        cell: ({ notAfter = '' }) => {
          const leftMs = Date.parse(notAfter) - nowMs;
          if (leftMs <= 0) return mark('bad', 'ended');
          return leftMs < SOON_MS ? mark('warn', 'not renewed') : mark('good', 'renewed in time');
        },
      },
    ],
    rows: dated.slice(0, 20),
    empty: noneFound(
      'No node has a certificate of its own; tokens of nodes do not end by themselves.',
    ),
  });
}
