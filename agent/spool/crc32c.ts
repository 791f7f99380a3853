/** The Castagnoli polynomial, reflected (RFC 3720, appendix B.4); `zlib.crc32` is the other one. */
const POLYNOMIAL = 0x82f63b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
  }
  return remainder;
});

/** CRC32C of `bytes`, continuing from `previous`. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  // By index: an iterator over the bytes is ten times slower.
  for (let index = 0; index < bytes.length; index++) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}
