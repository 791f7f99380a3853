import { constants, inflateRawSync, inflateSync } from 'node:zlib';
import { decodeBzip2 } from './bzip2.ts';
import { malformed } from './packets.ts';

/**
 * Bytes that a message may unpack to, all levels together. Signed claims have some hundred bytes; containers/image
 * reads no signature larger than 4 MiB, packed.
 */
export const MAX_UNPACKED_BYTES: number = 16 * 1024 * 1024;
/** Compressed data within compressed data, as deep as GnuPG follows them. */
export const MAX_NESTING = 31;
/** Compressed packets in one message; nobody makes more than one. */
export const MAX_COMPRESSED_PACKETS = 1000;
/** GnuPG hands its decoders so much at a time; what is left of that behind the end of the data it drops. */
const READ_AHEAD_BYTES = 2048;
/** A signed message unpacks to about one kilobyte: zlib's 16 would only be work for the collector. */
const CHUNK_BYTES = 2048;

export interface Unpacked {
  readonly content: Uint8Array;
  /** What follows the compressed data and is read as further packets. */
  readonly rest: Uint8Array;
}

/** What is left of the limits while one message is read. */
export class UnpackBudget {
  #bytes = MAX_UNPACKED_BYTES;
  #packets = MAX_COMPRESSED_PACKETS;

  /**
   * Content of a compressed data packet (RFC 4880 §5.6): uncompressed, ZIP, ZLIB or BZIP2. Throws `SignatureError`
   * "openpgp-invalid" when it is damaged, of another kind, or more than the budget has left.
   */
  unpack(body: Uint8Array): Unpacked {
    if (this.#packets-- === 0) throw malformed(`more than ${MAX_COMPRESSED_PACKETS} packed parts`);
    const [algorithm] = body;
    const packed = body.subarray(1);
    if (algorithm === 0) return { content: packed, rest: packed.subarray(packed.length) };
    const { content, used } = this.#decode(algorithm, packed);
    this.#bytes -= content.length;
    const rest = packed.subarray(Math.ceil(used / READ_AHEAD_BYTES) * READ_AHEAD_BYTES);
    return { content, rest };
  }

  #decode(algorithm: number | undefined, packed: Uint8Array): Decoded {
    const maxBytes = Math.max(this.#bytes, 1);
    try {
      if (algorithm === 1) return inflated(inflateRawSync, packed, maxBytes, constants.Z_FINISH);
      if (algorithm === 2) return inflated(inflateSync, packed, maxBytes, constants.Z_SYNC_FLUSH);
      if (algorithm === 3) return decodeBzip2(packed, maxBytes);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
        throw malformed(`more than ${MAX_UNPACKED_BYTES} bytes when unpacked`);
      }
      throw malformed('compressed data that cannot be unpacked', cause);
    }
    throw malformed(`compressed data of the unknown kind ${algorithm ?? 'none'}`);
  }
}

interface Decoded {
  readonly content: Uint8Array;
  /** Bytes of the input up to the end of the data. */
  readonly used: number;
}

/** ZLIB data without their checksum give what they hold, as in GnuPG; ZIP data have to be whole. */
function inflated(
  inflate: typeof inflateSync,
  packed: Uint8Array,
  maxOutputLength: number,
  finishFlush: number,
): Decoded {
  // with `info` node gives back the engine too, which its types do not say
  const { buffer, engine } = inflate(packed, {
    maxOutputLength,
    chunkSize: CHUNK_BYTES,
    finishFlush,
    info: true,
  }) as unknown as { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
  return { content: buffer, used: engine.bytesWritten };
}
