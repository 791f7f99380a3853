import type { BytesReader } from './bytes-reader.ts';

/** The bytes are no policy that the kernel would load. */
export class PolicyFormatError extends Error {}

const MAP_BITS = 64;

/** Numbers of the bits that are set in an extensible bitmap, ascending (`ebitmap_read`, security/selinux/ss/ebitmap.c). */
export function readBitmap(reader: BytesReader): readonly number[] {
  const unit = reader.u32();
  const highBit = reader.u32();
  const count = reader.u32();
  if (unit !== MAP_BITS)
    throw new PolicyFormatError(`expected bitmaps of ${MAP_BITS}, found ${unit}`);
  if (highBit !== 0 && count === 0)
    throw new PolicyFormatError('a bitmap is empty and says it is not');
  const bits: number[] = [];
  let end = 0;
  for (let index = 0; index < (highBit === 0 ? 0 : count); index++) {
    const start = reader.u32();
    if (start % MAP_BITS !== 0 || start < end || start >= highBit) {
      throw new PolicyFormatError(`a bitmap of ${highBit} bits goes on at bit ${start}`);
    }
    end = start + MAP_BITS;
    const map = reader.u64();
    if (map === 0n) throw new PolicyFormatError('a part of a bitmap is empty');
    for (let bit = 0; bit < MAP_BITS; bit++) {
      if ((map >> BigInt(bit)) & 1n) bits.push(start + bit);
    }
  }
  return bits;
}
