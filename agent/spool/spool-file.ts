import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CodedError } from '../../shared/errors.ts';

/** Something in the spool's folder that this program did not make: nothing is read of it, or written to it. */
export class SpoolFileError extends CodedError<'ERR_SPOOL_FILE'> {}

/** Far above the longest segment: its limit, and the records that were under way when it was met. */
const LIMIT_BYTES = 67_108_864;
/** A link would lead what is written out of the folder; a pipe is not waited for. */
const ITSELF = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Opens a file of the spool, `flags` as for open(2). Throws `SpoolFileError`, and what the system says. */
export async function openSpoolFile(path: string, flags: number): Promise<FileHandle> {
  const file = await open(path, flags | ITSELF, 0o600);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw refuse(path, 'expected a regular file');
    if (stats.size > LIMIT_BYTES) throw refuse(path, `larger than ${LIMIT_BYTES} bytes`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The whole of a file of the spool. */
export async function readSpoolFile(path: string): Promise<Buffer> {
  await using file = await openSpoolFile(path, constants.O_RDONLY);
  return await file.readFile();
}

function refuse(path: string, what: string): SpoolFileError {
  return new SpoolFileError('ERR_SPOOL_FILE', `${path}: ${what}`);
}
