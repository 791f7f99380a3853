import { createHash, createPublicKey, getFips, type KeyObject, verify } from 'node:crypto';
import { SignatureError } from '../signature-error.ts';
import { DerError, DerReader, TAG } from './der.ts';

export type KeyAlgorithm = 'rsa' | 'ecdsa' | 'ed25519';

/** A public key that signatures can be checked with. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  readonly key: KeyObject;
  /** SubjectPublicKeyInfo in its one DER form, whatever form the key was read from. */
  readonly spki: Uint8Array;
}

const RSA = '1.2.840.113549.1.1.1';
const EC = '1.2.840.10045.2.1';
const ED25519 = '1.3.101.112';
/** P-224, P-256, P-384, P-521 and the length of an uncompressed point; other curves are not known to Go. */
const POINT_BYTES: ReadonlyMap<string, number> = new Map([
  ['1.3.132.0.33', 57],
  ['1.2.840.10045.3.1.7', 65],
  ['1.3.132.0.34', 97],
  ['1.3.132.0.35', 133],
]);
const NULL = '0500';
/** crypto/rsa of Go: neither smaller keys nor larger exponents verify anything. */
const MIN_RSA_BITS = 1024;
const MAX_RSA_EXPONENT = 2n ** 31n - 1n;

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) with the restrictions of Go's crypto/x509: RSA with NULL
 * parameters, the NIST curves with an uncompressed point, Ed25519. Undefined for an algorithm that none of these is;
 * throws `DerError` for a key that is not what it says.
 */
export function readSubjectPublicKeyInfo(spki: Uint8Array): PublicKey | undefined {
  const info = new DerReader(spki).inside(TAG.sequence);
  const identifier = info.inside(TAG.sequence);
  const algorithm = identifier.objectIdentifier();
  const parameters = identifier.isAtEnd ? undefined : identifier.element().raw;
  const { bytes } = info.bitString();
  switch (algorithm) {
    case RSA:
      if (parameters === undefined || Buffer.from(parameters).toString('hex') !== NULL) {
        throw new DerError('expected an RSA key with NULL parameters');
      }
      checkRsa(bytes);
      return imported('rsa', spki, 'spki');
    case EC:
      checkPoint(parameters, bytes);
      return imported('ecdsa', spki, 'spki');
    case ED25519:
      if (parameters !== undefined || bytes.length !== 32) {
        throw new DerError('expected an Ed25519 key of 32 bytes without parameters');
      }
      return imported('ed25519', spki, 'spki');
    default:
      return undefined;
  }
}

/** Reads an RSAPublicKey (RFC 8017 §A.1.1). Throws `DerError`. */
export function readRsaPublicKey(der: Uint8Array): PublicKey {
  const exponent = checkRsa(der);
  if (exponent > MAX_RSA_EXPONENT) throw new DerError('expected an RSA exponent below 2^31');
  return imported('rsa', der, 'pkcs1');
}

/** `sha256:` and the hash of the SubjectPublicKeyInfo: what verdicts call a signer. */
export function fingerprint({ spki }: PublicKey): string {
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

/** How a signature over bytes is to be checked; `salt` is the PSS salt length in bytes, absent for PKCS #1 v1.5. */
export interface SignatureScheme {
  readonly algorithm: KeyAlgorithm;
  /** Absent for Ed25519, which hashes by itself. */
  readonly hash?: 'sha256' | 'sha384' | 'sha512';
  readonly saltBytes?: number;
}

/**
 * Was `signature` made over `data` with this key in this way? ECDSA signatures are DER. Throws `SignatureError`
 * "algorithm-unavailable" for what OpenSSL does not do here.
 */
export function verifies(
  { algorithm, key }: PublicKey,
  scheme: SignatureScheme,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (algorithm !== scheme.algorithm) return false;
  if (algorithm === 'rsa' && !isUsableRsa(key)) return false;
  const { hash, saltBytes } = scheme;
  try {
    const input =
      saltBytes === undefined ? { key } : { key, padding: PSS_PADDING, saltLength: saltBytes };
    return verify(hash ?? null, data, input, signature);
  } catch (cause) {
    // A bad signature makes verify() say false; what it throws is that it cannot do this.
    throw new SignatureError(
      'algorithm-unavailable',
      `OpenSSL does not verify ${scheme.algorithm}`,
      {
        cause,
      },
    );
  }
}

/** RSA_PKCS1_PSS_PADDING of OpenSSL. */
const PSS_PADDING = 6;

function isUsableRsa(key: KeyObject): boolean {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isOddExponent = publicExponent > 1n && publicExponent % 2n === 1n;
  return modulusLength >= MIN_RSA_BITS && isOddExponent && publicExponent <= MAX_RSA_EXPONENT;
}

/** The exponent of an RSAPublicKey whose two numbers are positive. */
function checkRsa(der: Uint8Array): bigint {
  const reader = new DerReader(der);
  const key = reader.inside(TAG.sequence);
  reader.end('the RSA key');
  const modulus = key.integer();
  const exponent = key.integer();
  if (modulus <= 0n || exponent <= 0n || exponent >= 2n ** 63n) {
    throw new DerError('expected a positive RSA modulus and exponent');
  }
  return exponent;
}

function checkPoint(parameters: Uint8Array | undefined, point: Uint8Array): void {
  if (parameters === undefined) throw new DerError('expected an ECDSA key with a named curve');
  const curve = new DerReader(parameters).objectIdentifier();
  const length = POINT_BYTES.get(curve);
  if (length === undefined) {
    throw new DerError(`expected the curve P-224, P-256, P-384 or P-521, found ${curve}`);
  }
  if (point.length !== length || point[0] !== 4) {
    throw new DerError('expected an uncompressed point of the curve');
  }
}

function imported(algorithm: KeyAlgorithm, der: Uint8Array, type: 'spki' | 'pkcs1'): PublicKey {
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: 'der', type });
    return {
      algorithm,
      key,
      // Most keys of a chain are never asked for it, and writing it takes longer than reading the key.
      get spki() {
        return key.export({ format: 'der', type: 'spki' });
      },
    };
  } catch (cause) {
    if (
      getFips() === 1 ||
      (cause instanceof Error && /unsupported|disabled/i.test(cause.message))
    ) {
      const message = 'OpenSSL does not offer the algorithm of this key';
      throw new SignatureError('algorithm-unavailable', message, { cause });
    }
    throw new DerError('expected a public key that is on its curve and in range');
  }
}
