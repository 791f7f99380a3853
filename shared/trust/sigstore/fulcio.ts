import type { FulcioTrust } from '../policy-types.ts';
import { SignatureError } from '../signature-error.ts';
import { type Certificate, readCertificates } from './certificate.ts';
import { refusePath } from './certificate-path.ts';
import { DerError, DerReader, TAG } from './der.ts';
import { isString } from './names.ts';
import type { PublicKey } from './public-key.ts';

/** OIDC issuer as raw text, and its successor as a DER string (Fulcio's OID information). */
const ISSUER = '1.3.6.1.4.1.57264.1.1';
const ISSUER_V2 = '1.3.6.1.4.1.57264.1.8';

/** Certificates that come with a signature, PEM as annotated. */
export interface SuppliedCertificates {
  readonly certificate: string;
  readonly chain?: string;
}

/**
 * The key of a certificate that Fulcio issued to the wanted subject, judged at the moment the log took the signature
 * in. Certificate transparency is not looked at. Throws `SignatureError` "certificate-invalid", "certificate-issuer"
 * or "certificate-subject".
 */
export function verifyFulcioCertificate(
  { oidcIssuer, subjectEmail }: FulcioTrust,
  anchors: readonly Certificate[],
  supplied: SuppliedCertificates,
  atMs: number,
): PublicKey {
  const intermediates = readIntermediates(supplied.chain);
  const leaf = readLeaf(supplied.certificate);
  const options = { anchors, intermediates, atMs, forgivesLeafNames: true };
  const refusal = refusePath(leaf, options);
  if (refusal !== undefined)
    throw new SignatureError('certificate-invalid', `certificate: ${refusal}`);
  const issuer = readIssuer(leaf);
  if (!issuer.equals(Buffer.from(oidcIssuer))) {
    throw wrongIssuer(`expected the OIDC issuer ${oidcIssuer}, found ${issuer}`);
  }
  requireEmail(leaf, subjectEmail);
  return keyOf(leaf);
}

/** The one certificate of a signature. Throws `SignatureError` "certificate-invalid". */
export function readLeaf(pem: string): Certificate {
  const [leaf, more] = readCertificates(pem, 'certificate');
  if (leaf === undefined || more !== undefined) {
    throw new SignatureError(
      'certificate-invalid',
      'certificate: expected exactly one certificate',
    );
  }
  return leaf;
}

/** The last certificate of a chain is taken for its root and dropped, whatever it is. */
export function readIntermediates(chain = ''): readonly Certificate[] {
  return readCertificates(chain, 'certificate chain').slice(0, -1);
}

/** Throws `SignatureError` "certificate-subject" unless the address, byte for byte, is among the certificate's. */
export function requireEmail({ extensions }: Certificate, email: string): void {
  const { emails } = extensions.subjectNames;
  if (emails.includes(email)) return;
  const found = emails.length === 0 ? 'none' : emails.join(', ');
  throw new SignatureError(
    'certificate-subject',
    `certificate: expected the e-mail address ${email}, found ${found}`,
  );
}

/** Throws `SignatureError` "certificate-invalid" for a key of an algorithm that nobody here knows. */
export function keyOf({ publicKey }: Certificate): PublicKey {
  if (publicKey !== undefined) return publicKey;
  throw new SignatureError(
    'certificate-invalid',
    'certificate: expected an ECDSA, RSA or Ed25519 key',
  );
}

function readIssuer({ extensions }: Certificate): Buffer {
  const old = extensions.all.find(({ oid }) => oid === ISSUER)?.value;
  const current = extensions.all.find(({ oid }) => oid === ISSUER_V2)?.value;
  const issuers = [old, current && readIssuerString(current)].filter((it) => it !== undefined);
  const [issuer, other] = issuers.map((bytes) => Buffer.from(bytes));
  if (issuer === undefined) throw wrongIssuer('expected an extension that names the OIDC issuer');
  if (other !== undefined && !issuer.equals(other)) {
    throw wrongIssuer('expected both extensions to name one OIDC issuer');
  }
  return issuer;
}

function readIssuerString(value: Uint8Array): Uint8Array {
  try {
    const reader = new DerReader(value);
    const issuer = reader.element();
    reader.end('the issuer');
    if (!isString(issuer) || NOT_AS_IS.includes(issuer.tag))
      throw new DerError('expected a string');
    return issuer.content;
  } catch (error) {
    throw error instanceof DerError ? wrongIssuer(error.message) : error;
  }
}

/** String types whose bytes are not the text. */
const NOT_AS_IS: readonly number[] = [TAG.bmpString, TAG.t61String];

function wrongIssuer(message: string): SignatureError {
  return new SignatureError('certificate-issuer', `certificate: ${message}`);
}
