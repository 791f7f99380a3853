import { type KeyFacts, type KeyMaterialFacts, type KeyRole, MIN_RSA_BITS } from './key-types.ts';
import { openPgpKeyFacts } from './openpgp/key-facts.ts';
import { importedKeys } from './openpgp/keyring.ts';
import { loadKeys } from './openpgp/keys.ts';
import { SignatureError } from './signature-error.ts';
import { type Certificate, readAnchors } from './sigstore/certificate.ts';
import { readPublicKey } from './sigstore/keys.ts';
import { fingerprint, type PublicKey } from './sigstore/public-key.ts';

/** What key material is. Never throws for its content. */
export async function readKeyFacts(
  role: KeyRole,
  bytes: Uint8Array,
  nowMs: number,
): Promise<KeyMaterialFacts> {
  if (role === 'openpgp') return await readOpenPgp(bytes, nowMs);
  try {
    if (role === 'sigstore') {
      return { keys: [factsOf(readPublicKey(bytes, 'key'))], undecided: [] };
    }
    return factsOfAnchors(readAnchors(bytes, 'certificates'), nowMs);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    const problem = error.message;
    const isHere = error.code === 'algorithm-unavailable';
    return isHere ? { keys: [], undecided: [''], problem } : { keys: [], undecided: [], problem };
  }
}

async function readOpenPgp(bytes: Uint8Array, nowMs: number): Promise<KeyMaterialFacts> {
  const now = Math.floor(nowMs / 1000);
  const keyring = await loadKeys([bytes]);
  const imported = new Set(importedKeys(keyring, now));
  const keys = openPgpKeyFacts(keyring, now).filter(({ fingerprint }) =>
    imported.has(fingerprint.toLowerCase()),
  );
  const undecided = keyring.undecided.map(({ fingerprints: [primary = ''] }) =>
    primary.toUpperCase(),
  );
  if (keys.length > 0 || undecided.length > 0) return { keys, undecided };
  const problem =
    keyring.keys.length === 0
      ? 'expected OpenPGP public keys, found none'
      : 'expected OpenPGP public keys with a user ID that they signed themselves, found none';
  return { keys, undecided, problem };
}

function factsOf(key: PublicKey): KeyFacts {
  const bits = key.key.asymmetricKeyDetails?.modulusLength;
  const isWeak = key.algorithm === 'rsa' && (bits ?? 0) < MIN_RSA_BITS;
  return {
    fingerprint: fingerprint(key),
    algorithm: key.algorithm === 'rsa' ? `RSA ${bits}` : key.algorithm.toUpperCase(),
    isExpired: false,
    isRevoked: false,
    weaknesses: isWeak ? ['algorithm'] : [],
  };
}

/** A certificate whose key Go does not know is in a pool and vouches for nothing. */
function factsOfAnchors(anchors: readonly Certificate[], nowMs: number): KeyMaterialFacts {
  const keys = anchors.flatMap(({ publicKey, notAfterMs }): readonly KeyFacts[] => {
    if (publicKey === undefined) return [];
    return [{ ...factsOf(publicKey), endsMs: notAfterMs, isExpired: notAfterMs < nowMs }];
  });
  if (keys.length > 0) return { keys, undecided: [] };
  return { keys, undecided: [], problem: 'expected a certificate with a known key, found none' };
}
