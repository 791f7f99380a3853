import { inflateRawSync, inflateSync } from 'node:zlib';
import { decodeBzip2 } from './bzip2.ts';
import { malformed } from './packets.ts';

/**
 * Bytes that a message may unpack to, all levels together. Signed claims have some hundred bytes; containers/image
 * reads no signature larger than 4 MiB, packed.
 */
export const MAX_UNPACKED_BYTES: number = 16 * 1024 * 1024;
/** Compressed data within compressed data, as deep as GnuPG follows them. */
export const MAX_NESTING = 32;

/** A signed message unpacks to about one kilobyte: zlib's 16 would only be work for the collector. */
const CHUNK_BYTES = 2048;

/** What is left of the limits while one message is read. */
export class UnpackBudget {
  #bytes = MAX_UNPACKED_BYTES;

  /**
   * Content of a compressed data packet (RFC 4880 §5.6): uncompressed, ZIP, ZLIB or BZIP2. Throws `SignatureError`
   * "openpgp-invalid" when it is damaged, of another kind, or more than the budget has left.
   */
  unpack(body: Uint8Array): Uint8Array {
    const [algorithm] = body;
    const packed = body.subarray(1);
    if (algorithm === 0) return packed;
    const unpacked = this.#decode(algorithm, packed);
    this.#bytes -= unpacked.length;
    return unpacked;
  }

  #decode(algorithm: number | undefined, packed: Uint8Array): Uint8Array {
    const limits = { maxOutputLength: Math.max(this.#bytes, 1), chunkSize: CHUNK_BYTES };
    try {
      if (algorithm === 1) return inflateRawSync(packed, limits);
      if (algorithm === 2) return inflateSync(packed, limits);
      if (algorithm === 3) return decodeBzip2(packed, limits.maxOutputLength);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
        throw malformed(`more than ${MAX_UNPACKED_BYTES} bytes when unpacked`);
      }
      throw malformed('compressed data that cannot be unpacked', cause);
    }
    throw malformed(`compressed data of the unknown kind ${algorithm ?? 'none'}`);
  }
}
