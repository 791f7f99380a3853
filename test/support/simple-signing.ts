import { createMessage, generateKey, type PrivateKey, sign } from 'openpgp';
import { sha256 } from '../../shared/canonical.ts';

/** An OpenPGP key of a test, made anew in every run. */
export interface OpenPgpKey {
  readonly privateKey: PrivateKey;
  /** Armored public key. */
  readonly armored: string;
  /** Upper-case hex. */
  readonly fingerprint: string;
}

export async function openPgpKey(name: string): Promise<OpenPgpKey> {
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name }],
    date: new Date(Date.now() - 60_000),
    format: 'object',
  });
  return {
    privateKey,
    armored: publicKey.armor(),
    fingerprint: publicKey.getFingerprint().toUpperCase(),
  };
}

/** The document of a simple signature (containers-signature(5)). */
export function simplePayload(manifest: Uint8Array, reference: string): Buffer {
  return Buffer.from(
    JSON.stringify({
      critical: {
        type: 'atomic container signature',
        image: { 'docker-manifest-digest': sha256(manifest) },
        identity: { 'docker-reference': reference },
      },
      optional: {},
    }),
  );
}

/** A signed message in binary form, as it lies in a lookaside. */
export async function simpleSign(key: OpenPgpKey, payload: Uint8Array): Promise<Buffer> {
  const message = await createMessage({ binary: payload });
  const signed = await sign({ message, signingKeys: key.privateKey, format: 'binary' });
  if (!(signed instanceof Uint8Array)) throw new Error('expected a binary message');
  return Buffer.from(signed);
}
