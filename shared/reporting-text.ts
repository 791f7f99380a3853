import type { Coverage } from './api.ts';
import { counted } from './counted.ts';

/** For how many nodes an answer speaks: `118 of 120 nodes reporting`. */
export function reportingText({
  expected,
  reporting,
}: Pick<Coverage, 'expected' | 'reporting'>): string {
  return `${reporting} of ${counted(expected, 'node')} reporting`;
}
