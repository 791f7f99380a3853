import { type Html, html } from './html.ts';

export interface Filter {
  readonly name: string;
  readonly label: string;
  /** What there is to choose from; without it any text. */
  readonly options?: readonly string[];
  /** How a choice is told; as it is when left out. */
  readonly wordOf?: (option: string) => string;
  readonly value: string | undefined;
}

/** A form whose fields are the query of the page: what is chosen can be linked to. */
export function filterForm(path: string, filters: readonly Filter[]): Html {
  return html`<form class="filters" method="get" action="${path}" role="search" aria-label="Filter">${filters.map(field)}<button>Filter</button> <a href="${path}">All</a></form>`;
}

function field({ name, label, options, wordOf = String, value = '' }: Filter): Html {
  if (options === undefined) {
    return html`<label>${label} <input name="${name}" value="${value}" maxlength="4096"></label> `;
  }
  // Several words, as a link may have them, are kept as one more choice.
  const all = value === '' || options.includes(value) ? options : [...options, value];
  const choices = all.map((option) => {
    return html`<option value="${option}"${option === value && html` selected`}>${wordOf(option)}</option>`;
  });
  return html`<label>${label} <select name="${name}"><option value="">any</option>${choices}</select></label> `;
}

/** Links to the next page of a list, and back to its first. */
export function pager(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  after: string | undefined,
  next: string | undefined,
): Html | null {
  if (after === undefined && next === undefined) return null;
  const to = (change: Readonly<Record<string, string>>): string => {
    const given = Object.entries({ ...query, ...change });
    const some = given.filter((entry): entry is [string, string] => !!entry[1]);
    return `${path}?${new URLSearchParams(some)}`;
  };
  return html`<nav class="pager" aria-label="Parts of the list">${after !== undefined && html`<a href="${to({})}">First part</a> `}${next !== undefined && html`<a rel="next" href="${to({ continue: next })}">Next part</a>`}</nav>`;
}
