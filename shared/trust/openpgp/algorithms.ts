import { createHash } from 'node:crypto';
import { SignatureError } from '../signature-error.ts';

/**
 * Hashes a signature may be made with, by their number in RFC 4880 §9.4: those GnuPG takes by default. MD5 (1) is not
 * among them because GnuPG rejects it; SHA-1 is because GnuPG accepts it, and a verdict is to be the node's.
 */
const HASHES: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map([
  [2, { name: 'sha1', bytes: 20 }],
  [3, { name: 'ripemd160', bytes: 20 }],
  [8, { name: 'sha256', bytes: 32 }],
  [9, { name: 'sha384', bytes: 48 }],
  [10, { name: 'sha512', bytes: 64 }],
  [11, { name: 'sha224', bytes: 28 }],
]);

export interface HashAlgorithm {
  /** As node:crypto calls it. */
  readonly name: string;
  readonly bytes: number;
}

/** The hash of that number; throws "openpgp-invalid" when GnuPG takes no signature made with it. */
export function hashAlgorithm(id: number): HashAlgorithm {
  const hash = HASHES.get(id);
  if (hash !== undefined) return hash;
  const name = id === 1 ? 'MD5' : `number ${id}`;
  throw new SignatureError('openpgp-invalid', `the hash algorithm ${name} is not accepted`);
}

/** The error for what OpenSSL on this machine does not offer, FIPS mode and crypto policies included. */
export function unavailable(algorithm: string, cause?: unknown): SignatureError {
  return new SignatureError(
    'algorithm-unavailable',
    `${algorithm} is not available from OpenSSL on this machine (FIPS mode or crypto policy), so the signature was not judged`,
    { cause },
  );
}

/** The digest of `data`; throws "algorithm-unavailable" when OpenSSL refuses the algorithm. */
export function digestOf(hash: HashAlgorithm, data: readonly Uint8Array[]): Uint8Array {
  try {
    const digest = createHash(hash.name);
    for (const part of data) digest.update(part);
    return digest.digest();
  } catch (cause) {
    throw unavailable(hash.name, cause);
  }
}

/** Algorithms of keys by their number in RFC 4880 §9.1 (22: draft-koch-eddsa-for-openpgp). */
export const RSA = 1;
export const RSA_ENCRYPT_ONLY = 2;
export const RSA_SIGN_ONLY = 3;
export const ELGAMAL = 16;
export const DSA = 17;
export const ECDH = 18;
export const ECDSA = 19;
export const EDDSA = 22;

/** The bit of the key flags that lets a key sign data (RFC 4880 §5.2.3.21). */
export const CAN_SIGN = 2;

/** Whether GnuPG makes signatures with the algorithm; encryption keys never do. */
export function isSigningAlgorithm(id: number): boolean {
  return [RSA, RSA_SIGN_ONLY, DSA, ECDSA, EDDSA].includes(id);
}

export interface Curve {
  /** As OpenSSL and people call it. */
  readonly name: string;
  /** DER of the object identifier, without tag and length: as in the key packet. */
  readonly oid: string;
  /** Bytes of a coordinate. */
  readonly bytes: number;
  /** Least length of a hash in bytes: GnuPG takes no shorter one (512 bits stand for P-521). */
  readonly hashBytes: number;
}

const curve = (name: string, oid: string, bytes: number): Curve => ({
  name,
  oid,
  bytes,
  hashBytes: Math.min(bytes, 64),
});

const CURVES: ReadonlyMap<string, Curve> = new Map(
  [
    curve('NIST P-256', '2a8648ce3d030107', 32),
    curve('NIST P-384', '2b81040022', 48),
    curve('NIST P-521', '2b81040023', 66),
    curve('Brainpool P-256', '2b2403030208010107', 32),
    curve('Brainpool P-384', '2b240303020801010b', 48),
    curve('Brainpool P-512', '2b240303020801010d', 64),
    curve('secp256k1', '2b8104000a', 32),
  ].map((entry) => [entry.oid, entry]),
);
/** Ed25519 under the number it has in OpenPGP. */
export const ED25519_OID = '2b06010401da470f01';

/** The curve an ECDSA key names; undefined when GnuPG has none of that name. */
export function curveOf(oid: string): Curve | undefined {
  return CURVES.get(oid);
}
