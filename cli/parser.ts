import { type ParseArgsOptionDescriptor, parseArgs } from 'node:util';
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
  // Not strict: it would say less of what is wrong.
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(flags.map((flag) => [flag.name, kindOf(flag)])),
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional') positional.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = flags.find(({ name }) => name === token.name);
    if (flag === undefined) throw unknownFlag(token.rawName, flags, help);
    const value = readValue(flag, token.value, help);
    if (flag.spec === HELP_OPTION) return { kind: 'help' };
    given.set(flag.name, [...(given.get(flag.name) ?? []), value]);
  }
  assertOnce(flags, given, help);
  assertComplete(command, flags, given, positional, help);
  return { kind: 'run', invocation: toInvocation(flags, given, positional) };
}

function kindOf({ takesValue, letter }: Flag): ParseArgsOptionDescriptor {
  return { type: takesValue ? 'string' : 'boolean', ...(letter === '' ? {} : { short: letter }) };
}

/** The value of a flag, '' for a switch. */
function readValue({ spec, takesValue }: Flag, value: string | undefined, help: string): string {
  if (!takesValue) {
    if (value === undefined) return '';
    throw usageError(`option '${spec.flags}' takes no value`, { next: help });
  }
  if (value === undefined) {
    throw usageError(`option '${spec.flags}' argument missing`, { next: help });
  }
  // A variable of a script that is not set would mean another question: every node in place of one.
  if (value === '') throw usageError(`option '${spec.flags}' has an empty value`, { next: help });
  assertChoice(value, spec, help);
  return value;
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
    next:
      close === undefined ? `${fieldHint(word, known)}${help}` : `did you mean ${close}? (${help})`,
  });
}

/** Of two values one would be dropped, and nobody would know which was meant. */
function assertOnce(
  flags: readonly Flag[],
  given: ReadonlyMap<string, readonly string[]>,
  help: string,
): void {
  const twice = flags.find(({ spec, name, takesValue }) => {
    return takesValue && !spec.repeatable && (given.get(name)?.length ?? 0) > 1;
  });
  if (twice === undefined) return;
  throw usageError(`option '${twice.spec.flags}' is given twice`, { next: help });
}

/** `--severity high` is what many try first where a list is narrowed by its fields. */
function fieldHint(word: string, known: readonly string[]): string {
  if (!word.startsWith('--') || !known.includes('--field-selector')) return '';
  return `a field of that name is asked for by --field-selector ${word.slice(2)}=VALUE; `;
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
  if (missing) {
    const why = `${missing.name}: ${missing.description}`;
    throw usageError(`missing required argument '${missing.name}'`, { why, next: help });
  }
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
