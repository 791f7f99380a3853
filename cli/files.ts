import { stat } from 'node:fs/promises';
import { messageOf } from '../shared/errors.ts';
import { ReadFileError, readLimited } from '../shared/read-file.ts';
import { CliError } from './errors.ts';
import type { Io } from './io.ts';

/** What a person names on the command line is no larger; a policy of 1,000 scopes has 300 KiB. */
const LIMIT_BYTES = 16 * 1024 * 1024;

/** Content of a file named on the command line, `-` for standard input; `what` names it in errors. */
export async function readInput(file: string, what: string, io: Io): Promise<Buffer> {
  if (file !== '-') return await readNamed(file, what);
  const bytes = await io.readStdin(LIMIT_BYTES);
  if (bytes.length <= LIMIT_BYTES) return bytes;
  throw new CliError('ERR_CLI_INPUT', `cannot read the ${what} ${file}`, {
    why: `larger than ${LIMIT_BYTES} bytes`,
  });
}

/** The same, where `-` is a file like others. */
export async function readNamed(file: string, what: string): Promise<Buffer> {
  try {
    return await readGiven(file, LIMIT_BYTES);
  } catch (cause) {
    throw fileError(cause, `cannot read the ${what} ${file}`);
  }
}

/** Standard input, and the pipe of a shell's `<(…)`: open already, and somebody writes there. */
const OPENED = /^\/(?:dev|proc)\//;

/** Content of a file that somebody named. A named pipe is refused, for its writer may never come. */
export async function readGiven(file: string, limitBytes: number): Promise<Buffer> {
  if (!OPENED.test(file) && (await stat(file)).isFIFO()) {
    throw new ReadFileError('ERR_FILE_KIND', 'it is a named pipe, expected a file');
  }
  return await readLimited(file, limitBytes);
}

/** A failure of the file system as exit code and cause: absent is `not found`, forbidden is `not allowed`. */
export function fileError(cause: unknown, what: string): CliError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return new CliError('ERR_CLI_NOT_FOUND', what, { why: 'no such file', cause });
  if (code === 'EACCES' || code === 'EPERM') {
    return new CliError('ERR_CLI_NOT_ALLOWED', what, {
      why: 'permission denied',
      next: 'run it as a user who may; the files of a node need root (sudo)',
      cause,
    });
  }
  const why = code === 'EISDIR' ? 'it is a folder, expected a file' : messageOf(cause);
  return new CliError('ERR_CLI_INPUT', what, { why, cause });
}
