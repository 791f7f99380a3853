import type { Coverage } from '../shared/api.ts';
import { reportingText } from '../shared/reporting-text.ts';
import { safeText } from '../shared/safe-text.ts';
import { ago } from './duration.ts';
import { usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';

/** So many are named; `-o json` has them all. */
const NAMED = 5;

/**
 * For how many nodes an answer speaks: `118 of 120 nodes reporting; not: infra-2 (silent since …)`, and how old a list of
 * nodes is that is not renewed.
 */
export function coverageText(coverage: Coverage, nowMs?: number): string {
  const { missing, sources = [] } = coverage;
  const old = sources
    .filter(({ reason }) => reason !== undefined)
    .map(({ source, asOf }) => safeText(` (expected by ${source} as of ${asOf ?? 'never'})`));
  const head = reportingText(coverage) + old.join('');
  if (missing.length === 0) return head;
  const named = missing
    .slice(0, NAMED)
    .map(({ node, cause }) => safeText(`${node} (${causeText(cause, nowMs)})`));
  const more = missing.length > NAMED ? `, and ${missing.length - NAMED} more` : '';
  return `${head}; not: ${named.join(', ')}${more}`;
}

const SINCE = /\bsince (\d{4}-\d\d-\d\dT[\d:.]+Z)/g;

/** Why a node does not report, with `silent for 14m` in place of `silent since …` where it is known what time it is. */
export function causeText(cause: string, nowMs: number | undefined): string {
  if (nowMs === undefined) return cause;
  return cause.replaceAll(SINCE, (_, time: string) => `for ${ago(time, nowMs)}`);
}

/** Share of the expected nodes that report, 0 to 100; of no node at all: 0, because nothing is known. */
export function percentOf({ expected, reporting }: Coverage): number {
  return expected === 0 ? 0 : (100 * reporting) / expected;
}

/** Reads `--require-coverage`: `100%`, `99.5%`, `95`. */
export function readPercent(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = /^(\d{1,3}(?:\.\d{1,6})?)%?$/.exec(text)?.[1];
  if (number !== undefined && Number(number) <= 100) return Number(number);
  throw usageError(`--require-coverage ${text} is no percentage`, { next: 'write it as 100%' });
}

/** Exit code 3, told on stderr, when less reports than is required. An answer without coverage proves nothing. */
export function coverageExit(
  coverage: Coverage | undefined,
  required: number | undefined,
  io: Io,
): ExitCode {
  if (required === undefined) return EXIT.clean;
  const percent = coverage === undefined ? 0 : percentOf(coverage);
  if (percent >= required) return EXIT.clean;
  // Never rounded up to what was required.
  const shown = Math.floor(percent * 10) / 10;
  io.stderr.write(`exit ${EXIT.coverage}: coverage ${shown}% is below the required ${required}%\n`);
  return EXIT.coverage;
}
