import { messageOf } from '../shared/errors.ts';
import { nearest } from '../shared/nearest.ts';
import { safeText } from '../shared/safe-text.ts';
import type { CommandEntry } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Io } from './io.ts';
import { commandOf, membersOf, plainWords, verbIn, without } from './verb.ts';

/** What shells ask with, for `nodeseal completion` and `kubectl_complete-nodeseal`; in no help. */
export const COMPLETE = '__complete';

/** Runs one command line, `words` without the program's name. Never throws: the answer is the exit code. */
export async function run(words: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(words, io);
  } catch (error) {
    if (io.signal.aborted) return EXIT.interrupted;
    return report(error, io, words.includes('-v') || words.includes('--verbose'));
  }
}

async function dispatch(words: readonly string[], io: Io): Promise<ExitCode> {
  if (words[0] === COMPLETE) {
    return await (await import('./completion/complete.ts')).complete(words.slice(1), io);
  }
  if (words.includes('--version') && verbIn(words).length === 0) {
    return await dispatch(['version', ...words.filter((word) => word !== '--version')], io);
  }
  if (verbIn(words)[0] === 'help') {
    return await dispatch([...without(words, ['help']), '--help'], io);
  }
  const verb = verbIn(words);
  const entry = commandOf(verb);
  if (entry !== undefined) return await runCommand(entry, without(words, verb), io);
  const members = verb[0] === undefined ? COMMANDS : membersOf(verb[0]);
  const asked = words.some((word) => word === '--help' || word === '-h');
  if (members.length === 0 || (verb.length === 2 && !asked)) throw unknownVerb(words);
  if (!asked && words.length > verb.length) {
    throw usageError('no command was given', { next: 'nodeseal --help' });
  }
  const isAnswer = asked || verb.length === 0;
  const { helpText } = await import('./help.ts');
  (isAnswer ? io.stdout : io.stderr).write(helpText(members));
  return isAnswer ? EXIT.clean : EXIT.usage;
}

async function runCommand(
  entry: CommandEntry,
  words: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const [command, { parseArguments }] = await Promise.all([entry.load(), import('./parser.ts')]);
  const parsed = parseArguments(entry, command, words);
  if (parsed.kind === 'help') {
    const { commandHelp } = await import('./command-help.ts');
    io.stdout.write(commandHelp(entry, command, io.stdout.columns ?? 80));
    return EXIT.clean;
  }
  const { invocation } = parsed;
  const quiet = invocation.flag('quiet');
  return await command.run(invocation, {
    ...io,
    stdout: quiet ? { ...io.stdout, write: () => {}, writeBytes: () => {} } : io.stdout,
    verbose: invocation.flag('verbose'),
  });
}

function unknownVerb(words: readonly string[]): CliError {
  const typed = plainWords(words);
  const text = typed.join(' ');
  const paths = COMMANDS.map(({ path }) => path.join(' '));
  const close =
    paths.find((path) => path.startsWith(text)) ??
    nearest(text, paths) ??
    nearest(
      typed[0] ?? '',
      COMMANDS.map(({ path }) => path[0]),
    );
  return usageError(`unknown command '${text}'`, {
    next: close === undefined ? 'nodeseal --help' : `did you mean '${close}'? (nodeseal --help)`,
  });
}

/** What / why / next, on stderr; a stack only with `-v`, for what should not have happened. */
function report(error: unknown, io: Io, verbose: boolean): ExitCode {
  const say = (text: string): void => io.stderr.write(`${text}\n`);
  if (error instanceof CliError) {
    say(`error: ${safeText(error.message)}`);
    if (error.why !== undefined) say(`  why: ${safeText(error.why)}`);
    if (error.next !== undefined) say(`  next: ${safeText(error.next)}`);
    return error.exit;
  }
  say(`error: nodeseal failed inside: ${safeText(messageOf(error))}`);
  say('  next: please report this; --verbose shows where it happened');
  if (verbose && error instanceof Error) {
    for (const line of (error.stack ?? '').split('\n')) say(safeText(line));
  }
  return EXIT.internal;
}
