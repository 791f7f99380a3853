import { fstatSync, read, readSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import { HostError } from './host-error.ts';

/** Most files without a size are one line of procfs; the next pieces grow with what came. */
const MIN_CHUNK_BYTES = 4 * 1024;
const MAX_CHUNK_BYTES = 64 * 1024;
/** Larger files, and those that do not say their size, are read in the thread pool. */
const READ_AT_ONCE_BYTES = 256 * 1024;
const readLater = promisify(read);

/** What an opened file is, by its descriptor. Throws `HostError` when it is no regular file. */
export function statOpened(file: number, path: string): Stats {
  const stats = fstatSync(file);
  // What was a file when it was looked at may have become a fifo before it was opened.
  if (stats.isFile()) return stats;
  throw new HostError('ERR_HOST_CHANGED', path, 'is no file any more');
}

/**
 * The whole content of an opened file, at most `limitBytes`; files of procfs say size 0, so only reading tells the length.
 * Small files are there at once. `path` is for the messages of `HostError`.
 */
export function readOpened(
  file: number,
  path: string,
  { size }: Stats,
  limitBytes: number,
): Buffer | Promise<Buffer> {
  if (size > limitBytes) throw tooLarge(path, limitBytes);
  if (size === 0 || size > READ_AT_ONCE_BYTES) return readPieces(file, path, size, limitBytes);
  // One byte more is asked for: when it does not come, the file ends here.
  const buffer = Buffer.allocUnsafe(size + 1);
  const length = readSync(file, buffer, 0, buffer.length, null);
  if (length === size) return buffer.subarray(0, length);
  return readPieces(file, path, size, limitBytes, [buffer.subarray(0, length)]);
}

async function readPieces(
  file: number,
  path: string,
  size: number,
  limitBytes: number,
  begun: readonly Buffer[] = [],
): Promise<Buffer> {
  const chunks = [...begun];
  let length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  for (;;) {
    if (length > limitBytes) throw tooLarge(path, limitBytes);
    const buffer = Buffer.allocUnsafe(size > length ? size - length + 1 : chunkBytes(length));
    const { bytesRead } = await readLater(file, buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (length === size && bytesRead < buffer.length) break;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}

/** What comes next of an opened file; nothing at its end. */
export async function readPiece(file: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(READ_AT_ONCE_BYTES);
  const { bytesRead } = await readLater(file, buffer, 0, buffer.length, null);
  return buffer.subarray(0, bytesRead);
}

function tooLarge(path: string, limitBytes: number): HostError {
  return new HostError('ERR_HOST_TOO_LARGE', path, `larger than ${limitBytes} bytes`);
}

function chunkBytes(length: number): number {
  return Math.min(Math.max(length, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES);
}
