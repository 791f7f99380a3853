import type { CheckItem } from '../../../shared/api.ts';
import { RESULTS, resultWord, SEVERITIES, WORST_FIRST } from '../../../shared/results.ts';
import { filterForm } from '../filters.ts';
import type { FleetOverview } from '../fleet-overview.ts';
import { html } from '../html.ts';
import { ruleLink } from '../links.ts';
import type { Page } from '../page.ts';
import { type Column, emptyList, live, noneFound, table } from '../table.ts';
import { cut, mark, resultMark, severityMark } from '../words.ts';

/** Of more pools a table would be too wide to be read: then results alone are counted. */
const MAX_POOLS = 12;

export const checks: Page = {
  path: '/checks',
  section: 'checks',
  query: ['result', 'severity'],
  topics: ['findings', 'nodes'],
  async render({ query, ask, views }) {
    const chosen = { result: query.text('result'), severity: query.text('severity') };
    const { items, coverage } = await ask('GET /v1/checks', { query: chosen });
    const fleet = views.overview();
    const isFiltered = Object.values(chosen).some((value) => value !== undefined);
    return {
      title: 'Checks',
      main: html`${filterForm('/checks', [
        {
          name: 'result',
          label: 'Worst result',
          options: RESULTS,
          wordOf: resultWord,
          value: chosen.result,
        },
        { name: 'severity', label: 'Severity', options: SEVERITIES, value: chosen.severity },
      ])}
${live(
  'checks',
  table({
    caption:
      'Rules by pools: nodes that fail, of all nodes of the pool; then nodes of all pools by result',
    columns: columns(fleet),
    rows: items,
    empty: isFiltered
      ? noneFound('No rule is as asked for.')
      : emptyList(coverage ?? { expected: 0, reporting: 0, missing: [] }, 'rule'),
  }),
)}`,
    };
  },
};

function columns({ pools, failingIn }: FleetOverview): readonly Column<CheckItem>[] {
  const shown = pools.length > MAX_POOLS ? [] : pools;
  const count = (header: string, read: (item: CheckItem) => number): Column<CheckItem> => {
    return { header, isNumber: true, cell: read, sort: read };
  };
  return [
    {
      header: 'Rule',
      cell: ({ ruleId, title }) => html`${ruleLink(ruleId)}<p>${cut(title, 200)}</p>`,
      sort: ({ ruleId }) => ruleId,
    },
    {
      header: 'Worst',
      cell: ({ worst }) => resultMark(worst),
      sort: ({ worst }) => WORST_FIRST.indexOf(worst),
    },
    {
      header: 'Severity',
      cell: ({ severity }) => severityMark(severity),
      sort: ({ severity }) => SEVERITIES.indexOf(severity),
    },
    ...shown.map(({ pool, nodes }): Column<CheckItem> => {
      const failing = ({ ruleId }: CheckItem): number => failingIn.get(ruleId)?.get(pool) ?? 0;
      return {
        header: `Fail in ${cut(pool, 32)}`,
        isNumber: true,
        sort: failing,
        cell: (item) => {
          const text = `${failing(item)}/${nodes}`;
          return failing(item) === 0 ? html`<span class="dim">${text}</span>` : mark('bad', text);
        },
      };
    }),
    count('Fail', ({ nodes }) => nodes.fail),
    count('Unknown', ({ nodes }) => nodes.unknown),
    count('Error', ({ nodes }) => nodes.error),
    count('Not checked', ({ nodes }) => nodes.notchecked),
    count('Pass', ({ nodes }) => nodes.pass),
    count('Not applicable', ({ nodes }) => nodes.notapplicable),
  ];
}
