import { RESULTS, type Result } from '../../shared/results.ts';
import type { Style, Tone } from './colour.ts';

/** How a result is told: never by a symbol or a colour alone. */
export interface Look {
  readonly word: string;
  /** Behind a number: `2 failed`. */
  readonly counted: string;
  readonly symbol: 'good' | 'bad' | 'warn' | 'unknown' | 'none';
  readonly tone: Tone;
}
const LOOKS: Readonly<Record<Result, Look>> = {
  pass: { word: 'PASS', counted: 'passed', symbol: 'good', tone: 'good' },
  fail: { word: 'FAIL', counted: 'failed', symbol: 'bad', tone: 'bad' },
  error: { word: 'ERROR', counted: 'could not be read', symbol: 'warn', tone: 'warn' },
  unknown: { word: 'UNKNOWN', counted: 'unknown', symbol: 'unknown', tone: 'warn' },
  notapplicable: { word: 'N/A', counted: 'not applicable', symbol: 'none', tone: 'dim' },
  notchecked: { word: 'NOTCHECKED', counted: 'not checked', symbol: 'unknown', tone: 'dim' },
};
const UNKNOWN_LOOK: Look = { word: '?', counted: '?', symbol: 'unknown', tone: 'warn' };

/** `✗ FAIL`: never a symbol or a colour alone. */
export function resultLabel(result: Result, style: Style): string {
  const look = lookOf(result);
  return `${style.symbols[look.symbol]} ${look.word}`;
}

export function resultTone(result: Result): Tone {
  return lookOf(result).tone;
}

export function resultSymbol(result: Result): Look['symbol'] {
  return lookOf(result).symbol;
}

/** A result in a table: as it is called, but for `n/a`. */
export function resultWord(result: Result): string {
  return lookOf(result).word.toLowerCase();
}

/** How a result is told. A newer aggregator may know results that this program does not. */
export function lookOf(result: Result): Look {
  return RESULTS.includes(result) ? LOOKS[result] : { ...UNKNOWN_LOOK, word: String(result) };
}
