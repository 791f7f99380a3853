import { crc32c } from './crc32c.ts';

/** Format of head and segments. Files of a higher one are kept and not touched. */
const FORMAT = 1;
/** What every file of every format begins with: three letters, the format, CRC32C of these four bytes. */
export const PREFIX_BYTES = 8;

export type FileKind = 'NSH' | 'NSS';

export function prefix(kind: FileKind): Buffer {
  const bytes = Buffer.alloc(PREFIX_BYTES);
  bytes.write(kind, 0, 'latin1');
  bytes.writeUInt8(FORMAT, 3);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, 4)), 4);
  return bytes;
}

/** A flipped bit is not a later format: only an intact prefix can say so. */
export function isNewer(bytes: Buffer, kind: FileKind): boolean {
  return (
    bytes.length >= PREFIX_BYTES &&
    bytes.toString('latin1', 0, 3) === kind &&
    bytes.readUInt8(3) > FORMAT &&
    crc32c(bytes.subarray(0, 4)) === bytes.readUInt32LE(4)
  );
}
