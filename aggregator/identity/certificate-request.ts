import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CodedError } from '../../shared/errors.ts';
import { contextTag, DerError, DerReader, TAG } from '../../shared/trust/sigstore/der.ts';

export class CertificateRequestError extends CodedError<
  | 'ERR_CSR_SYNTAX'
  /** Not P-256. */
  | 'ERR_CSR_KEY'
  /** Asks for more than a certificate for its key. */
  | 'ERR_CSR_ATTRIBUTES'
  /** Not made by the holder of the key. */
  | 'ERR_CSR_SIGNATURE'
> {}

/** What is taken from a request: the key, whose holder made it. Names in a request are not looked at. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** SHA-256 of `spki`, hex. */
  readonly keySha256: string;
}

/** A request for a P-256 key has some 300 bytes. */
const LIMIT_CHARACTERS = 4096;
const PEM =
  /^\s*-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*$/;
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

/** Reads PKCS #10 (RFC 2986) in PEM and verifies that its maker holds the key. Throws `CertificateRequestError`. */
export function readCertificateRequest(text: string): CertificateRequest {
  if (text.length > LIMIT_CHARACTERS) {
    throw syntax(`expected at most ${LIMIT_CHARACTERS} characters, found ${text.length}`);
  }
  const [, base64] = PEM.exec(text) ?? [];
  if (base64 === undefined) throw syntax('expected one PEM block CERTIFICATE REQUEST');
  const parts = partsOf(Buffer.from(base64, 'base64'));
  const key = keyOf(parts.spki);
  if (parts.algorithm !== ECDSA_SHA256 || !verify('sha256', parts.info, key, parts.signature)) {
    throw new CertificateRequestError(
      'ERR_CSR_SIGNATURE',
      'csr: expected the ecdsa-with-SHA256 signature of the key in it',
    );
  }
  if (parts.hasAttributes) {
    throw new CertificateRequestError(
      'ERR_CSR_ATTRIBUTES',
      'csr: expected no attributes; what the certificate says is decided here',
    );
  }
  const spki = key.export({ format: 'der', type: 'spki' });
  return { spki, keySha256: createHash('sha256').update(spki).digest('hex') };
}

interface Parts {
  readonly info: Uint8Array;
  readonly spki: Uint8Array;
  readonly hasAttributes: boolean;
  readonly algorithm: string;
  readonly signature: Uint8Array;
}

function partsOf(der: Uint8Array): Parts {
  try {
    const outer = new DerReader(der);
    const request = outer.inside(TAG.sequence);
    outer.end('the request');
    const info = request.element(TAG.sequence);
    const algorithm = request.inside(TAG.sequence);
    const oid = algorithm.objectIdentifier();
    algorithm.end('the signature algorithm');
    const { bytes } = request.bitString();
    request.end('the signature');
    const reader = new DerReader(info.content);
    if (reader.integer() !== 0n) throw new DerError('expected version 0');
    reader.element(TAG.sequence);
    const spki = reader.element(TAG.sequence).raw;
    const attributes = reader.inside(contextTag(0, 'constructed'));
    reader.end('the attributes');
    return {
      info: info.raw,
      spki,
      hasAttributes: !attributes.isAtEnd,
      algorithm: oid,
      signature: bytes,
    };
  } catch (error) {
    if (error instanceof DerError) throw syntax(error.message, error);
    throw error;
  }
}

function keyOf(spki: Uint8Array): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    // No key of a kind that is known here, or a point that is not on its curve.
  }
  if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw new CertificateRequestError('ERR_CSR_KEY', 'csr: expected a P-256 key');
}

function syntax(what: string, cause?: unknown): CertificateRequestError {
  return new CertificateRequestError('ERR_CSR_SYNTAX', `csr: ${what}`, { cause });
}
