import { SignatureError } from '../signature-error.ts';
import { findSigner, type Keyring } from './keyring.ts';
import { readSignedMessage } from './message.ts';
import { SIGNATURE_TYPE } from './signature-packet.ts';

declare const verified: unique symbol;

/** Content whose signature is good, and by whom. Only `verifyMessage` makes one. */
export interface VerifiedMessage {
  readonly [verified]: true;
  readonly content: Uint8Array;
  /** Of the key or subkey that signed: upper-case hex. */
  readonly fingerprint: string;
  /** Of the primary key it belongs to; the same unless a subkey signed. */
  readonly primaryFingerprint: string;
}

/**
 * Verifies a signed message as GnuPG does with `keyring` for its only keys: exactly one signature, good, not expired, by
 * a key that is neither expired nor revoked now and may sign. Throws `SignatureError` "openpgp-invalid",
 * "openpgp-signature-count" or "algorithm-unavailable".
 */
export function verifyMessage(keyring: Keyring, bytes: Uint8Array, nowMs: number): VerifiedMessage {
  const { signature, signed, untrustedContent } = readSignedMessage(bytes);
  const now = Math.floor(nowMs / 1000);
  if (signature.type !== SIGNATURE_TYPE.binary && signature.type !== SIGNATURE_TYPE.text) {
    throw refused(`a signature of type ${signature.type}, not of a document`);
  }
  const signer = findSigner(keyring, signature, now);
  if (signer === undefined) {
    const name = signature.issuerFingerprint ?? signature.issuerKeyId ?? 'unknown';
    throw refused(`signed by the key ${name.toUpperCase()}, which is not among the accepted ones`);
  }
  const { key, obstacle } = signer;
  const primaryFingerprint = signer.primaryFingerprint.toUpperCase();
  const fingerprint = key.packet.fingerprint.toUpperCase();
  if (obstacle !== undefined) throw refused(`signed by the key ${fingerprint}, but ${obstacle}`);
  if (signature.created < key.packet.created) {
    throw refused(`the signature is older than the key ${fingerprint} that made it`);
  }
  if (signature.expires !== 0 && signature.expires <= now) {
    throw refused(`the signature expired at ${new Date(signature.expires * 1000).toISOString()}`);
  }
  if (!key.verifies(signature, [signed])) {
    throw refused(`the content is not what the key ${fingerprint} signed`);
  }
  const message = { content: untrustedContent, fingerprint, primaryFingerprint };
  return message as VerifiedMessage; // the mark exists for the compiler alone
}

function refused(message: string): SignatureError {
  return new SignatureError('openpgp-invalid', `OpenPGP signature: ${message}`);
}
