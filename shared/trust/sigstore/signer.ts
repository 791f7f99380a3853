import { decodeBase64 } from '../base64.ts';
import { SignatureError } from '../signature-error.ts';
import type { SigstoreBlob } from './blob.ts';
import { verifyFulcioCertificate } from './fulcio.ts';
import { verifiesPayload } from './keys.ts';
import { verifyPkiCertificate } from './pki.ts';
import type { PublicKey } from './public-key.ts';
import { isEntryFor, type LogEntry, onlyPemBlock, verifyLogEntry } from './rekor.ts';
import type { LogKeys, TrustRoot } from './trust-root.ts';

const SIGNATURE = 'dev.cosignproject.cosign/signature';
const BUNDLE = 'dev.sigstore.cosign/bundle';
const CERTIFICATE = 'dev.sigstore.cosign/certificate';
const CHAIN = 'dev.sigstore.cosign/chain';

/**
 * The trusted key that made the signature over the blob's payload; what the payload says is not looked at. `nowMs` is
 * when certificates of an own authority must be valid; those of Fulcio must have been when the log took them in. Throws
 * `SignatureError` for every refusal.
 */
export function verifySigner(blob: SigstoreBlob, root: TrustRoot, nowMs: number): PublicKey {
  const signature = annotation(blob, SIGNATURE);
  const bytes = decodeBase64(signature);
  const candidates = candidateKeys(blob, root, bytes, nowMs);
  if (bytes === undefined) {
    throw new SignatureError('signature-invalid', `annotation ${SIGNATURE}: expected base64`);
  }
  let unavailable: SignatureError | undefined;
  for (const key of candidates) {
    try {
      if (verifiesPayload(key, blob.payload, bytes)) return key;
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      unavailable = error; // another key may still be the one
    }
  }
  if (unavailable !== undefined) throw unavailable;
  const who = root.kind === 'keys' ? 'a configured key' : 'the key of its certificate';
  throw new SignatureError('signature-invalid', `the signature was not made by ${who}`);
}

/** Keys that may have signed, once log and certificates vouch for them; `signature` is undefined when undecodable. */
function candidateKeys(
  blob: SigstoreBlob,
  root: TrustRoot,
  signature: Uint8Array | undefined,
  nowMs: number,
): readonly PublicKey[] {
  switch (root.kind) {
    case 'keys':
      return root.log === undefined
        ? root.keys
        : [loggedKey(logEntry(blob, root.log), root.keys, blob, signature)];
    case 'fulcio': {
      const bundle = annotation(blob, BUNDLE);
      const certificate = annotation(blob, CERTIFICATE);
      const entry = verifyLogEntry(bundle, root.log);
      const der = onlyPemBlock(certificate, 'the certificate');
      requireEntryFor(entry, der, blob, signature);
      const supplied = { certificate, ...chainOf(blob) };
      return [verifyFulcioCertificate(root.fulcio, root.anchors, supplied, entry.integratedAtMs)];
    }
    case 'pki': {
      const supplied = { certificate: annotation(blob, CERTIFICATE), ...chainOf(blob) };
      return [verifyPkiCertificate(root.pki, root.anchors, supplied, nowMs)];
    }
  }
}

function logEntry(blob: SigstoreBlob, keys: LogKeys): LogEntry {
  return verifyLogEntry(annotation(blob, BUNDLE), keys);
}

/** The entry names one key: if it is a configured one, that one signed or none did. */
function loggedKey(
  entry: LogEntry,
  keys: readonly PublicKey[],
  blob: SigstoreBlob,
  signature: Uint8Array | undefined,
): PublicKey {
  const key = keys.find(({ spki }) => Buffer.from(spki).equals(entry.keyOrCertificate));
  if (key === undefined) {
    throw new SignatureError('rekor-set', 'the log entry is for another key');
  }
  requireEntryFor(entry, key.spki, blob, signature);
  return key;
}

function requireEntryFor(
  entry: LogEntry,
  keyOrCertificate: Uint8Array,
  { payload }: SigstoreBlob,
  signature: Uint8Array | undefined,
): void {
  if (signature === undefined || !isEntryFor(entry, { keyOrCertificate, signature, payload })) {
    throw new SignatureError('rekor-set', 'the log entry is for another signature');
  }
}

function annotation({ annotations }: SigstoreBlob, name: string): string {
  const value = annotations.get(name);
  if (value !== undefined) return value;
  throw new SignatureError('annotation-missing', `expected the annotation ${name}`);
}

function chainOf({ annotations }: SigstoreBlob): { readonly chain?: string } {
  const chain = annotations.get(CHAIN);
  return chain === undefined ? {} : { chain };
}
