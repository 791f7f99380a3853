import type { FileClass, NodeState } from '../../shared/api.ts';
import type { Verdict } from '../../shared/images.ts';
import { type Result, resultWord, type Severity } from '../../shared/results.ts';
import { type Html, html } from './html.ts';

/** How a state looks: always a symbol and a word, and a colour. */
export type Tone = 'good' | 'bad' | 'warn' | 'unknown' | 'dim';

const SYMBOLS: Readonly<Record<Tone, string>> = {
  good: '✓',
  bad: '✗',
  warn: '!',
  unknown: '?',
  dim: '–',
};

export function mark(tone: Tone, word: string, symbol: string = SYMBOLS[tone]): Html {
  return html`<span class="mark ${tone}"><span class="symbol" aria-hidden="true">${symbol}</span> ${word}</span>`;
}

const RESULT: Readonly<Record<Result, Tone>> = {
  pass: 'good',
  fail: 'bad',
  error: 'warn',
  unknown: 'unknown',
  notapplicable: 'dim',
  notchecked: 'unknown',
};
const VERDICT: Readonly<Record<Verdict, Tone>> = {
  accepted: 'good',
  unenforced: 'warn',
  rejected: 'bad',
  unknown: 'unknown',
};
const STATE: Readonly<Record<NodeState, Tone>> = {
  expected: 'warn',
  online: 'good',
  late: 'warn',
  silent: 'bad',
  stale: 'bad',
  conflict: 'bad',
  retired: 'dim',
};
const SEVERITY: Readonly<Record<Severity, Tone>> = {
  critical: 'bad',
  high: 'bad',
  medium: 'warn',
  low: 'dim',
  info: 'dim',
};
const CLASS: Readonly<Record<FileClass, Tone>> = {
  'managed-drift': 'bad',
  unknown: 'unknown',
  'vendor-modified': 'warn',
  unmanaged: 'warn',
  managed: 'good',
  vendor: 'good',
};

export function resultMark(result: Result): Html {
  return mark(RESULT[result], resultWord(result));
}

export function verdictMark(verdict: Verdict): Html {
  return mark(VERDICT[verdict], verdict);
}

export function stateMark(state: NodeState): Html {
  return mark(STATE[state], state);
}

export function severityMark(severity: Severity): Html {
  // A weight, not a result: a grave rule may have passed.
  return mark(SEVERITY[severity], severity, '▲');
}

export function classMark(kind: FileClass): Html {
  return mark(CLASS[kind], kind);
}

/** So much of a text from a node is shown; a page with all of it would say nothing. */
const MAX_SHOWN = 400;

export function cut(text: string, most: number = MAX_SHOWN): string {
  const points = [...text.slice(0, 2 * most + 2)];
  return points.length <= most ? text : `${points.slice(0, most).join('')}…`;
}

/** A digest as people compare it: twelve characters, all of it to whoever asks. */
export function digest(text: string | null | undefined): Html {
  if (!text) return html`<span class="dim">none</span>`;
  const [, algorithm = '', hex = text] = /^(sha\d+:)?(.*)$/s.exec(text) ?? [];
  return html`<code title="${text}">${algorithm}${hex.slice(0, 12)}</code>`;
}
