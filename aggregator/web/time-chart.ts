import { type Html, html } from './html.ts';
import { clockTime } from './links.ts';
import type { Tone } from './words.ts';

export interface TimeChart {
  readonly caption: string;
  /** One line each; the first is drawn through, the others dashed. */
  readonly series: readonly { readonly name: string; readonly tone: Tone }[];
  /** Oldest first; `values` in the order of `series`. */
  readonly rows: readonly { readonly atMs: number; readonly values: readonly number[] }[];
}

/** A table of numbers over time, which the script draws as well: what is drawn is what the table says. */
export function timeChart({ caption, series, rows }: TimeChart): Html {
  return html`<figure data-chart><div class="chart" aria-hidden="true"></div>
<details><summary>${caption}, as a table</summary><div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption>
<thead><tr><th scope="col">From (UTC)</th>${series.map(({ name, tone }) => html`<th scope="col" class="number ${tone}">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ atMs, values }) =>
      html`<tr><th scope="row" data-sort="${atMs / 1000}">${clockTime(atMs)}</th>${values.map((value) => html`<td class="number">${value}</td>`)}</tr>
`,
  )}</tbody></table></div></details></figure>`;
}
