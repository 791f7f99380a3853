import { safeText } from '../../shared/safe-text.ts';
import type { Style } from './colour.ts';
import { wrap } from './wrap.ts';

/** `name` and what is said of it. */
export type Fact = readonly [name: string, text: string];

const LABEL_COLUMNS = 14;

/** `Name:        text`, each on a line; on a terminal continued below where it is too long. */
export function factsText(facts: readonly Fact[], style: Style): string {
  const columns = style.isTerminal ? style.columns - LABEL_COLUMNS : Number.POSITIVE_INFINITY;
  return facts
    .map(([name, text]) => {
      const lines = wrap(safeText(text), columns).join(`\n${' '.repeat(LABEL_COLUMNS)}`);
      return `${`${safeText(name)}:`.padEnd(LABEL_COLUMNS)}${lines}\n`;
    })
    .join('');
}

/** A title with what stands below it; `none` for nothing. */
export function blockText(title: string, text: string): string {
  return text === '' ? `${title}: none\n` : `${title}:\n${text.trimEnd()}\n`;
}
