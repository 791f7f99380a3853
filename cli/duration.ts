import { usageError } from './errors.ts';

export { ago } from '../shared/ago.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SYNTAX = /^(\d{1,9})(ms|s|m|h|d)$/;
/** Longest wait setTimeout(3) of Node.js understands. */
const MAX_MS = 2_147_483_647;

/** Milliseconds of `30s`, `2m`, `365d`; anything else is a usage error that names the flag. `longestMs`: of what is not waited for. */
export function readDuration(text: string, flag: string, longestMs: number = MAX_MS): number {
  const [, count = '', unit = ''] = SYNTAX.exec(text) ?? [];
  const ms = Number(count) * (unit in UNIT_MS ? UNIT_MS[unit as keyof typeof UNIT_MS] : 0);
  if (ms > 0 && ms <= longestMs) return ms;
  throw usageError(`${flag} ${text} is no duration`, { next: 'write it as 500ms, 30s, 2m, 24h' });
}
