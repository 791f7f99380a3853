import { type KeyFacts, type KeyWeakness, MIN_RSA_BITS } from '../key-types.ts';
import { CAN_SIGN, DSA, ECDSA, EDDSA, ELGAMAL, RSA, RSA_SIGN_ONLY } from './algorithms.ts';
import type { KeyPacket } from './key-packet.ts';
import { type CertifiedKey, isRevoked, type Keyring, keyFlags, primaryExpiry } from './keyring.ts';
import { SIGNATURE_TYPE } from './signature-packet.ts';

/** Hashes a self-signature should not rest on alone: SHA-1 and RIPEMD-160, by their numbers in RFC 4880 §9.4. */
const WEAK_HASHES: ReadonlySet<number> = new Set([2, 3]);
const NAMES: ReadonlyMap<number, string> = new Map([
  [ELGAMAL, 'Elgamal'],
  [DSA, 'DSA'],
  [ECDSA, 'ECDSA'],
  [EDDSA, 'EdDSA'],
]);

/** Every key of a keyring, imported or not, at a time in seconds since 1970. */
export function openPgpKeyFacts(keyring: Keyring, now: number): readonly KeyFacts[] {
  return keyring.keys.map((key): KeyFacts => {
    const ends = primaryExpiry(key, now);
    const { packet } = key.primary;
    return {
      fingerprint: packet.fingerprint.toUpperCase(),
      algorithm: nameOf(packet),
      ...(ends === 0 ? {} : { endsMs: ends * 1000 }),
      isExpired: ends !== 0 && ends < now,
      isRevoked: isRevoked(keyring, key),
      weaknesses: weaknessesOf(key),
    };
  });
}

function weaknessesOf(key: CertifiedKey): readonly KeyWeakness[] {
  const signing = key.subkeys
    .filter(({ binding }) => ((keyFlags(binding) ?? 0) & CAN_SIGN) !== 0)
    .map((subkey) => subkey.key.packet);
  const isWeak = [key.primary.packet, ...signing].some(isWeakKey);
  const own = [...key.direct, ...key.userIds.flat()].filter(
    ({ type }) => type !== SIGNATURE_TYPE.certificationRevocation,
  );
  const isByWeakHash =
    own.length > 0 && own.every(({ hashAlgorithm }) => WEAK_HASHES.has(hashAlgorithm));
  return [...(isWeak ? (['algorithm'] as const) : []), ...(isByWeakHash ? SELF_SIGNATURE : [])];
}

const SELF_SIGNATURE = ['self-signature'] as const;

function isWeakKey(packet: KeyPacket): boolean {
  if (packet.algorithm === DSA || packet.algorithm === ELGAMAL) return true;
  return isRsa(packet) && bitsOf(packet) < MIN_RSA_BITS;
}

function isRsa({ algorithm }: KeyPacket): boolean {
  return algorithm === RSA || algorithm === RSA_SIGN_ONLY;
}

function nameOf(packet: KeyPacket): string {
  if (isRsa(packet)) return `RSA ${bitsOf(packet)}`;
  return NAMES.get(packet.algorithm) ?? `algorithm ${packet.algorithm}`;
}

/** Length of the modulus; its first byte is never 0. */
function bitsOf({ values: [modulus = new Uint8Array()] }: KeyPacket): number {
  return modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
}
