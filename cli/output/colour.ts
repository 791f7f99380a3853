import type { Io } from '../io.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'dim' | 'strong';

const SGR: Readonly<Record<Tone, string>> = {
  good: '32',
  bad: '31',
  warn: '33',
  dim: '2',
  strong: '1',
};

const SYMBOLS = {
  utf8: { good: '✓', bad: '✗', warn: '!', unknown: '?', none: '-', cut: '…', arrow: '→' },
  ascii: { good: '+', bad: 'x', warn: '!', unknown: '?', none: '-', cut: '...', arrow: '->' },
} as const;
export type Symbols = (typeof SYMBOLS)['utf8' | 'ascii'];

/** How text is dressed for who reads it: colours, symbols, width. */
export interface Style {
  /** False when piped: then nothing is coloured, shortened or redrawn. */
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly symbols: Symbols;
  paint(text: string, tone: Tone | undefined): string;
}

const DEFAULT_COLUMNS = 80;

/** The style for stdout. `--color` rules; then NO_COLOR, CLICOLOR_FORCE (bixense.com/clicolors), TERM=dumb. */
export function styleOf(io: Io, color = 'auto'): Style {
  const coloured = color === 'always' || (color === 'auto' && wantsColour(io));
  return {
    isTerminal: io.stdout.isTerminal,
    columns: io.stdout.columns ?? DEFAULT_COLUMNS,
    symbols: SYMBOLS[isUtf8(io.env) ? 'utf8' : 'ascii'],
    paint: (text, tone) =>
      coloured && tone !== undefined && text !== '' ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text,
  };
}

function wantsColour({ env, stdout }: Io): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if (!['', '0'].includes(env['CLICOLOR_FORCE'] ?? '')) return true;
  return stdout.isTerminal && env['TERM'] !== 'dumb';
}

/** As setlocale(3) decides: the first of these that is set. */
function isUtf8(env: Io['env']): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale);
}
