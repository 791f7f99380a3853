const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
};

/** Text of XML or HTML, as a parser of it gives it. */
export function fromMarkup(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? '');
}

/** Cells of a row of a table. */
export type Row = readonly string[];

/** The rows of the tables of a page, each cell as its text is read; symbols are for the eye. */
export function tableRows(page: string): readonly Row[] {
  const bodies = [...page.matchAll(/<tbody>(.*?)<\/tbody>/gs)].map(([, body = '']) => body);
  return bodies
    .flatMap((body) => body.split('<tr>').slice(1))
    .map((row) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = '']) =>
        fromMarkup(
          cell.replace(/<span class="symbol".*?<\/span>/gs, '').replace(/<[^>]*>/g, ''),
        ).trim(),
      ),
    );
}
