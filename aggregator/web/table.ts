import type { Coverage } from '../../shared/api.ts';
import { counted } from '../../shared/counted.ts';
import { type Content, type Html, html } from './html.ts';
import { cut, mark } from './words.ts';

export interface Column<Row> {
  readonly header: string;
  cell(row: Row): Content;
  /** What rows are ordered by, where it is not the text of the cell. */
  sort?(row: Row): string | number;
  readonly isNumber?: boolean;
}

export interface TableOptions<Row> {
  readonly caption: string;
  /** The first one heads its row. */
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Stands in place of a table without rows. */
  readonly empty: Html;
}

/** A table that scrolls by itself when the window is narrow, and that the script can order. */
export function table<Row>({ caption, columns, rows, empty }: TableOptions<Row>): Html {
  if (rows.length === 0) return html`<p class="caption">${caption}</p>${empty}`;
  const heads = columns.map(({ header, isNumber }) => {
    return html`<th scope="col"${isNumber && NUMBER}>${header}</th>`;
  });
  return html`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table data-sortable>
<caption>${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>${rows.map(
    (row) => html`<tr>${columns.map((column, at) => cell(column, row, at))}</tr>
`,
  )}</tbody></table></div>`;
}

const NUMBER: Html = html` class="number"`;

function cell<Row>(column: Column<Row>, row: Row, at: number): Html {
  const by = column.sort?.(row);
  const sort =
    by === undefined ? null : html` data-sort="${typeof by === 'string' ? cut(by) : by}"`;
  const kind = column.isNumber && NUMBER;
  return at === 0
    ? html`<th scope="row"${sort}${kind}>${column.cell(row)}</th>`
    : html`<td${sort}${kind}>${column.cell(row)}</td>`;
}

/** There is none of it: everything was looked at. */
export function noneFound(what: string): Html {
  return html`<p class="empty">${mark('good', 'None found.')} ${what}</p>`;
}

/** Nobody has told yet. */
export function noData(what: string): Html {
  return html`<p class="empty">${mark('unknown', 'No data yet.')} ${what}</p>`;
}

/** There may be some, but not for this person. */
export function notAllowed(role: string): Html {
  return html`<p class="empty">${mark('warn', 'You may not see this.')} It needs the role ${role}.</p>`;
}

/** Why a list is empty: nothing reports, or there is nothing to be found where somebody looked. */
export function emptyList(coverage: Coverage, what: string): Html {
  const { expected, reporting } = coverage;
  if (reporting === 0) return noData(`None of ${counted(expected, 'expected node')} reports.`);
  return noneFound(`No ${what} on the ${reporting} of ${counted(expected, 'node')} reporting.`);
}

/** A part of a page that the script brings up to date by itself. Forms stand outside. */
export function live(id: string, content: Content): Html {
  return html`<div id="${id}" data-live>${content}</div>`;
}
