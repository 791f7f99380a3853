import type { Command, Invocation, OptionSpec } from '../command.ts';
import { COMMON_OPTIONS } from '../options.ts';

/** What was typed before the cursor, as far as it can be read without complaint. */
export interface Asked {
  readonly positional: readonly string[];
  /** Values by the long name of their option. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The option whose value is to come. */
  readonly open: OptionSpec | undefined;
  /** True behind `--`: no word is an option any more. */
  readonly isPlain: boolean;
}

/** Every option of a command, `--help` too. */
export function optionsOf(command: Pick<Command, 'options'>): readonly OptionSpec[] {
  return [
    ...command.options,
    ...COMMON_OPTIONS,
    { flags: '-h, --help', description: 'show this help' },
  ];
}

/** `-o, --output <format>` as its parts. */
export function partsOf({ flags }: OptionSpec): {
  readonly names: readonly string[];
  /** The longest name without dashes. */
  readonly long: string;
  /** The word in `<…>`; absent for a switch. */
  readonly metavar: string | undefined;
} {
  const [, before = '', metavar] = /^([^<]*?)\s*(?:<(.*)>)?$/.exec(flags) ?? [];
  const names = before.split(', ');
  return { names, long: names.at(-1)?.replace(/^-+/, '') ?? '', metavar };
}

export function optionNamed(name: string, options: readonly OptionSpec[]): OptionSpec | undefined {
  return options.find((option) => partsOf(option).names.includes(name));
}

/** Reads the words behind the verb. */
export function readAsked(words: readonly string[], options: readonly OptionSpec[]): Asked {
  const positional: string[] = [];
  const values = new Map<string, readonly string[]>();
  let open: OptionSpec | undefined;
  let isPlain = false;
  const keep = (option: OptionSpec, value: string): void => {
    const { long } = partsOf(option);
    values.set(long, [...(values.get(long) ?? []), value]);
  };
  for (const word of words) {
    if (open !== undefined) {
      keep(open, word);
      open = undefined;
    } else if (isPlain || !word.startsWith('-') || word === '-') positional.push(word);
    else if (word === '--') isPlain = true;
    else {
      const equals = word.indexOf('=');
      const option = optionNamed(equals === -1 ? word : word.slice(0, equals), options);
      if (option === undefined) continue;
      if (partsOf(option).metavar === undefined || equals !== -1) {
        keep(option, equals === -1 ? '' : word.slice(equals + 1));
      } else open = option;
    }
  }
  return { positional, values, open, isPlain };
}

/** The same as a command gets it. */
export function invocationOf({ positional, values }: Asked): Invocation {
  return {
    positional,
    flag: (name) => values.has(name),
    value: (name) => values.get(name)?.at(-1),
    values: (name) => values.get(name) ?? [],
    list: (name) => (values.get(name) ?? []).flatMap((text) => text.split(',')),
  };
}
