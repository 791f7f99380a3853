import { safeJson } from './safe.ts';

/** One document, indented, harmless on a terminal. */
export function jsonText(value: unknown): string {
  return `${safeJson(JSON.stringify(value, undefined, 2))}\n`;
}
