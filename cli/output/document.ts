import type { Format } from './format.ts';
import { jsonText } from './json.ts';
import { jsonLine } from './jsonl.ts';
import { yamlText } from './yaml.ts';

/** Formats of an answer that is one object. */
export const DOCUMENT_FORMATS: readonly Format[] = ['table', 'json', 'yaml', 'jsonl'];

/** One object in a format for programs, or else as `people` tells it. */
export function documentText(
  value: unknown,
  format: string | undefined,
  people: () => string,
): string {
  switch (format) {
    case 'json':
      return jsonText(value);
    case 'yaml':
      return yamlText(value);
    case 'jsonl':
      return jsonLine(value);
    default:
      return people();
  }
}
