import { gzipSync } from 'node:zlib';

/** One file of an archive. */
export interface ArchiveFile {
  /** Path in the archive: printable ASCII, at most 100 characters. */
  readonly path: string;
  readonly content: Buffer;
}

const BLOCK = 512;
/** Only for who unpacks it. */
const MODE = 0o600;

/** The files as `.tar.gz`: ustar of POSIX.1-1988, owned by nobody in particular. `nowMs` is when they were made. */
export function tarGzip(files: readonly ArchiveFile[], nowMs: number): Buffer {
  const blocks = files.flatMap(({ path, content }) => [
    headerOf(path, content.length, nowMs),
    content,
    Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK),
  ]);
  // Two empty blocks end an archive.
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]));
}

function headerOf(path: string, size: number, nowMs: number): Buffer {
  if (!/^[\x20-\x7e]{1,100}$/.test(path)) throw new RangeError(`no path of an archive: ${path}`);
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  header.write(path, 0, 'latin1');
  octal(MODE, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(Math.floor(nowMs / 1000), 136, 12);
  header.write('        0', 148, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  // The sum is taken with blanks in its own place.
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
