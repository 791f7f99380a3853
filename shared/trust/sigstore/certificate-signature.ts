import { contextTag, type DerElement, DerError, DerReader, TAG } from './der.ts';
import type { SignatureScheme } from './public-key.ts';

/** An AlgorithmIdentifier (RFC 5280 §4.1.1.2); parameters as written. */
export interface AlgorithmIdentifier {
  readonly oid: string;
  readonly parameters?: Uint8Array;
}

const RSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';
const ED25519 = '1.3.101.112';
const NULL = '0500';

/** What may sign a certificate today: nothing with SHA-1 or older, no DSA. */
const SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map<string, SignatureScheme>([
  ['1.2.840.113549.1.1.11', { algorithm: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { algorithm: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { algorithm: 'rsa', hash: 'sha512' }],
  ['1.2.840.10045.4.3.2', { algorithm: 'ecdsa', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { algorithm: 'ecdsa', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { algorithm: 'ecdsa', hash: 'sha512' }],
]);
/** Hashes of RSA-PSS; the salt is as long as the hash. */
const PSS_SCHEMES: ReadonlyMap<string, SignatureScheme> = new Map<string, SignatureScheme>([
  ['2.16.840.1.101.3.4.2.1', { algorithm: 'rsa', hash: 'sha256', saltBytes: 32 }],
  ['2.16.840.1.101.3.4.2.2', { algorithm: 'rsa', hash: 'sha384', saltBytes: 48 }],
  ['2.16.840.1.101.3.4.2.3', { algorithm: 'rsa', hash: 'sha512', saltBytes: 64 }],
]);

/** Throws `DerError`. */
export function algorithmIdentifier({ content }: DerElement): AlgorithmIdentifier {
  const reader = new DerReader(content);
  const oid = reader.objectIdentifier();
  return reader.isAtEnd ? { oid } : { oid, parameters: reader.element().raw };
}

/** How a certificate's signature is to be checked; undefined for what Go's crypto/x509 does not accept either. */
export function signatureScheme({
  oid,
  parameters,
}: AlgorithmIdentifier): SignatureScheme | undefined {
  if (oid === ED25519) return parameters === undefined ? { algorithm: 'ed25519' } : undefined;
  if (oid === RSA_PSS) return parameters && pssScheme(parameters);
  return SCHEMES.get(oid);
}

/** RSASSA-PSS-params (RFC 4055 §3.1), all members written out; MGF1 over the same hash. */
function pssScheme(parameters: Uint8Array): SignatureScheme | undefined {
  try {
    const params = new DerReader(parameters).inside(TAG.sequence);
    const hash = inTag(params, 0, (reader) => algorithmIdentifier(reader.element(TAG.sequence)));
    const mask = inTag(params, 1, (reader) => algorithmIdentifier(reader.element(TAG.sequence)));
    const salt = inTag(params, 2, (reader) => reader.integer());
    const trailer =
      params.nextTag === undefined ? 1n : inTag(params, 3, (reader) => reader.integer());
    const maskHash = new DerReader(mask.parameters ?? new Uint8Array()).element(TAG.sequence);
    const inner = algorithmIdentifier(maskHash);
    const scheme = PSS_SCHEMES.get(hash.oid);
    const isUsual =
      mask.oid === MGF1 && inner.oid === hash.oid && isNullOrAbsent(hash) && isNullOrAbsent(inner);
    return isUsual && trailer === 1n && salt === BigInt(scheme?.saltBytes ?? -1)
      ? scheme
      : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function inTag<T>(params: DerReader, number: number, read: (reader: DerReader) => T): T {
  return read(params.inside(contextTag(number, 'constructed')));
}

function isNullOrAbsent({ parameters }: AlgorithmIdentifier): boolean {
  return parameters === undefined || Buffer.from(parameters).toString('hex') === NULL;
}
