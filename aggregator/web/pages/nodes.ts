import { NODE_STATES, type NodeItem } from '../../../shared/api.ts';
import { RESULTS, resultWord } from '../../../shared/results.ts';
import { filterForm, pager } from '../filters.ts';
import { html } from '../html.ts';
import { nodeLink, time } from '../links.ts';
import type { Page } from '../page.ts';
import { type Column, emptyList, live, noneFound, table } from '../table.ts';
import { resultMark, stateMark } from '../words.ts';

const PAGE_ROWS = 250;

export const nodes: Page = {
  path: '/nodes',
  section: 'nodes',
  query: ['pool', 'state', 'result', 'continue'],
  topics: ['nodes'],
  async render({ query, ask, views, nowMs }) {
    const chosen = {
      pool: query.text('pool'),
      state: query.text('state'),
      result: query.text('result'),
    };
    const after = query.text('continue');
    const list = await ask('GET /v1/nodes', {
      query: { ...chosen, continue: after, limit: String(PAGE_ROWS) },
    });
    const { items, coverage } = list;
    const isFiltered = Object.values(chosen).some((value) => value !== undefined);
    const pools = views.overview().pools.map(({ pool }) => pool);
    const states =
      coverage === undefined ? '' : `${coverage.reporting} of ${coverage.expected} report`;
    return {
      title: 'Nodes',
      main: html`${filterForm('/nodes', [
        { name: 'pool', label: 'Pool', options: pools, value: chosen.pool },
        { name: 'state', label: 'State', options: NODE_STATES, value: chosen.state },
        {
          name: 'result',
          label: 'Worst result',
          options: RESULTS,
          wordOf: resultWord,
          value: chosen.result,
        },
      ])}
${live(
  'nodes',
  html`<p>${states}</p>${table({
    caption: 'Nodes, worst first',
    columns: columns(nowMs),
    rows: items,
    empty: isFiltered
      ? noneFound('No node is as asked for.')
      : emptyList(coverage ?? { expected: 0, reporting: 0, missing: [] }, 'nodes'),
  })}${pager('/nodes', chosen, after, list.continue)}`,
)}`,
    };
  },
};

function columns(nowMs: number): readonly Column<NodeItem>[] {
  // A node that was never seen has no numbers, not zero.
  const count = (header: string, read: (item: NodeItem) => number): Column<NodeItem> => ({
    header,
    isNumber: true,
    sort: (item) => (item.lastSeen === null ? -1 : read(item)),
    cell: (item) => (item.lastSeen === null ? '–' : read(item)),
  });
  return [
    { header: 'Node', cell: ({ name }) => nodeLink(name), sort: ({ name }) => name },
    { header: 'State', cell: ({ state }) => stateMark(state), sort: ({ state }) => state },
    { header: 'Pool', cell: ({ pool }) => html`<bdi>${pool}</bdi>` },
    {
      header: 'Worst',
      cell: (item) => (item.lastSeen === null ? '–' : resultMark(item.worst)),
      sort: ({ worst }) => worst,
    },
    count('Fail', ({ results }) => results.fail),
    count('Undecided', ({ results }) => results.unknown + results.error),
    count('Drift', ({ drift }) => drift),
    count('Refused images', ({ images }) => images.rejected),
    { header: 'Agent', cell: ({ agentVersion }) => agentVersion ?? '–' },
    {
      header: 'Seen',
      cell: ({ lastSeen }) => time(lastSeen, nowMs),
      sort: ({ lastSeen }) => lastSeen ?? '',
    },
  ];
}
