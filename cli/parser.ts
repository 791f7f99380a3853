import { nearest } from '../shared/nearest.ts';
import type { Command, CommandEntry, Invocation, OptionSpec } from './command.ts';
import { usageError } from './errors.ts';
import { COMMON_OPTIONS } from './options.ts';

export type Parsed =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly invocation: Invocation };

export const HELP_OPTION: OptionSpec = { flags: '-h, --help', description: 'show this help' };

/** Every option of a command, in the order of its help. */
export function optionsOf({ options }: Command): readonly OptionSpec[] {
  return [...options, ...COMMON_OPTIONS, HELP_OPTION];
}

/** An option, as its flags say: `-o, --output <format>`. */
interface Flag {
  readonly spec: OptionSpec;
  /** Long name without dashes. */
  readonly name: string;
  /** One letter, or ''. */
  readonly letter: string;
  readonly takesValue: boolean;
}

const FLAGS = /^(?:-(\w), )?--([\w-]+)( <[^>]+>)?$/;

function readFlags(spec: OptionSpec): Flag {
  const [, letter = '', name, value] = FLAGS.exec(spec.flags) ?? [];
  if (name === undefined) throw new TypeError(`these are no flags: ${spec.flags}`);
  return { spec, name, letter, takesValue: value !== undefined };
}

/**
 * Reads the words after the verb as getopt_long(3) does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-qv`;
 * after `--` nothing is a flag. Throws a usage error that names the nearest flag or value.
 */
export function parseArguments(
  entry: CommandEntry,
  command: Command,
  words: readonly string[],
): Parsed {
  const help = `nodeseal ${entry.path.join(' ')} --help`;
  const flags = optionsOf(command).map(readFlags);
  const given = new Map<string, string[]>();
  const positional: string[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      positional.push(...rest.splice(0));
    } else if (!word.startsWith('-') || word === '-') {
      positional.push(word);
    } else {
      const { flag, value } = readFlag(word, flags, rest, help);
      if (flag.spec === HELP_OPTION) return { kind: 'help' };
      given.set(flag.name, [...(given.get(flag.name) ?? []), value]);
    }
  }
  assertComplete(command, flags, given, positional, help);
  return { kind: 'run', invocation: toInvocation(flags, given, positional) };
}

/** One flag with its value, '' for a switch; what it does not use up of the words goes back to `rest`. */
function readFlag(
  word: string,
  flags: readonly Flag[],
  rest: string[],
  help: string,
): { readonly flag: Flag; readonly value: string } {
  const isLong = word.startsWith('--');
  const [, name = '', joined] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const flag = flags.find((one) => (isLong ? one.name === name : one.letter === word[1]));
  if (flag === undefined) throw unknownFlag(isLong ? `--${name}` : word, flags, help);
  const attached = isLong ? joined : word.slice(2) || undefined;
  if (!flag.takesValue) {
    if (isLong && attached !== undefined) {
      throw usageError(`option '${flag.spec.flags}' takes no value`, { next: help });
    }
    // Several switches in one word.
    if (attached !== undefined) rest.unshift(`-${attached}`);
    return { flag, value: '' };
  }
  const value = attached ?? rest.shift();
  if (value === undefined) {
    throw usageError(`option '${flag.spec.flags}' argument missing`, { next: help });
  }
  assertChoice(value, flag.spec, help);
  return { flag, value };
}

function assertChoice(value: string, { flags, choices }: OptionSpec, help: string): void {
  if (choices === undefined || choices.includes(value)) return;
  const close = nearest(value, choices);
  throw usageError(`option '${flags}' argument '${value}' is invalid`, {
    why: `allowed: ${choices.join(', ')}`,
    next: close === undefined ? help : `did you mean ${close}? (${help})`,
  });
}

function unknownFlag(word: string, flags: readonly Flag[], help: string): Error {
  const known = flags.map(({ name }) => `--${name}`);
  const close = word.startsWith('--') ? nearest(word, known) : undefined;
  return usageError(`unknown option '${word}'`, {
    next: close === undefined ? help : `did you mean ${close}? (${help})`,
  });
}

function assertComplete(
  command: Command,
  flags: readonly Flag[],
  given: ReadonlyMap<string, unknown>,
  positional: readonly string[],
  help: string,
): void {
  const known = command.arguments;
  const missing = known.find(({ required }, index) => required && positional[index] === undefined);
  if (missing) throw usageError(`missing required argument '${missing.name}'`, { next: help });
  const surplus = positional[known.length];
  if (surplus !== undefined && known.at(-1)?.repeatable === undefined) {
    throw usageError(`too many arguments: '${surplus}'`, { next: help });
  }
  const absent = flags.find(({ spec, name }) => spec.required && !given.has(name));
  if (absent) {
    throw usageError(`required option '${absent.spec.flags}' not specified`, { next: help });
  }
}

function toInvocation(
  flags: readonly Flag[],
  given: ReadonlyMap<string, readonly string[]>,
  positional: readonly string[],
): Invocation {
  const find = (name: string): Flag => {
    const flag = flags.find((one) => one.name === name);
    if (flag === undefined) throw new TypeError(`the command has no option --${name}`);
    return flag;
  };
  const values = (name: string): readonly string[] => given.get(find(name).name) ?? [];
  return {
    positional,
    flag: (name) => given.has(find(name).name),
    value: (name) => values(name).at(-1) ?? find(name).spec.default,
    values,
    list: (name) => values(name).flatMap((text) => text.split(',').filter((word) => word !== '')),
  };
}
