import type { BytesReader } from './bytes-reader.ts';

/** The bytes are no policy that the kernel would load. */
export class PolicyFormatError extends Error {}

const PART_BITS = 64;
const WORD_BITS = 32;
/** Far more than any policy has types: what is told bit by bit has an end. */
const MAX_BITS = 1 << 20;

/** Numbers of the bits that are set in an extensible bitmap, ascending (`ebitmap_read`, security/selinux/ss/ebitmap.c). */
export function readBitmap(reader: BytesReader): readonly number[] {
  const bits: number[] = [];
  readParts(reader, MAX_BITS, (start, word) => {
    for (let bit = 0; bit < WORD_BITS; bit++) {
      if ((word >>> bit) & 1) bits.push(start + bit);
    }
  });
  return bits;
}

/** Passes over a bitmap, as exactly. */
export function passBitmap(reader: BytesReader): void {
  readParts(reader, Number.POSITIVE_INFINITY, () => {});
}

function readParts(
  reader: BytesReader,
  maxBits: number,
  onWord: (start: number, word: number) => void,
): void {
  const unit = reader.u32();
  const highBit = reader.u32();
  const count = reader.u32();
  if (unit !== PART_BITS) {
    throw new PolicyFormatError(`expected bitmaps of ${PART_BITS}, found ${unit}`);
  }
  if (highBit > maxBits) throw new PolicyFormatError(`a bitmap says it has ${highBit} bits`);
  if (highBit === 0) return;
  if (count === 0) throw new PolicyFormatError('a bitmap is empty and says it is not');
  let end = 0;
  for (let index = 0; index < count; index++) {
    const start = reader.u32();
    if (start % PART_BITS !== 0 || start < end || start >= highBit) {
      throw new PolicyFormatError(`a bitmap of ${highBit} bits goes on at bit ${start}`);
    }
    end = start + PART_BITS;
    const [low, high] = [reader.u32(), reader.u32()];
    if (low === 0 && high === 0) throw new PolicyFormatError('a part of a bitmap is empty');
    onWord(start, low);
    onWord(start + WORD_BITS, high);
  }
}
