import { safeText } from '../../shared/safe-text.ts';

/** One word a shell may put where the cursor is. */
export interface Candidate {
  readonly word: string;
  /** What it means, in a few words. */
  readonly about?: string;
}

/** What may stand at one place of a command line. */
export interface Offer {
  readonly candidates: readonly Candidate[];
  /** Names of files are right there too: the shell knows those. */
  readonly also?: 'files' | 'folders';
  /** More belongs to the word: no space after it. */
  readonly isOpen?: true;
}

export const NOTHING: Offer = { candidates: [] };

export function wordsOffer(words: Iterable<string>): Offer {
  return { candidates: [...words].map((word) => ({ word })) };
}

/** The bits of cobra's ShellCompDirective that are used here; `kubectl` reads the same. */
const NO_SPACE = 2;
const NO_FILES = 4;
const FOLDERS = 16;

/** Longest description; what is longer is cut. */
const MAX_ABOUT = 60;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a shell would act upon them
const UNFIT = /[\u0000-\u0020\u007f-\u009f\u2028-\u202e\u2066-\u2069'"`$\\;&|<>(){}[\]*?!]/;

/**
 * As cobra's `__complete` answers: a candidate a line, its description after a tab, at last `:` and the directive. Only
 * words that begin with `typed`, and none that a shell would have to quote: names come from nodes.
 */
export function offerText({ candidates, also, isOpen }: Offer, typed: string): string {
  const fitting = candidates.filter(({ word }) => word.startsWith(typed) && !UNFIT.test(word));
  const lines = fitting.map(({ word, about }) => {
    return about === undefined ? `${word}\n` : `${word}\t${safeText(about).slice(0, MAX_ABOUT)}\n`;
  });
  const files = also === 'files' ? 0 : also === 'folders' ? FOLDERS : NO_FILES;
  return `${lines.join('')}:${files + (isOpen ? NO_SPACE : 0)}\n`;
}
