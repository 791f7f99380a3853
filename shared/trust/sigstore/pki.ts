import type { PkiTrust } from '../policy-types.ts';
import { SignatureError } from '../signature-error.ts';
import type { Certificate } from './certificate.ts';
import { refusePath } from './certificate-path.ts';
import {
  keyOf,
  readIntermediates,
  readLeaf,
  requireEmail,
  type SuppliedCertificates,
} from './fulcio.ts';
import { matchesHostname } from './host-name.ts';
import type { PublicKey } from './public-key.ts';

/** What an own certificate authority trusts: its roots, and intermediates that need not come with a signature. */
export interface PkiAnchors {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
}

/**
 * The key of a certificate that the configured authority issued to the wanted subject, judged at `atMs`, which is now:
 * there is no log to say when it signed. Throws `SignatureError` "certificate-invalid" or "certificate-subject".
 */
export function verifyPkiCertificate(
  { subjectEmail, subjectHostname }: PkiTrust,
  { roots, intermediates }: PkiAnchors,
  supplied: SuppliedCertificates,
  atMs: number,
): PublicKey {
  const all = [...intermediates, ...readIntermediates(supplied.chain)];
  const leaf = readLeaf(supplied.certificate);
  const refusal = refusePath(leaf, { anchors: roots, intermediates: all, atMs });
  if (refusal !== undefined)
    throw new SignatureError('certificate-invalid', `certificate: ${refusal}`);
  if (subjectEmail !== undefined) requireEmail(leaf, subjectEmail);
  if (
    subjectHostname !== undefined &&
    !matchesHostname(leaf.extensions.subjectNames, subjectHostname)
  ) {
    const message = `certificate: expected the host name ${subjectHostname}, found none that matches`;
    throw new SignatureError('certificate-subject', message);
  }
  return keyOf(leaf);
}
