import { RESULTS, type Result, resultWord } from '../../shared/results.ts';
import type { Style, Tone } from './colour.ts';

/** How a result looks beside its word: never a symbol or a colour alone. */
export interface Look {
  /** Behind a number: `2 failed`. */
  readonly counted: string;
  readonly symbol: 'good' | 'bad' | 'warn' | 'unknown' | 'none';
  readonly tone: Tone;
}
const LOOKS: Readonly<Record<Result, Look>> = {
  pass: { counted: 'passed', symbol: 'good', tone: 'good' },
  fail: { counted: 'failed', symbol: 'bad', tone: 'bad' },
  error: { counted: 'could not be read', symbol: 'warn', tone: 'warn' },
  unknown: { counted: 'unknown', symbol: 'unknown', tone: 'warn' },
  notapplicable: { counted: resultWord('notapplicable'), symbol: 'none', tone: 'dim' },
  notchecked: { counted: resultWord('notchecked'), symbol: 'unknown', tone: 'dim' },
};
const UNKNOWN_LOOK: Look = { counted: '?', symbol: 'unknown', tone: 'warn' };

/** `✗ FAIL`: never a symbol or a colour alone. */
export function resultLabel(result: Result, style: Style): string {
  return `${style.symbols[lookOf(result).symbol]} ${resultWord(result).toUpperCase()}`;
}

export function resultTone(result: Result): Tone {
  return lookOf(result).tone;
}

export function resultSymbol(result: Result): Look['symbol'] {
  return lookOf(result).symbol;
}

/** A newer aggregator may know results that this program does not. */
export function lookOf(result: Result): Look {
  return RESULTS.includes(result) ? LOOKS[result] : UNKNOWN_LOOK;
}
