import { appendFileSync } from 'node:fs';

/** One figure as it was measured; what it is, its unit and what was asked stand in `figures/asked.ts` under its id. */
export interface Figure {
  readonly id: string;
  /** Of which size or kind, where one id is measured for several: `10,000 agents`, `csv`. */
  readonly at?: string;
  readonly ours: number;
  /** The bare limit or the peer, in the same run and unit. */
  readonly bare?: number;
  /** Ours to the bare one; the median of the rounds' ratios where rounds were made. */
  readonly ratio?: number;
}

/** Hands figures to `npm run figures`: a line of JSON each in the file that NODESEAL_FIGURES names. Without it nothing is done. */
export function tell(...figures: readonly Figure[]): void {
  const file = process.env['NODESEAL_FIGURES'];
  if (file === undefined || file === '') return;
  for (const { id, ours, bare = 0, ratio = 0 } of figures) {
    if ([ours, bare, ratio].every(Number.isFinite)) continue;
    throw new Error(`${id}: measured was ${ours}, bare ${bare}, ratio ${ratio}`);
  }
  appendFileSync(file, figures.map((figure) => `${JSON.stringify(figure)}\n`).join(''));
}

/** `10,000 nodes`: a count as it stands in the pages. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en-GB')} ${what}`;
}

/** The value below which this part of the values lies, between 0 and 1. NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** To two places. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
