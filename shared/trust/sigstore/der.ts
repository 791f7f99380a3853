import { counted } from '../../counted.ts';
import { CodedError } from '../../errors.ts';

/** Bytes that are not the DER that was expected. */
export class DerError extends CodedError<'ERR_DER'> {
  constructor(message: string) {
    super('ERR_DER', message);
  }
}

/** Identifier octets of X.690 as far as certificates and keys need them. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: `content` without, `raw` with identifier and length octets; both are views, nothing is copied. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/** Identifier octet of a context-specific tag `[number]`. */
export function contextTag(number: number, shape: 'primitive' | 'constructed'): number {
  return 0x80 | (shape === 'constructed' ? 0x20 : 0) | number;
}

/** Reads elements one after the other, as strictly as Go's cryptobyte; every mismatch throws `DerError`. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Identifier octet of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  element(tag?: number): DerElement {
    const start = this.#at;
    const found = this.#byte();
    if (tag !== undefined && found !== tag) {
      throw new DerError(`expected an element of tag ${hex(tag)}, found ${hex(found)}`);
    }
    if ((found & 0x1f) === 0x1f) throw new DerError('expected a tag number below 31');
    const length = this.#length();
    const from = this.#at;
    if (length > this.#bytes.length - from) {
      throw new DerError(
        `expected ${counted(length, 'byte')} of content, found ${this.#bytes.length - from}`,
      );
    }
    this.#at = from + length;
    return {
      tag: found,
      content: this.#bytes.subarray(from, this.#at),
      raw: this.#bytes.subarray(start, this.#at),
    };
  }

  /** The next element if it has this tag; otherwise undefined, and it stays the next one. */
  optional(tag: number): DerElement | undefined {
    return this.nextTag === tag ? this.element(tag) : undefined;
  }

  /** A reader of what is inside the next element. */
  inside(tag: number): DerReader {
    return new DerReader(this.element(tag).content);
  }

  end(what: string): void {
    if (!this.isAtEnd) throw new DerError(`expected nothing after ${what}`);
  }

  /** A non-negative or negative integer in its shortest form. */
  integer(): bigint {
    const { content } = this.element(TAG.integer);
    const [first, second] = content;
    if (first === undefined) throw new DerError('expected an integer, found no bytes');
    if (second !== undefined && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80)) {
      throw new DerError('expected an integer in its shortest form');
    }
    const value = BigInt(`0x${Buffer.from(content).toString('hex')}`);
    return first < 0x80 ? value : value - (1n << BigInt(8 * content.length));
  }

  boolean(): boolean {
    const { content } = this.element(TAG.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
      throw new DerError('expected a boolean of 00 or FF');
    }
    return content[0] === 0xff;
  }

  /** An object identifier in dotted form. */
  objectIdentifier(): string {
    const { content } = this.element(TAG.objectIdentifier);
    if (content.length === 0) throw new DerError('expected an object identifier, found no bytes');
    const arcs: number[] = [];
    let arc = 0;
    let isFirst = true;
    for (const byte of content) {
      if (isFirst && byte === 0x80) throw new DerError('expected an arc in its shortest form');
      if (arc >= 2 ** 24) throw new DerError('expected an arc below 2^31');
      arc = arc * 128 + (byte & 0x7f);
      isFirst = byte < 0x80;
      if (isFirst) {
        arcs.push(...(arcs.length === 0 ? splitFirst(arc) : [arc]));
        arc = 0;
      }
    }
    if (!isFirst) throw new DerError('expected the last byte of an arc');
    return arcs.join('.');
  }

  /** A bit string with the number of its unused last bits, which are zero. */
  bitString(): { readonly bytes: Uint8Array; readonly unusedBits: number } {
    const { content } = this.element(TAG.bitString);
    const [unusedBits] = content;
    const bytes = content.subarray(1);
    if (unusedBits === undefined || unusedBits > 7 || (bytes.length === 0 && unusedBits !== 0)) {
      throw new DerError('expected a bit string');
    }
    if (((bytes.at(-1) ?? 0) & ((1 << unusedBits) - 1)) !== 0) {
      throw new DerError('expected the unused bits of a bit string to be zero');
    }
    return { bytes, unusedBits };
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DerError('expected an element, found the end');
    this.#at++;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError('expected a length of one to four bytes');
    let length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) {
      throw new DerError('expected a length in its shortest form');
    }
    return length;
  }
}

function splitFirst(arc: number): readonly number[] {
  const first = Math.min(2, Math.floor(arc / 40));
  return [first, arc - 40 * first];
}

function hex(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
