/** The bytes end before what was asked of them. */
export class EndOfBytes extends Error {}

/** Reads little-endian numbers and text from front to back; throws `EndOfBytes` at the end. */
export class BytesReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  text(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString('latin1', start, start + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** Where it stood before. */
  #advance(length: number): number {
    const start = this.#offset;
    if (length > this.#bytes.length - start) {
      throw new EndOfBytes(`ends at byte ${this.#bytes.length}`);
    }
    this.#offset = start + length;
    return start;
  }
}
