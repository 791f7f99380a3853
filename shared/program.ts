import { parseArgs } from 'node:util';
import { ConfigError } from './config.ts';
import { CodedError, messageOf } from './errors.ts';
import { nextStep, withStep } from './next-step.ts';
import { StatusLine } from './notify.ts';
import { VERSION } from './version.ts';

/** The two daemons' command line: run, `config check`, `--version`, `--help`. Exit codes as in PRODUCT.md. */
const EXIT = { ok: 0, usage: 2, input: 7, internal: 8 } as const;

/** Flags with a value, by name without the dashes. */
export type Flags = Readonly<Record<string, string | undefined>>;

export interface Program<Config> {
  /** As it is called: `nodeseal-agent`. */
  readonly name: string;
  readonly usage: string;
  /** Flags that take a value, `config` among them. */
  readonly flags: readonly string[];
  /** The effective configuration. Throws `ConfigError`. */
  load(flags: Flags): Promise<Config>;
  /** The effective configuration as a file that says the same. */
  describe(config: Config): Promise<string> | string;
  /** Resolves when the program was asked to stop and has. */
  run(config: Config): Promise<void>;
}

/** Runs a daemon from its arguments; resolves to its exit code, what is wrong is told on stderr. */
export async function runProgram<Config>(
  program: Program<Config>,
  args: readonly string[],
): Promise<number> {
  try {
    const { flags, command } = readArguments(program, args);
    if (command === 'help') return print(program.usage);
    if (command === 'version') return print(`${program.name} ${VERSION}`);
    if (command !== '' && command !== 'config check') {
      return usage(program, `unknown command: ${command}`);
    }
    const config = await program.load(flags);
    if (command === 'config check') return print(await program.describe(config));
    await program.run(config);
    return EXIT.ok;
  } catch (error) {
    return await fail(program, error);
  }
}

function readArguments(
  { flags }: Pick<Program<never>, 'flags'>,
  args: readonly string[],
): { readonly flags: Flags; readonly command: string } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...Object.fromEntries(flags.map((name) => [name, { type: 'string' }] as const)),
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const { version, help, ...given } = values;
  const command = help ? 'help' : version ? 'version' : positionals.join(' ');
  const texts = Object.entries(given).filter(([, value]) => typeof value === 'string');
  return { flags: Object.fromEntries(texts) as Flags, command };
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function usage(program: Pick<Program<never>, 'name' | 'usage'>, what: string): number {
  process.stderr.write(`${program.name}: ${what}\n${program.usage}\n`);
  return EXIT.usage;
}

/** One line on stderr, the same in `systemctl status`. */
async function fail(
  program: Pick<Program<never>, 'name' | 'usage'>,
  error: unknown,
): Promise<number> {
  const isArgument = error instanceof TypeError && 'code' in error;
  if (isArgument && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    return usage(program, error.message);
  }
  const line = withStep(messageOf(error), nextStep(error));
  process.stderr.write(`${program.name}: ${line}\n`);
  const status = new StatusLine();
  status.set(line);
  await status.settled();
  if (error instanceof ConfigError) return EXIT.input;
  // A code says what is wrong with the machine or a file; a stack is for what nobody thought of.
  const isKnown = error instanceof CodedError || 'code' in Object(error);
  if (!isKnown && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return EXIT.internal;
}
