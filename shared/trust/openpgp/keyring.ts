import type { SignatureError } from '../signature-error.ts';
import { CAN_SIGN, isSigningAlgorithm } from './algorithms.ts';
import type { PublicKey } from './public-key.ts';
import { hex, SIGNATURE_TYPE, type SignaturePacket } from './signature-packet.ts';
import { allSubpackets, firstSubpacket, SUBPACKET } from './subpackets.ts';

/** A subkey with what its primary key said of it. */
export interface Subkey {
  readonly key: PublicKey;
  /** The newest binding signature that verifies. */
  readonly binding: SignaturePacket;
  /** The subkey itself said that it belongs to the primary key: without that it signs nothing (RFC 4880 §5.2.1). */
  readonly isCrossCertified: boolean;
  readonly isRevoked: boolean;
}

/** A key whose self-signatures are verified; what holds at a time follows from it and the clock. */
export interface CertifiedKey {
  readonly primary: PublicKey;
  /** Direct-key self-signatures that verify. */
  readonly direct: readonly SignaturePacket[];
  /** By the key itself. */
  readonly isRevoked: boolean;
  /** Revocations by other keys: they count when such a key is a designated revoker and is at hand. */
  readonly otherRevocations: readonly SignaturePacket[];
  /** Of every user ID its self-signatures that verify: certifications and revocations of them. */
  readonly userIds: readonly (readonly SignaturePacket[])[];
  readonly subkeys: readonly Subkey[];
}

/** The public keys of one requirement, as a temporary GnuPG keyring would hold them. */
export interface Keyring {
  readonly keys: readonly CertifiedKey[];
  /** Keys whose self-signatures OpenSSL on this machine cannot verify: nothing by them can be judged. */
  readonly undecided: readonly UndecidedKey[];
}

export interface UndecidedKey {
  /** Fingerprints of the primary key and its subkeys: lower-case hex. */
  readonly fingerprints: readonly string[];
  readonly error: SignatureError;
}

/** A key that a signature names, and whether a signature by it can be good. */
export interface Signer {
  readonly key: PublicKey;
  /** Lower-case hex. */
  readonly primaryFingerprint: string;
  /** Why no signature by this key is good now; undefined when nothing stands against it. */
  readonly obstacle: string | undefined;
}

/** Keys that count as imported at a time (seconds since 1970): primary fingerprints, lower-case hex. */
export function importedKeys(keyring: Keyring, now: number): readonly string[] {
  return keyring.keys
    .filter((key) => isImported(key, now))
    .map((key) => key.primary.packet.fingerprint);
}

/** A key needs a user ID that it signed itself; one from the future has none yet. */
function isImported(key: CertifiedKey, now: number): boolean {
  return (
    key.primary.packet.created <= now && key.userIds.some((signatures) => signatures.length > 0)
  );
}

/**
 * The key a signature names, by fingerprint first, then by key ID; undefined when the keyring has none. Throws
 * `SignatureError` "algorithm-unavailable" for an undecided one.
 */
export function findSigner(
  keyring: Keyring,
  { issuerFingerprint, issuerKeyId }: SignaturePacket,
  now: number,
): Signer | undefined {
  const signer =
    (issuerFingerprint && find(keyring, 'fingerprint', issuerFingerprint, now)) ||
    (issuerKeyId && find(keyring, 'keyId', issuerKeyId, now)) ||
    undefined;
  if (signer !== undefined) return signer;
  const name = issuerFingerprint ?? issuerKeyId;
  const undecided = keyring.undecided.find(({ fingerprints }) =>
    fingerprints.some((fingerprint) => name !== undefined && fingerprint.endsWith(name)),
  );
  if (undecided !== undefined) throw undecided.error;
  return undefined;
}

function find(
  keyring: Keyring,
  by: 'fingerprint' | 'keyId',
  name: string,
  now: number,
): Signer | undefined {
  for (const certified of keyring.keys) {
    const { primary } = certified;
    const isPrimary = primary.packet[by] === name;
    const subkey = isPrimary
      ? undefined
      : certified.subkeys.find(({ key }) => key.packet[by] === name);
    if ((!isPrimary && subkey === undefined) || !isImported(certified, now)) continue;
    const obstacle =
      primaryObstacle(keyring, certified, now) ??
      (subkey === undefined
        ? usageObstacle(primary, primaryFlags(certified, now))
        : subkeyObstacle(subkey, now));
    const key = subkey?.key ?? primary;
    return { key, primaryFingerprint: primary.packet.fingerprint, obstacle };
  }
  return undefined;
}

/** What stands against the whole key. Expiry and revocation are judged now, whenever the signature was made. */
function primaryObstacle(keyring: Keyring, key: CertifiedKey, now: number): string | undefined {
  if (key.isRevoked) return 'the key is revoked';
  if (isRevokedByOther(keyring, key)) return 'the key is revoked by its designated revoker';
  const expires = primaryExpiry(key, now);
  return expires !== 0 && expires < now ? `the key expired at ${instant(expires)}` : undefined;
}

function subkeyObstacle(subkey: Subkey, now: number): string | undefined {
  const { key, binding } = subkey;
  if (subkey.isRevoked) return 'the subkey is revoked';
  if (isExpired(binding, now)) return 'the signature that binds the subkey is expired';
  if (key.packet.created > now) return 'the subkey was made in the future';
  const expires = keyExpiry(binding, key.packet.created);
  if (expires !== 0 && expires < now) return `the subkey expired at ${instant(expires)}`;
  if (!subkey.isCrossCertified) return 'the subkey is not cross-certified';
  return usageObstacle(key, keyFlags(binding));
}

function usageObstacle(key: PublicKey, flags: number | undefined): string | undefined {
  const canSign =
    isSigningAlgorithm(key.packet.algorithm) && (flags === undefined || (flags & CAN_SIGN) !== 0);
  return canSign ? undefined : 'the key is not meant for signing';
}

/** Usage flags: of the newest direct-key signature that has some, else of the newest user ID that has. */
function primaryFlags(key: CertifiedKey, now: number): number | undefined {
  const direct = newestDirect(key, now);
  const flags = direct === undefined ? undefined : keyFlags(direct);
  return flags ?? newestOfUserIds(key, now, keyFlags);
}

/** End of the primary key's life in seconds since 1970; 0: none. */
export function primaryExpiry(key: CertifiedKey, now: number): number {
  const { created } = key.primary.packet;
  const direct = newestDirect(key, now);
  const expiry = direct === undefined ? 0 : keyExpiry(direct, created);
  if (expiry !== 0) return expiry;
  return newestOfUserIds(key, now, (signature) => keyExpiry(signature, created) || undefined) ?? 0;
}

function newestDirect(key: CertifiedKey, now: number): SignaturePacket | undefined {
  return newest(key.direct.filter((signature) => !isExpired(signature, now)));
}

/** What the newest user ID says that says anything; of a user ID its newest signature counts alone. */
function newestOfUserIds<T>(
  key: CertifiedKey,
  now: number,
  read: (signature: SignaturePacket) => T | undefined,
): T | undefined {
  const telling = key.userIds
    .map((signatures) => newest(signatures))
    .filter(
      (signature) =>
        signature !== undefined &&
        signature.type !== SIGNATURE_TYPE.certificationRevocation &&
        !isExpired(signature, now) &&
        read(signature) !== undefined,
    );
  // Of several of one time the first one counts, as in GnuPG.
  let found: SignaturePacket | undefined;
  for (const signature of telling) {
    if (found === undefined || (signature?.created ?? 0) > found.created) found = signature;
  }
  return found === undefined ? undefined : read(found);
}

/** The newest of several; of several of one time the last. */
export function newest(signatures: readonly SignaturePacket[]): SignaturePacket | undefined {
  let found: SignaturePacket | undefined;
  for (const signature of signatures) {
    if (found === undefined || signature.created >= found.created) found = signature;
  }
  return found;
}

function isExpired(signature: SignaturePacket, now: number): boolean {
  return signature.expires !== 0 && signature.expires <= now;
}

/** Undefined when it has no flags: then the algorithm alone decides. */
export function keyFlags(signature: SignaturePacket): number | undefined {
  const flags = firstSubpacket(signature.hashed, SUBPACKET.keyFlags);
  return flags === undefined ? undefined : (flags[0] ?? 0);
}

function keyExpiry(signature: SignaturePacket, created: number): number {
  const lifetime = firstSubpacket(signature.hashed, SUBPACKET.keyExpires);
  if (lifetime === undefined) return 0;
  const seconds = Buffer.from(lifetime).readUInt32BE(0);
  return seconds === 0 ? 0 : created + seconds;
}

/** By itself, or by a revoker that it designated. */
export function isRevoked(keyring: Keyring, key: CertifiedKey): boolean {
  return key.isRevoked || isRevokedByOther(keyring, key);
}

/** RFC 4880 §5.2.3.15. A revoker counts even when it is itself revoked or expired. */
function isRevokedByOther(keyring: Keyring, key: CertifiedKey): boolean {
  if (key.otherRevocations.length === 0) return false;
  const revokers = key.direct
    .flatMap(({ hashed }) => allSubpackets(hashed, SUBPACKET.revocationKey))
    .filter((body) => body.length === 22 && ((body[0] ?? 0) & 0x80) !== 0)
    .map((body) => hex(body.subarray(2)));
  return key.otherRevocations.some((revocation) => {
    const fingerprint = revokers.find((revoker) => revoker.endsWith(revocation.issuerKeyId ?? ' '));
    const revoker = keyring.keys.find(({ primary }) => primary.packet.fingerprint === fingerprint);
    if (revoker === undefined || revocation.created < revoker.primary.packet.created) return false;
    return revoker.primary.verifies(revocation, [key.primary.hashInput]);
  });
}

function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
