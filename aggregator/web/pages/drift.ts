import { DIFFERING_CLASSES } from '../../../shared/api.ts';
import { counted } from '../../../shared/counted.ts';
import type { ChangeHistory, Incident } from '../change-history.ts';
import { driftTable } from '../drift-table.ts';
import { filterForm, pager } from '../filters.ts';
import { type Html, html } from '../html.ts';
import { clockTime, nodeLinks } from '../links.ts';
import type { Page } from '../page.ts';
import { type Column, emptyList, live, noneFound, table } from '../table.ts';
import { timeChart } from '../time-chart.ts';
import { cut, mark } from '../words.ts';

const HOURS = 6;
const SHOWN_INCIDENTS = 200;
const PAGE_ROWS = 250;
const EXPLAINED = ['no', 'yes'] as const;

export const drift: Page = {
  path: '/drift',
  section: 'drift',
  query: ['explained', 'class', 'node', 'path', 'continue'],
  topics: ['events', 'nodes'],
  async render({ query, ask, views, nowMs }) {
    const explained = query.word('explained', EXPLAINED);
    const chosen = {
      class: query.text('class'),
      node: query.text('node'),
      path: query.text('path'),
    };
    const after = query.text('continue');
    const list = await ask('GET /v1/drift', {
      query: { ...chosen, continue: after, limit: String(PAGE_ROWS) },
    });
    const { items, coverage = { expected: 0, reporting: 0, missing: [] } } = list;
    const isFiltered = Object.values(chosen).some((value) => value !== undefined);
    const history = await views.history();
    return {
      title: 'Drift',
      hasChart: true,
      main: html`${filterForm('/drift', [
        { name: 'explained', label: 'Changes explained', options: EXPLAINED, value: explained },
        { name: 'class', label: 'Files by class', options: DIFFERING_CLASSES, value: chosen.class },
        { name: 'node', label: 'on node', value: chosen.node },
        { name: 'path', label: 'path', value: chosen.path },
      ])}
<section><h2>What changed, seven days</h2>
${live('timeline', timeline(history, nowMs))}
${live('incidents', incidents(history, explained, nowMs))}</section>
<section><h2>What differs now</h2>
${live(
  'files',
  html`${driftTable(
    'Files that differ from what they should be, or cannot be compared',
    items,
    true,
    isFiltered ? noneFound('No file is as asked for.') : emptyList(coverage, 'file differs'),
  )}${pager('/drift', { explained, ...chosen }, after, list.continue)}`,
)}</section>`,
    };
  },
};

function timeline(history: ChangeHistory, nowMs: number): Html {
  return timeChart({
    caption: `Changed files, each ${HOURS} hours`,
    series: [
      { name: 'explained', tone: 'good' },
      { name: 'unexplained', tone: 'bad' },
    ],
    rows: history.buckets(nowMs, HOURS).map(({ startMs, explained, unexplained }) => {
      return { atMs: startMs, values: [explained, unexplained] };
    }),
  });
}

const COLUMNS: readonly Column<Incident>[] = [
  {
    header: 'What',
    cell: ({ what }) => cut(what),
  },
  {
    header: 'Explained',
    cell: ({ isExplained }) =>
      isExplained ? mark('good', 'explained') : mark('bad', 'unexplained'),
  },
  {
    header: 'Nodes',
    cell: ({ nodes }) => html`<strong>${nodes.size}</strong>: ${nodeLinks([...nodes].sort())}`,
    sort: ({ nodes }) => nodes.size,
  },
  { header: 'First', cell: ({ firstMs }) => clockTime(firstMs), sort: ({ firstMs }) => firstMs },
  { header: 'Last', cell: ({ lastMs }) => clockTime(lastMs), sort: ({ lastMs }) => lastMs },
];

function incidents(
  history: ChangeHistory,
  explained: (typeof EXPLAINED)[number] | undefined,
  nowMs: number,
): Html {
  const all = history
    .incidents(nowMs)
    .filter(({ isExplained }) => explained === undefined || isExplained === (explained === 'yes'));
  const hidden = all.length - SHOWN_INCIDENTS;
  return html`${table({
    caption: 'The same change on many nodes is one incident, newest first',
    columns: COLUMNS,
    rows: all.slice(0, SHOWN_INCIDENTS),
    empty: noneFound(
      'No file of the trust configuration changed in seven days, as far as nodes told.',
    ),
  })}
${hidden > 0 && html`<p>${counted(hidden, 'older one is', 'older ones are')} not shown.</p>`}
${history.isCut && html`<p>${mark('warn', 'More changed')} than is kept here: the oldest are missing.</p>`}`;
}
