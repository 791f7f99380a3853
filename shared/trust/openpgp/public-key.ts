import {
  createPublicKey,
  getFips,
  type KeyObject,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto';
import {
  curveOf,
  DSA,
  digestOf,
  ECDSA,
  EDDSA,
  hashAlgorithm,
  RSA,
  RSA_SIGN_ONLY,
  unavailable,
} from './algorithms.ts';
import { isEd25519, type KeyPacket, keyHashPrefix } from './key-packet.ts';
import { hasUnknownCritical, type SignaturePacket } from './signature-packet.ts';

/** The arguments of `verify` of node:crypto. */
export interface PreparedVerification {
  readonly hash: string | null;
  readonly input: Uint8Array;
  readonly key: KeyObject | VerifyKeyObjectInput;
  readonly bytes: Uint8Array;
}

/** A key packet with what node:crypto needs to verify by it, made when it is first needed. */
export class PublicKey {
  readonly packet: KeyPacket;
  /** The key where signatures hash it (RFC 4880 §5.2.4). */
  readonly hashInput: Uint8Array;
  #key: KeyObject | VerifyKeyObjectInput | undefined;

  constructor(packet: KeyPacket) {
    this.packet = packet;
    this.hashInput = Buffer.concat([keyHashPrefix(packet.body), packet.body]);
  }

  /**
   * Whether `signature` was made by this key over `data` followed by the signature's own trailer and holds nothing
   * critical that is not understood. Nothing else is judged: no times, no flags. Throws `SignatureError` "openpgp-invalid" for a hash that is not accepted and
   * "algorithm-unavailable" for what OpenSSL does not offer here.
   */
  verifies(signature: SignaturePacket, data: readonly Uint8Array[]): boolean {
    const prepared = this.prepared(signature, data);
    if (prepared === undefined) return false;
    const { hash, input, key, bytes } = prepared;
    try {
      return verify(hash, input, key, bytes);
    } catch (cause) {
      // A bad signature makes verify() say false; what it throws is that it cannot do this.
      throw unavailable(`${nameOf(this.packet)} with ${hash ?? 'a digest'}`, cause);
    }
  }

  /** What node:crypto is asked for `verifies`; undefined when the answer is no without asking. Throws as `verifies`. */
  prepared(
    signature: SignaturePacket,
    data: readonly Uint8Array[],
  ): PreparedVerification | undefined {
    const hash = hashAlgorithm(signature.hashAlgorithm);
    if (hasUnknownCritical(signature)) return undefined;
    const bytes = signatureBytes(this.packet, signature, hash.bytes);
    const key = bytes && this.#keyObject();
    if (bytes === undefined || key === undefined) return undefined;
    const signed = [...data, signature.trailer];
    return this.packet.algorithm === EDDSA
      ? { hash: null, input: digestOf(hash, signed), key, bytes }
      : { hash: hash.name, input: Buffer.concat(signed), key, bytes };
  }

  #keyObject(): KeyObject | VerifyKeyObjectInput | undefined {
    if (this.#key !== undefined) return this.#key;
    const spki = spkiOf(this.packet);
    if (spki === undefined) return undefined;
    try {
      const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
      // Only where the encoding matters: node takes 40 µs to find out that an object is no key itself.
      const hasTwoValues = this.packet.algorithm === DSA || this.packet.algorithm === ECDSA;
      this.#key = hasTwoValues ? { key, dsaEncoding: 'ieee-p1363' } : key;
    } catch (cause) {
      if (getFips() === 1 || isUnsupported(cause)) throw unavailable(nameOf(this.packet), cause);
      return undefined;
    }
    return this.#key;
  }
}

/** OpenSSL's words for an algorithm or curve it was built or configured without, as against a key that is no key. */
function isUnsupported(cause: unknown): boolean {
  return (
    cause instanceof Error && /unsupported|unknown group|disallowed|disabled/i.test(cause.message)
  );
}

/** The algorithm of a key as people call it. */
export function nameOf({ algorithm, curveOid }: KeyPacket): string {
  switch (algorithm) {
    case RSA:
    case RSA_SIGN_ONLY:
      return 'RSA';
    case DSA:
      return 'DSA';
    case ECDSA:
      return `ECDSA on ${curveOf(curveOid)?.name ?? 'an unknown curve'}`;
    case EDDSA:
      return 'EdDSA';
    default:
      return `algorithm ${algorithm}`;
  }
}

/**
 * The signature as node:crypto takes it; undefined when it cannot be one of this key, a hash too short for the key
 * included, which GnuPG refuses likewise.
 */
function signatureBytes(
  key: KeyPacket,
  signature: SignaturePacket,
  hashBytes: number,
): Uint8Array | undefined {
  const [first, second] = signature.values;
  switch (key.algorithm) {
    case RSA:
    case RSA_SIGN_ONLY:
      return second === undefined ? padded([first], key.values[0]?.length ?? 0) : undefined;
    case DSA: {
      const groupBytes = key.values[1]?.length ?? 0;
      return groupBytes < 20 || hashBytes < groupBytes
        ? undefined
        : padded([first, second], groupBytes);
    }
    case ECDSA: {
      const curve = curveOf(key.curveOid);
      return curve === undefined || hashBytes < curve.hashBytes
        ? undefined
        : padded([first, second], curve.bytes);
    }
    case EDDSA:
      return padded([first, second], 32);
    default:
      return undefined;
  }
}

/** The integers one after the other, each in `length` bytes. */
function padded(
  values: readonly (Uint8Array | undefined)[],
  length: number,
): Uint8Array | undefined {
  const bytes = new Uint8Array(values.length * length);
  for (const [index, value] of values.entries()) {
    if (value === undefined || value.length > length) return undefined;
    bytes.set(value, (index + 1) * length - value.length);
  }
  return bytes;
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1) of the key; undefined when it is none that signs. */
function spkiOf(key: KeyPacket): Buffer | undefined {
  const [first, second, third, fourth] = key.values;
  if (first === undefined) return undefined;
  switch (key.algorithm) {
    case RSA:
    case RSA_SIGN_ONLY:
      if (second === undefined) return undefined;
      return spki(
        [objectId('2a864886f70d010101'), der(0x05, [])],
        der(0x30, [integer(first), integer(second)]),
      );
    case DSA:
      if (second === undefined || third === undefined || fourth === undefined) return undefined;
      return spki(
        [objectId('2a8648ce380401'), der(0x30, [integer(first), integer(second), integer(third)])],
        integer(fourth),
      );
    case ECDSA: {
      const curve = curveOf(key.curveOid);
      const isPoint = first[0] === 0x04 && first.length === 2 * (curve?.bytes ?? 0) + 1;
      return curve === undefined || !isPoint
        ? undefined
        : spki([objectId('2a8648ce3d0201'), objectId(curve.oid)], first);
    }
    case EDDSA:
      return isEd25519(key) && first[0] === 0x40 && first.length === 33
        ? spki([objectId('2b6570')], first.subarray(1))
        : undefined;
    default:
      return undefined;
  }
}

function spki(algorithm: readonly Uint8Array[], key: Uint8Array): Buffer {
  return der(0x30, [der(0x30, algorithm), der(0x03, [Uint8Array.of(0), key])]);
}

function objectId(oid: string): Buffer {
  return der(0x06, [Buffer.from(oid, 'hex')]);
}

/** An unsigned integer; values come without leading zeros. */
function integer(value: Uint8Array): Buffer {
  return der(0x02, (value[0] ?? 0x80) >= 0x80 ? [Uint8Array.of(0), value] : [value]);
}

function der(tag: number, parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from(header), content]);
}
