import { createPublicKey, X509Certificate } from 'node:crypto';
import { sha256 } from '../../shared/canonical.ts';
import { readCertificates } from '../../shared/trust/openpgp/certificate.ts';
import { SignatureError } from '../../shared/trust/signature-error.ts';
import { nextPemBlock } from '../../shared/trust/sigstore/pem.ts';

/** More keys than a bundle of certificate authorities holds. */
const MAX_KEYS = 1000;

/**
 * The keys in a file of key material: fingerprints of OpenPGP primary keys (upper-case hex), `sha256:…` of the
 * SubjectPublicKeyInfo of public keys and certificates in PEM, or of a block that is neither. Sorted; empty for
 * what holds no key.
 */
export function keyFingerprints(bytes: Uint8Array): readonly string[] {
  const found = new Set(openPgpKeys(bytes));
  const text = Buffer.from(bytes).toString('latin1');
  for (let block = nextPemBlock(text); block !== undefined; block = nextPemBlock(text, block.end)) {
    if (found.size >= MAX_KEYS) break;
    if (!block.label.startsWith('PGP ')) found.add(sha256(publicKeyIn(block.label, block.bytes)));
  }
  return [...found].sort();
}

function openPgpKeys(bytes: Uint8Array): readonly string[] {
  try {
    return readCertificates([bytes]).map(({ primary }) => primary.fingerprint.toUpperCase());
  } catch (error) {
    // A key of an algorithm that is not known here has no fingerprint here.
    if (error instanceof SignatureError) return [];
    throw error;
  }
}

/** What cannot be taken for a key stands for itself: that it changed is still to be told. */
function publicKeyIn(label: string, bytes: Uint8Array): Uint8Array {
  const der = Buffer.from(bytes);
  try {
    const key =
      label === 'CERTIFICATE'
        ? new X509Certificate(der).publicKey
        : createPublicKey({
            key: der,
            format: 'der',
            type: label.startsWith('RSA ') ? 'pkcs1' : 'spki',
          });
    return key.export({ format: 'der', type: 'spki' });
  } catch {
    return bytes;
  }
}
