import { type FileHandle, open, stat } from 'node:fs/promises';
import { CodedError } from './errors.ts';

/** A file that is there and is not read. */
export class ReadFileError extends CodedError<'ERR_FILE_KIND' | 'ERR_FILE_SIZE'> {}

const CHUNK_BYTES = 65_536;

/**
 * Content of a file of at most so many bytes: a device has no end, and a file may grow while it is read. Throws
 * `ReadFileError`, and what the system says.
 */
export async function readLimited(file: string, limitBytes: number): Promise<Buffer> {
  await using handle = await open(file, 'r');
  return await readAll(handle, limitBytes);
}

/** The same of a regular file alone: a pipe is not waited for, and no device is opened. */
export async function readRegular(file: string, limitBytes: number): Promise<Buffer> {
  const found = await stat(file);
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'is a folder, expected a file' : 'expected a regular file';
    throw new ReadFileError('ERR_FILE_KIND', what);
  }
  return await readLimited(file, limitBytes);
}

async function readAll(handle: FileHandle, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES));
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    if (length > limitBytes) {
      throw new ReadFileError('ERR_FILE_SIZE', `larger than ${limitBytes} bytes`);
    }
    chunks.push(buffer.subarray(0, bytesRead));
  }
}
