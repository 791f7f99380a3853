import { usageError } from './errors.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SYNTAX = /^(\d{1,9})(ms|s|m|h|d)$/;
/** Longest wait setTimeout(3) of Node.js understands. */
const MAX_MS = 2_147_483_647;

/** Milliseconds of `30s`, `2m`, `24h`; anything else is a usage error that names the flag. */
export function readDuration(text: string, flag: string): number {
  const [, count = '', unit = ''] = SYNTAX.exec(text) ?? [];
  const ms = Number(count) * (unit in UNIT_MS ? UNIT_MS[unit as keyof typeof UNIT_MS] : 0);
  if (ms > 0 && ms <= MAX_MS) return ms;
  throw usageError(`${flag} ${text} is no duration`, { next: 'write it as 500ms, 30s, 2m, 24h' });
}

/** How long ago, for people: `4s`, `14m`, `3h`, `212d`; `-` for what is no time. */
export function ago(time: string | null, nowMs: number): string {
  const ms = time === null ? Number.NaN : nowMs - Date.parse(time);
  if (Number.isNaN(ms)) return '-';
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
