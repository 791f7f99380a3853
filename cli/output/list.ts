import type { List } from '../../shared/api.ts';
import type { Style } from './colour.ts';
import type { Presentation } from './column.ts';
import { csvText } from './csv.ts';
import type { Format } from './format.ts';
import { jsonText } from './json.ts';
import { jsonLine } from './jsonl.ts';
import { nameLines } from './name.ts';
import { tableText } from './table.ts';
import { yamlText } from './yaml.ts';

/** A list in one of the formats of `-o`. */
export function listText<Item>(
  list: List<string, Item>,
  presentation: Presentation<Item>,
  format: Format,
  style: Style,
  headers = true,
): string {
  switch (format) {
    case 'table':
    case 'wide':
      return tableText(list.items, presentation.columns, style, {
        wide: format === 'wide',
        headers: headers && list.items.length > 0,
      });
    case 'json':
      return jsonText(list);
    case 'yaml':
      return yamlText(list);
    case 'jsonl':
      return list.items.map(jsonLine).join('');
    case 'csv':
      return csvText(list.items, presentation.columns, { headers });
    case 'name':
      return nameLines(list.items, presentation);
  }
}
