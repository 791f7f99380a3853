import { counted } from '../../../shared/counted.ts';
import { SEVERITIES } from '../../../shared/results.ts';
import type { Bucket } from '../change-history.ts';
import type { FleetOverview, PoolRow } from '../fleet-overview.ts';
import { type Html, html } from '../html.ts';
import { nodeLink, pathTo } from '../links.ts';
import type { Page } from '../page.ts';
import { barChart } from '../svg.ts';
import { type Column, live, noData, table } from '../table.ts';
import { mark, type Tone } from '../words.ts';

const SHOWN_MISSING = 10;

export const overview: Page = {
  path: '/',
  section: 'overview',
  query: [],
  topics: ['nodes', 'findings', 'events'],
  async render({ views, nowMs }) {
    const fleet = views.overview();
    const days = (await views.history()).buckets(nowMs, 24);
    return {
      title: 'Overview',
      main: html`${live('tiles', tiles(fleet))}
${live('missing', missing(fleet))}
<section aria-labelledby="pools-heading"><h2 id="pools-heading">Pools</h2>${live('pools', pools(fleet))}</section>
<section aria-labelledby="changes-heading"><h2 id="changes-heading">Changed files, seven days</h2>${live('changes', changes(days))}</section>`,
    };
  },
};

interface Tile {
  readonly name: string;
  readonly tone: Tone;
  readonly word: string;
  readonly value: string;
  readonly path: string;
}

function tiles(fleet: FleetOverview): Html {
  return html`<ul class="tiles" aria-live="polite">${tilesOf(fleet).map(
    ({ name, tone, word, value, path }) =>
      html`<li><a href="${path}"><span class="name">${name}</span> <span class="value">${value}</span> ${mark(tone, word)}</a></li>
`,
  )}</ul>`;
}

function tilesOf({
  coverage,
  failing,
  images,
  results,
  lost,
  drift,
}: FleetOverview): readonly Tile[] {
  const { expected, reporting } = coverage;
  const isWhole = reporting === expected && expected > 0;
  const hasNone = reporting === 0;
  const undecided = results.unknown + results.error;
  const clear = hasNone ? (['unknown', 'no data'] as const) : (['good', 'none'] as const);
  const severe = [...SEVERITIES].reverse().slice(0, 2);
  return [
    {
      name: 'Coverage',
      value: `${reporting}/${expected}`,
      tone: isWhole ? 'good' : 'warn',
      word: isWhole ? 'all report' : `${expected - reporting} missing`,
      path: '/coverage',
    },
    ...severe.map((severity): Tile => {
      const { rules = 0, nodes = 0 } = failing.get(severity) ?? {};
      const [tone, word] = rules === 0 ? clear : (['bad', `on ${counted(nodes, 'node')}`] as const);
      const path = pathTo('/checks', { result: 'fail', severity });
      return { name: `Rules failing, ${severity}`, value: String(rules), tone, word, path };
    }),
    {
      name: 'Undecided results',
      value: String(undecided),
      ...toneOf(undecided, clear, ['unknown', 'not a pass']),
      path: pathTo('/nodes', { result: 'unknown,error' }),
    },
    {
      name: 'Images refused',
      value: String(images.rejected),
      ...toneOf(images.rejected, clear, ['bad', 'refused']),
      path: pathTo('/images', { verdict: 'rejected' }),
    },
    {
      name: 'Files that differ',
      value: String(drift),
      ...toneOf(drift, clear, ['bad', 'drift']),
      path: '/drift',
    },
    {
      name: 'Events lost',
      value: String(lost),
      ...toneOf(lost, clear, ['warn', 'recorded as lost']),
      path: '/coverage',
    },
  ];
}

type Said = readonly [tone: Tone, word: string];

function toneOf(count: number, clear: Said, found: Said): Pick<Tile, 'tone' | 'word'> {
  const [tone, word] = count === 0 ? clear : found;
  return { tone, word };
}

function missing({ coverage }: FleetOverview): Html | null {
  const { missing: absent } = coverage;
  if (absent.length === 0) return null;
  const more = absent.length - SHOWN_MISSING;
  return html`<div class="notice">${mark('warn', 'Nodes that do not report')}<ul>${absent
    .slice(0, SHOWN_MISSING)
    .map(({ node, cause }) => html`<li>${nodeLink(node)} ${cause}</li>`)}</ul>
${more > 0 && html`<p>and ${more} more: <a href="/coverage">all of them, with the cause</a></p>`}</div>`;
}

function pools({ pools: rows, checks }: FleetOverview): Html {
  const columns: readonly Column<PoolRow>[] = [
    {
      header: 'Pool',
      cell: ({ pool }) => html`<a href="${pathTo('/nodes', { pool })}">${pool}</a>`,
    },
    {
      header: 'No data',
      isNumber: true,
      sort: ({ without }) => without,
      cell: ({ without, nodes }) => part(without, nodes, 'unknown'),
    },
    {
      header: 'Undecided',
      isNumber: true,
      sort: ({ undecided }) => undecided,
      cell: ({ undecided, nodes }) => part(undecided, nodes, 'unknown'),
    },
    ...checks.map((check): Column<PoolRow> => {
      const failing = (row: PoolRow): number => row.failing.get(check) ?? 0;
      return {
        header: check,
        isNumber: true,
        sort: failing,
        cell: (row) => part(failing(row), row.nodes, 'bad'),
      };
    }),
  ];
  return table({
    caption: 'Nodes of each pool that fail at least one rule of a check, of all its nodes',
    columns,
    rows,
    empty: noData('No node is expected: enrol one, or name those that should report.'),
  });
}

/** `3/98`, marked where it is not zero; zero is no pass: what is undecided stands in a column of its own. */
function part(count: number, of: number, tone: Tone): Html {
  const text = `${count}/${of}`;
  return count === 0 ? html`<span class="dim">${text}</span>` : mark(tone, text);
}

function changes(days: readonly Bucket[]): Html {
  const [explained, unexplained] = [sum(days, 'explained'), sum(days, 'unexplained')];
  const words = `${counted(explained + unexplained, 'change')}: ${explained} explained, ${unexplained} unexplained`;
  const rows = days.map((day) => ({
    label: new Date(day.startMs).toISOString().slice(5, 10),
    values: [day.explained, day.unexplained],
  }));
  return html`<p>${words}. <a href="/drift">What changed, and where</a></p>
${barChart({ title: 'Changed files by day (UTC)', series: ['explained', 'unexplained'], rows })}`;
}

function sum(days: readonly Bucket[], name: 'explained' | 'unexplained'): number {
  return days.reduce((total, day) => total + day[name], 0);
}
