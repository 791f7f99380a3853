import { wrap } from '../../cli/output/wrap.ts';

/** Pages of the manual in man(7), the macros that groff and mandoc both read. */

/** Lines of the source are no longer; how it is shown is the reader's terminal's to say. */
const COLUMNS = 76;

/** Text as it is meant: nothing in it is a macro or an escape, and hyphens can be copied. */
export function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}

export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

/** A paragraph of plain text, with lines broken for the source. */
export function flow(text: string): string {
  const lines = wrap(text.replaceAll(/\s+/g, ' ').trim(), COLUMNS);
  return lines.map((line) => `${escaped(line)}\n`).join('');
}

export function section(title: string, body: string): string {
  return `.SH ${title}\n${body}`;
}

/** Paragraphs; the first follows a heading, which makes its own room. */
export function paragraphs(texts: readonly string[]): string {
  return texts.map(flow).join('.PP\n');
}

/** A term, already formatted, and what is said of it. */
export function entry(term: string, text: string): string {
  return `.TP\n${term}\n${flow(text)}`;
}

/** Lines that stay as they are. */
export function literal(text: string): string {
  return `.nf\n${escaped(text.trimEnd())}\n.fi\n`;
}

export interface Heading {
  readonly name: string;
  readonly section: number;
  /** RFC 3339 full-date. */
  readonly date: string;
  readonly version: string;
}

export function page({ name, section: number, date, version }: Heading, body: string): string {
  const title = `.TH ${escaped(name.toUpperCase())} ${number} ${date} "nodeseal ${version}" nodeseal`;
  return `.\\" Written by npm run docs from what --help is made of; do not edit.\n${title}\n${body}`;
}
