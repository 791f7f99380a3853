import { counted } from '../../counted.ts';
import { SignatureError } from '../signature-error.ts';

/** Packet types that are looked at, by the names of RFC 4880 §4.3. */
export const TAG = {
  reserved: 0,
  encryptedSessionKey: 1,
  signature: 2,
  symmetricSessionKey: 3,
  onePass: 4,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  compressed: 8,
  encrypted: 9,
  marker: 10,
  literal: 11,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  oldComment: 16,
  userAttribute: 17,
  encryptedIntegrity: 18,
  modificationDetection: 19,
  encryptedAead: 20,
  comment: 61,
  gpgControl: 63,
} as const;

/** One packet, its body in one piece whatever its length header was. */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
  /** True when the length was partial or indeterminate, as only data packets may have it. */
  readonly isPartial: boolean;
}

/** Packets whose body may come in chunks or reach to the end of the data. */
const STREAMED: ReadonlySet<number> = new Set([
  TAG.compressed,
  TAG.encrypted,
  TAG.literal,
  TAG.encryptedIntegrity,
  TAG.encryptedAead,
]);
/** Old headers know an indeterminate length for these alone. */
const INDETERMINATE: ReadonlySet<number> = new Set([TAG.compressed, TAG.encrypted, TAG.literal]);

/**
 * Reads packets one after the other: old and new headers, partial and indeterminate lengths (RFC 4880 §4.2). Anything
 * that is no packet, or is cut short, throws `SignatureError` "openpgp-invalid". Bodies are views of the input but for
 * those that came in chunks.
 */
export class PacketReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next packet; undefined at the end. */
  next(): Packet | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const header = this.#byte();
    if ((header & 0x80) === 0) {
      throw malformed(`expected a packet at byte ${this.#at - 1}, found 0x${hex(header)}`);
    }
    return (header & 0x40) === 0 ? this.#old(header) : this.#new(header & 0x3f);
  }

  /** Everything from the beginning of a body that `next` gave on, as though its length did not matter. */
  from(body: Uint8Array): Uint8Array {
    return this.#bytes.subarray(body.byteOffset - this.#bytes.byteOffset);
  }

  /** What has not been read yet. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  #old(header: number): Packet {
    const tag = (header >> 2) & 0x0f;
    const lengthType = header & 3;
    if (lengthType < 3) {
      return { tag, body: this.#take(this.#number(1 << lengthType)), isPartial: false };
    }
    if (!INDETERMINATE.has(tag)) throw malformed(`a packet of type ${tag} has no length`);
    return { tag, body: this.#take(this.#bytes.length - this.#at), isPartial: true };
  }

  #new(tag: number): Packet {
    const first = this.#byte();
    if (first < 224 || first === 255) {
      return { tag, body: this.#take(this.#length(first)), isPartial: false };
    }
    if (!STREAMED.has(tag)) throw malformed(`a packet of type ${tag} has a partial length`);
    // In one piece from the start: data may come in millions of chunks of a byte.
    const body = new Uint8Array(this.#bytes.length - this.#at);
    let length = 0;
    let next = first;
    for (; next >= 224 && next < 255; next = this.#byte()) {
      const chunk = this.#take(2 ** (next & 0x1f));
      body.set(chunk, length);
      length += chunk.length;
    }
    const last = this.#take(this.#length(next));
    body.set(last, length);
    return { tag, body: body.subarray(0, length + last.length), isPartial: true };
  }

  #length(first: number): number {
    if (first < 192) return first;
    if (first < 224) return ((first - 192) << 8) + this.#byte() + 192;
    return this.#number(4);
  }

  #number(bytes: number): number {
    let value = 0;
    for (let read = 0; read < bytes; read++) value = value * 256 + this.#byte();
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed('the data end within the header of a packet');
    return byte;
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      throw malformed(
        `expected ${counted(length, 'byte')} of a packet, found ${this.#bytes.length - this.#at}`,
      );
    }
    const body = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return body;
  }
}

/** Reads the fields of one packet body; running out of it throws as a malformed packet does. */
export class FieldReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(bytes: 1 | 2 | 4): number {
    let value = 0;
    for (const byte of this.bytes(bytes)) value = value * 256 + byte;
    return value;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      throw malformed(
        `expected ${counted(length, 'more byte')}, found ${this.#bytes.length - this.#at}`,
      );
    }
    const field = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return field;
  }

  rest(): Uint8Array {
    return this.bytes(this.#bytes.length - this.#at);
  }

  /** A multiprecision integer (RFC 4880 §3.2) without leading zero bytes, at most 16384 bits as in GnuPG. */
  integer(): Uint8Array {
    const bits = this.number(2);
    if (bits > 16384) throw malformed(`a number of ${bits} bits`);
    const value = this.bytes((bits + 7) >> 3);
    let zeros = 0;
    while (value[zeros] === 0) zeros++;
    return value.subarray(zeros);
  }
}

/** The error for OpenPGP data that cannot be read as such. */
export function malformed(message: string, cause?: unknown): SignatureError {
  return new SignatureError('openpgp-invalid', `OpenPGP data: ${message}`, { cause });
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
