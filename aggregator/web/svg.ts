import { type Html, html } from './html.ts';

export interface BarChart {
  readonly title: string;
  readonly series: readonly [string, string];
  readonly rows: readonly { readonly label: string; readonly values: readonly number[] }[];
}

const WIDTH = 56;
const HEIGHT = 80;
const GAP = 8;

/** Stacked bars, and the same numbers as a table. */
export function barChart({ title, series, rows }: BarChart): Html {
  const totals = rows.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const most = Math.max(1, ...totals);
  const bars = rows.map(({ label, values }, index) => {
    const x = index * WIDTH;
    let top = HEIGHT;
    const parts = values.map((value, at) => {
      const height = Math.round((value / most) * (HEIGHT - 4));
      top -= height;
      return html`<rect class="series-${at}" x="${x}" y="${top}" width="${WIDTH - GAP}" height="${height}"/>`;
    });
    return html`${parts}<text x="${x + (WIDTH - GAP) / 2}" y="${HEIGHT + 14}" text-anchor="middle">${label}</text>`;
  });
  return html`<figure><svg class="bars" viewBox="0 0 ${rows.length * WIDTH} ${HEIGHT + 20}" width="${rows.length * WIDTH}" aria-hidden="true">${bars}</svg>
<figcaption>${title}</figcaption>
<details><summary>The same as a table</summary><table><caption>${title}</caption>
<thead><tr><th scope="col">Day</th>${series.map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ label, values }) =>
      html`<tr><th scope="row">${label}</th>${values.map((value) => html`<td class="number">${value}</td>`)}</tr>`,
  )}</tbody></table></details></figure>`;
}
