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
