import type { ExitCode } from '../../cli/exit.ts';
import type { Io } from '../../cli/io.ts';
import { run } from '../../cli/run.ts';

export interface FakeIoOptions {
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly nowMs?: number;
  readonly signal?: AbortSignal;
  /** Called after each write to stdout, with everything written so far. */
  readonly onOutput?: (text: string) => void;
}

export interface Outcome {
  readonly exit: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

/** Noon of the day the golden outputs speak of. */
export const NOW_MS: number = Date.parse('2026-11-21T12:00:00Z');

/** Runs a command line as `main.ts` does, with a terminal made of strings. */
export async function runCli(
  words: readonly string[],
  options: FakeIoOptions = {},
): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const isTerminal = options.isTerminal ?? false;
  const columns = isTerminal ? (options.columns ?? 80) : undefined;
  const io: Io = {
    stdout: {
      write: (text) => {
        stdout += text;
        options.onOutput?.(stdout);
      },
      isTerminal,
      columns,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
      isTerminal,
      columns,
    },
    env: options.env ?? { LANG: 'C.UTF-8', NO_COLOR: '1' },
    nowMs: () => options.nowMs ?? NOW_MS,
    readStdin: async () => Buffer.from(options.stdin ?? ''),
    signal: options.signal ?? new AbortController().signal,
    unread: new AbortController().signal,
    verbose: false,
  };
  const exit = await run(words, io);
  return { exit, stdout, stderr };
}

/** What a terminal would act upon. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
export const HOSTILE: RegExp = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
