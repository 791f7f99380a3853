import type { ArgumentSpec, Command, CommandEntry, OptionSpec } from './command.ts';
import { EXITS_TEXT, paragraphsOf } from './help.ts';
import { wrap } from './output/wrap.ts';
import { optionsOf } from './parser.ts';

/** The first column is no wider than this: what is longer has its text on the next line. */
const WIDEST_NAME = 30;
const NARROWEST_TEXT = 30;

/** What `--help` prints for one command, on a terminal of `columns` columns. */
export function commandHelp({ path }: CommandEntry, command: Command, columns: number): string {
  const { description, examples } = command;
  const options = optionsOf(command);
  const usage = ['nodeseal', ...path, '[options]', ...command.arguments.map(argumentText)];
  const named = command.arguments.map((one) => [one.name, one.description] as const);
  const flags = options.map((option) => [flagsText(option), optionText(option)] as const);
  const names = [...named, ...flags].map(([name]) => name.length);
  const width = Math.min(WIDEST_NAME, Math.max(...names));
  const sections = [
    `Usage: ${usage.join(' ')}\n`,
    `${paragraphsOf(description)
      .map((text) => wrap(text, columns).join('\n'))
      .join('\n\n')}\n`,
    ...(named.length === 0 ? [] : [`Arguments:\n${listText(named, width, columns)}`]),
    `Options:\n${listText(flags, width, columns)}`,
    `Examples:\n${examples.map(({ line, meaning }) => `  $ ${line}\n      ${meaning}\n`).join('')}`,
    EXITS_TEXT,
  ];
  return sections.join('\n');
}

function argumentText({ name, required, repeatable }: ArgumentSpec): string {
  const dots = repeatable ? '...' : '';
  return required ? `<${name}${dots}>` : `[${name}${dots}]`;
}

/** Long names stand below each other, whether or not they have a letter. */
function flagsText({ flags }: OptionSpec): string {
  return flags.startsWith('--') ? `    ${flags}` : flags;
}

/** The description with what the data say beside it. */
function optionText(option: OptionSpec): string {
  const { description, choices = [], repeatable, required } = option;
  // Formats stand in the description already.
  const isTold = choices.every((choice) => description.includes(choice));
  const notes = [
    ...(required ? ['required'] : []),
    ...(repeatable && !description.includes('repeated') ? ['may be repeated'] : []),
    ...(isTold ? [] : [choices.join(', ')]),
    ...(option.default === undefined ? [] : [`default: ${option.default}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

function listText(
  rows: readonly (readonly [name: string, text: string])[],
  width: number,
  columns: number,
): string {
  const indent = 2 + width + 2;
  const room = Math.max(NARROWEST_TEXT, columns - indent);
  return rows
    .map(([name, text]) => {
      const lines = text.split('\n').flatMap((line) => wrap(line, room));
      const isLong = name.length > width;
      const first = `  ${name.padEnd(width)}  `;
      const body = isLong ? ['', ...lines] : lines;
      return `${(first + body.join(`\n${' '.repeat(indent)}`)).replaceAll(/ +$/gm, '')}\n`;
    })
    .join('');
}
