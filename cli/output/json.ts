import { safeJson } from '../../shared/safe-text.ts';
import type { ListFrame, ListWriter } from './list-writer.ts';

/** One document, indented, harmless on a terminal. */
export function jsonText(value: unknown): string {
  return `${safeJson(JSON.stringify(value, undefined, 2))}\n`;
}

/** The same document of a list, piece by piece: `apiVersion` and `kind`, the items, then what else it says. */
export function jsonWriter(frame: ListFrame): ListWriter<unknown> {
  const { apiVersion, kind } = frame;
  const head = `${jsonText({ apiVersion, kind }).slice(0, -'\n}\n'.length)},\n  "items": [`;
  let before = `${head}\n`;
  return {
    items(items) {
      return items
        .map((item) => {
          const text = before + indented(jsonText(item).trimEnd(), '    ');
          before = ',\n';
          return text;
        })
        .join('');
    },
    end({ apiVersion: _version, kind: _kind, ...rest }) {
      const close = before === ',\n' ? '\n  ]' : `${head}]`;
      // The members that are left, without the brace that opens them.
      const members = jsonText(rest).slice('{'.length);
      return members === '}\n' ? `${close}\n}\n` : `${close},${members}`;
    },
  };
}

function indented(text: string, margin: string): string {
  return margin + text.replaceAll('\n', `\n${margin}`);
}
