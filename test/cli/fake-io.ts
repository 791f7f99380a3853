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
  readonly unread?: AbortSignal;
  /** Called after each write to stdout, with everything written so far. */
  readonly onOutput?: (text: string) => void;
}

interface Texts {
  readonly stdout: string;
  readonly stderr: string;
  /** What is no text on stdout; absent when there was none. */
  readonly bytes?: Buffer;
}
export interface Outcome extends Texts {
  readonly exit: ExitCode;
}

/** Noon of the day the golden outputs speak of. */
export const NOW_MS: number = Date.parse('2026-11-21T12:00:00Z');

/** A terminal, or a pipe, made of strings. */
export function fakeIo(options: FakeIoOptions = {}): { readonly io: Io; readonly text: Texts } {
  const text: { stdout: string; stderr: string; bytes?: Buffer } = { stdout: '', stderr: '' };
  const isTerminal = options.isTerminal ?? false;
  const size = isTerminal ? { columns: options.columns ?? 80, rows: 24 } : {};
  const io: Io = {
    stdout: {
      write: (more) => {
        text.stdout += more;
        options.onOutput?.(text.stdout);
      },
      async drained() {},
      writeBytes: (bytes) => {
        text.bytes = Buffer.concat([text.bytes ?? Buffer.alloc(0), bytes]);
      },
      isTerminal,
      ...size,
    },
    stderr: {
      write: (more) => {
        text.stderr += more;
      },
      async drained() {},
      writeBytes: () => {},
      isTerminal,
      ...size,
    },
    env: options.env ?? { LANG: 'C.UTF-8', NO_COLOR: '1' },
    nowMs: () => options.nowMs ?? NOW_MS,
    readStdin: async () => Buffer.from(options.stdin ?? ''),
    signal: options.signal ?? new AbortController().signal,
    unread: options.unread ?? new AbortController().signal,
    verbose: false,
  };
  return { io, text };
}

/** Runs a command line as `main.ts` does. */
export async function runCli(
  words: readonly string[],
  options: FakeIoOptions = {},
): Promise<Outcome> {
  const { io, text } = fakeIo(options);
  const exit = await run(words, io);
  return { exit, ...text };
}

/** What a terminal would act upon. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
export const HOSTILE: RegExp = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
