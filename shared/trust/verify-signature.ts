import { requireDigest, signedDigest } from './claims.ts';
import type { Keyring } from './openpgp/keyring.ts';
import { verifyMessage } from './openpgp/verify.ts';
import { referenceText, tryParseReference } from './reference.ts';
import { readSignatureBlob } from './signature-blob.ts';
import { SignatureError } from './signature-error.ts';
import { parseSignedPayload, type SignedClaims } from './signature-payload.ts';
import { untrustedClaims } from './simple-signing.ts';
import type { Rejection } from './verdict-types.ts';

/** One simple signature and what it is expected to say. */
export interface SignatureQuestion {
  /** The manifest, or its digest when only that is known. */
  readonly manifest: Uint8Array | { readonly digest: string };
  readonly keys: Keyring;
  /** As stored; bare OpenPGP data need not begin as a stored signature does, armored ones verify too. */
  readonly signature: Uint8Array;
  /** The reference it has to be signed as, to the letter once completed; any when absent. */
  readonly expectedReference?: string;
  /** Milliseconds since 1970 at which keys and signature have to be valid. */
  readonly nowMs: number;
}

export type SignatureAnswer =
  | {
      readonly accepted: true;
      /** Of the primary key, upper-case hex. */
      readonly fingerprint: string;
      readonly digest: string;
      readonly reference: string;
    }
  | {
      readonly accepted: false;
      readonly reason: Rejection;
      readonly message: string;
      /** For messages only: nobody vouches for them. */
      readonly untrustedClaims?: SignedClaims;
    };

/**
 * Verifies one simple signature without a policy, as `skopeo standalone-verify` does: good by one of the keys, for that
 * manifest, under that reference. No identity rule applies and no tag is added.
 */
export function verifySignature(question: SignatureQuestion): SignatureAnswer {
  let data = question.signature;
  try {
    data = openPgpData(question.signature);
    const { content, primaryFingerprint } = verifyMessage(question.keys, data, question.nowMs);
    const { digest, reference } = parseSignedPayload(content);
    const { manifest } = question;
    const found = manifest instanceof Uint8Array ? signedDigest(manifest) : manifest.digest;
    requireDigest(digest, found);
    if (question.expectedReference !== undefined) {
      requireReference(question.expectedReference, reference);
    }
    return { accepted: true, fingerprint: primaryFingerprint, digest, reference };
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    const claims = untrustedClaims(data);
    return {
      accepted: false,
      reason: error.code,
      message: error.message,
      ...(claims === undefined ? {} : { untrustedClaims: claims }),
    };
  }
}

/** Recognition is for stores; here the caller said what it is, but a stored form is understood. */
function openPgpData(signature: Uint8Array): Uint8Array {
  if (signature[0] !== 0) return signature;
  const blob = readSignatureBlob(signature);
  if (blob.format === 'simple-signing') return blob.data;
  throw new SignatureError('blob-format', 'expected a simple signature, found a sigstore one');
}

function requireReference(expected: string, signed: string): void {
  const [wanted, found] = [expected, signed].map((text) => {
    const reference = tryParseReference(text);
    return reference === undefined ? undefined : referenceText(reference);
  });
  if (wanted === undefined || wanted !== found) {
    throw new SignatureError('identity-mismatch', `signed as "${signed}", expected "${expected}"`);
  }
}
