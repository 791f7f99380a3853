import type { Style } from './colour.ts';
import type { Presentation } from './column.ts';
import type { Format } from './format.ts';
import type { ListFrame, ListWriter } from './list-writer.ts';

/** Only the format that is asked for is loaded: a list of nodes should start fast. */
export async function openListWriter<Item>(
  frame: ListFrame,
  { resource, columns, nameOf }: Presentation<Item>,
  format: Format,
  style: Style,
  headers: boolean,
): Promise<ListWriter<Item>> {
  switch (format) {
    case 'table':
    case 'wide': {
      const { tableWriter } = await import('./table.ts');
      return tableWriter(columns, style, { wide: format === 'wide', headers });
    }
    case 'json':
      return (await import('./json.ts')).jsonWriter(frame);
    case 'yaml':
      return (await import('./yaml.ts')).yamlWriter(frame);
    case 'jsonl': {
      const { jsonLine } = await import('./jsonl.ts');
      return { items: (items) => items.map(jsonLine).join(''), end: () => '' };
    }
    case 'csv': {
      const { csvText } = await import('./csv.ts');
      const head = csvText([], columns, { headers });
      let isFirst = true;
      const begin = (): string => {
        const text = isFirst ? head : '';
        isFirst = false;
        return text;
      };
      return {
        items: (items) => begin() + csvText(items, columns, { headers: false }),
        end: begin,
      };
    }
    case 'name': {
      const { nameLines } = await import('./name.ts');
      return { items: (items) => nameLines(items, { resource, nameOf }), end: () => '' };
    }
  }
}
