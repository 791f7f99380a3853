import { messageOf } from '../../errors.ts';
import { SignatureError } from '../signature-error.ts';
import { DerError, DerReader, TAG } from './der.ts';
import { nextPemBlock } from './pem.ts';
import {
  type PublicKey,
  readRsaPublicKey,
  readSubjectPublicKeyInfo,
  verifies,
} from './public-key.ts';

/**
 * The public key of a PEM file, as sigstore's libraries load it: the first block counts, with the label
 * `PUBLIC KEY` or `RSA PUBLIC KEY`. Throws `SignatureError` "key-invalid"; `what` names the file in its message.
 */
export function readPublicKey(pem: Uint8Array, what: string): PublicKey {
  const block = nextPemBlock(Buffer.from(pem).toString('latin1'));
  if (block === undefined) throw invalid(what, 'expected a PEM block, found none');
  try {
    const key = readBlock(block.label, block.bytes);
    if (key === undefined) throw invalid(what, 'expected an ECDSA, RSA or Ed25519 key');
    return key;
  } catch (error) {
    throw error instanceof DerError ? invalid(what, messageOf(error)) : error;
  }
}

function readBlock(label: string, bytes: Uint8Array): PublicKey | undefined {
  if (label === 'RSA PUBLIC KEY') return readRsaPublicKey(bytes);
  if (label !== 'PUBLIC KEY') {
    throw new DerError(
      `expected a block PUBLIC KEY or RSA PUBLIC KEY, found ${label.slice(0, 40)}`,
    );
  }
  const reader = new DerReader(bytes);
  const spki = reader.element(TAG.sequence).raw;
  reader.end('the key');
  return readSubjectPublicKeyInfo(spki);
}

/** Hash of every signature over a payload or a log entry, whatever the key: containers/image asks for no other. */
const HASH = 'sha256';

/**
 * Was `signature` made over `payload` with this key? RSA means PKCS #1 v1.5. An ECDSA signature that is not DER is
 * taken as r and s of equal length, as sigstore's verifier does.
 */
export function verifiesPayload(
  key: PublicKey,
  payload: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (key.algorithm === 'ed25519')
    return verifies(key, { algorithm: 'ed25519' }, payload, signature);
  const scheme = { algorithm: key.algorithm, hash: HASH } as const;
  if (key.algorithm === 'rsa' || looksLikeDer(signature)) {
    return verifies(key, scheme, payload, signature);
  }
  const der = derOfRaw(signature);
  return der !== undefined && verifies(key, scheme, payload, der);
}

/** Was `signature`, DER alone, made over `data` with this ECDSA key? */
export function verifiesEntry(key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  return verifies(key, { algorithm: 'ecdsa', hash: HASH }, data, signature);
}

/** Does it begin with a sequence of two integers? What follows is for the verifier to refuse. */
function looksLikeDer(signature: Uint8Array): boolean {
  try {
    const values = new DerReader(signature).inside(TAG.sequence);
    values.integer();
    values.integer();
    return true;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** Twice the bytes of a number on P-521. */
const MAX_RAW_BYTES = 132;

function derOfRaw(signature: Uint8Array): Uint8Array | undefined {
  const half = signature.length / 2;
  if (signature.length === 0 || signature.length > MAX_RAW_BYTES || !Number.isInteger(half)) {
    return undefined;
  }
  const values = Buffer.concat([
    derInteger(signature.subarray(0, half)),
    derInteger(signature.subarray(half)),
  ]);
  const length = values.length < 0x80 ? [values.length] : [0x81, values.length];
  return Buffer.concat([Buffer.from([TAG.sequence, ...length]), values]);
}

function derInteger(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const digits = from === -1 ? bytes.subarray(0, 0) : bytes.subarray(from);
  const lead = (digits[0] ?? 0x80) >= 0x80 ? [0] : [];
  return Buffer.from([TAG.integer, lead.length + digits.length, ...lead, ...digits]);
}

function invalid(what: string, message: string): SignatureError {
  return new SignatureError('key-invalid', `${what}: ${message}`);
}
