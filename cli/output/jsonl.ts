import { safeJson } from '../../shared/safe-text.ts';

/** One item as one line. */
export function jsonLine(item: unknown): string {
  return `${safeJson(JSON.stringify(item))}\n`;
}
