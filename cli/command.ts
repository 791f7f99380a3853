import type { ExitCode } from './exit.ts';
import type { Io } from './io.ts';

export interface OptionSpec {
  /** As people type it: `-o, --output <format>`; without `<…>` it is a switch. */
  readonly flags: string;
  readonly description: string;
  /** Anything else is a usage error that names these. */
  readonly choices?: readonly string[];
  /** Words that completion offers; others may be right too. */
  readonly suggestions?: readonly string[];
  readonly default?: string;
  /** May be given several times. */
  readonly repeatable?: true;
  readonly required?: true;
}

export interface ArgumentSpec {
  /** `<FILE>` mandatory, `[NAME…]` any number. */
  readonly name: string;
  readonly description: string;
  /** Words that completion offers; the command itself says what is right. */
  readonly suggestions?: readonly string[];
  readonly required?: true;
  readonly repeatable?: true;
}

export interface Example {
  readonly line: string;
  readonly meaning: string;
}

/** What was typed, already checked against the command's options and arguments. */
export interface Invocation {
  readonly positional: readonly string[];
  /** True when the switch was given. The name is the long one without dashes: `host-root`. */
  flag(name: string): boolean;
  value(name: string): string | undefined;
  /** Every value of a repeatable option, as given. */
  values(name: string): readonly string[];
  /** The same, each split at commas. */
  list(name: string): readonly string[];
}

/** One command: what is said of it is data, what it does is `run`. */
export interface Command {
  readonly description: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  run(invocation: Invocation, io: Io): Promise<ExitCode>;
}

/** What is known of a command before its module is loaded. */
export interface CommandEntry {
  /** One word, or two: `policy validate`. */
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly group: 'this node' | 'the fleet' | 'nodeseal itself';
  load(): Promise<Command>;
}
