import { safeJson } from '../../shared/safe-text.ts';
import type { ListFrame, ListWriter } from './list-writer.ts';

/** What may stand without quotes under YAML 1.1 and 1.2 alike and is a string under both. */
const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*$/;
// Some readers of YAML 1.1 take `e0` for a number.
const NOT_A_STRING = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf|infinity|e[-+]?\d+)$/i;

/** A value as YAML, one document. Strings that any YAML version could read as something else are quoted. */
export function yamlText(value: unknown): string {
  // Through JSON first, so that `-o yaml` and `-o json` say the same.
  const lines: string[] = [];
  emit(JSON.parse(JSON.stringify(value)), '', lines);
  return `${lines.join('\n')}\n`;
}

/** The same document of a list, piece by piece. */
export function yamlWriter({ apiVersion, kind }: ListFrame): ListWriter<unknown> {
  const head = yamlText({ apiVersion, kind });
  let isEmpty = true;
  return {
    items(items) {
      if (items.length === 0) return '';
      const before = isEmpty ? `${head}items:\n` : '';
      isEmpty = false;
      return before + yamlText(items);
    },
    end({ apiVersion: _version, kind: _kind, ...rest }) {
      const before = isEmpty ? head + yamlText({ items: [] }) : '';
      return before + (Object.keys(rest).length === 0 ? '' : yamlText(rest));
    },
  };
}

function emit(value: unknown, indent: string, lines: string[], lead: string = indent): void {
  if (Array.isArray(value) && value.length > 0) {
    // A list in a list or at the top starts on the line of its dash.
    let first = lead;
    for (const item of value) {
      emit(item, `${indent}  `, lines, `${first}- `);
      first = indent;
    }
  } else if (isMapping(value) && Object.keys(value).length > 0) {
    let first = lead;
    for (const [key, member] of Object.entries(value)) {
      const head = `${first}${scalar(key)}:`;
      if (isNested(member)) {
        lines.push(head);
        emit(member, Array.isArray(member) ? indent : `${indent}  `, lines);
      } else lines.push(`${head} ${scalar(member)}`);
      first = indent;
    }
  } else lines.push(lead + scalar(value));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function scalar(value: unknown): string {
  const isPlain = typeof value === 'string' && PLAIN.test(value) && !NOT_A_STRING.test(value);
  // A double-quoted scalar of YAML 1.2 reads every escape of JSON.
  return isPlain ? value : safeJson(JSON.stringify(value)).replaceAll('\n', '\\n');
}
