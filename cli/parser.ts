import { Argument, Command as Commander, CommanderError, Option } from 'commander';
import type { Command, CommandEntry, Invocation, OptionSpec } from './command.ts';
import { usageError } from './errors.ts';
import { EXITS_TEXT, paragraphsOf } from './help.ts';
import { COMMON_OPTIONS } from './options.ts';

export type Parsed =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'run'; readonly invocation: Invocation };

/** Reads the words after the verb. Throws a usage error that names the nearest flag. */
export function parseArguments(
  entry: CommandEntry,
  command: Command,
  words: readonly string[],
  columns: number,
): Parsed {
  const name = entry.path.join(' ');
  let help = '';
  const program = new Commander(`nodeseal ${name}`)
    .description(paragraphsOf(command.description).join('\n\n'))
    .helpOption('-h, --help', 'show this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        help += text;
      },
      writeErr: () => {},
      getOutHelpWidth: () => columns,
    })
    .addHelpText('after', () => `${examplesText(command)}\n${EXITS_TEXT}`.trimEnd());
  for (const { name, description, required, repeatable } of command.arguments) {
    const dots = repeatable ? '...' : '';
    const text = required ? `<${name}${dots}>` : `[${name}${dots}]`;
    program.addArgument(new Argument(text, description));
  }
  for (const spec of [...command.options, ...COMMON_OPTIONS]) program.addOption(toOption(spec));
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { kind: 'help', text: help };
    throw toUsageError(error, name);
  }
  return { kind: 'run', invocation: toInvocation(program) };
}

function toOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.description);
  if (spec.choices !== undefined) option.choices(spec.choices);
  if (spec.default !== undefined) option.default(spec.default);
  if (spec.required) option.makeOptionMandatory();
  if (spec.repeatable) {
    option.default([], 'none');
    option.argParser((value: string, before: readonly string[]) => [...before, value]);
  }
  return option;
}

function toInvocation(program: Commander): Invocation {
  const options: Readonly<Record<string, unknown>> = program.opts();
  const read = (name: string): unknown => {
    const option = program.options.find((candidate) => candidate.long === `--${name}`);
    if (option === undefined) throw new TypeError(`the command has no option --${name}`);
    const value = options[option.attributeName()];
    // For commander `--no-headers` is the option `headers`, true until it is given.
    return option.negate ? value === false : value;
  };
  const values = (name: string): readonly string[] => {
    const value = read(name);
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    positional: program.args,
    flag: (name) => read(name) === true,
    value: (name) => {
      const value = read(name);
      return typeof value === 'string' ? value : undefined;
    },
    values,
    list: (name) => values(name).flatMap((text) => text.split(',').filter((word) => word !== '')),
  };
}

/** commander's message, without its `error:` and with its suggestion as the next step. */
function toUsageError(error: CommanderError, name: string): Error {
  const [what = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.+)\?\)/.exec(rest.join(' '))?.[1];
  const help = `nodeseal ${name} --help`;
  return usageError(what.replace(/\.$/, ''), {
    next: suggestion === undefined ? help : `did you mean ${suggestion}? (${help})`,
  });
}

function examplesText({ examples }: Command): string {
  if (examples.length === 0) return '';
  const lines = examples.map(({ line, meaning }) => `  $ ${line}\n      ${meaning}`);
  return `\nExamples:\n${lines.join('\n')}\n`;
}
