import { hash } from 'node:crypto';
import type * as Openpgp from 'openpgp';
import { SignatureError } from '../signature-error.ts';
import { hashAlgorithm } from './algorithms.ts';
import { type Certificate, readCertificates, type UserIdPart } from './certificate.ts';
import {
  type CertifiedKey,
  type Keyring,
  newest,
  type Subkey,
  type UndecidedKey,
} from './keyring.ts';
import { PublicKey } from './public-key.ts';
import {
  hasUnknownCritical,
  readSignaturePacket,
  SIGNATURE_TYPE,
  type SignaturePacket,
} from './signature-packet.ts';
import { allSubpackets, firstSubpacket, SUBPACKET } from './subpackets.ts';

/** Keyrings kept; one is a few kilobytes and a node's policy names a handful. */
const MAX_CACHED = 64;
const cache = new Map<string, Promise<Keyring>>();

/**
 * The public keys of key files (armored or binary, several in one, one in several), their self-signatures verified.
 * Garbage is no error but a keyring without keys, as for GnuPG. Keyrings are kept by content, so that the same files cost
 * a hash. openpgp.js is loaded for a self-signature that our own reader does not take.
 */
export function loadKeys(files: readonly Uint8Array[]): Promise<Keyring> {
  const digest = files.map((file) => hash('sha256', file)).join();
  const cached = cache.get(digest);
  if (cached !== undefined) return cached;
  const keyring = readKeyring(files);
  cache.set(digest, keyring);
  const [oldest] = cache.keys();
  if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
  keyring.catch(() => cache.delete(digest));
  return keyring;
}

async function readKeyring(files: readonly Uint8Array[]): Promise<Keyring> {
  const keys: CertifiedKey[] = [];
  const undecided: UndecidedKey[] = [];
  for (const certificate of readCertificates(files)) {
    try {
      keys.push(await certify(certificate));
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { primary, subkeys } = certificate;
      const all = [primary, ...subkeys.map(({ key }) => key)];
      undecided.push({ fingerprints: all.map(({ fingerprint }) => fingerprint), error });
    }
  }
  return { keys, undecided };
}

/** Keeps of a certificate what its primary key vouches for; throws "algorithm-unavailable" when that cannot be told here. */
async function certify(certificate: Certificate): Promise<CertifiedKey> {
  const primary = new PublicKey(certificate.primary);
  const { signatures } = certificate;
  const { directKey, keyRevocation, subkeyBinding, subkeyRevocation } = SIGNATURE_TYPE;
  const whole = { primary };
  const userIds: (readonly SignaturePacket[])[] = [];
  for (const userId of certificate.userIds) {
    userIds.push(await ownSignatures(userId.signatures, isUserIdType, { primary, userId }));
  }
  const subkeys: Subkey[] = [];
  for (const part of certificate.subkeys) {
    const key = new PublicKey(part.key);
    const subject = { primary, subkey: key };
    const binding = newest(await ownSignatures(part.signatures, is(subkeyBinding), subject));
    if (binding === undefined) continue;
    const revocations = await ownSignatures(part.signatures, is(subkeyRevocation), subject);
    subkeys.push({
      key,
      binding,
      isCrossCertified: await isCrossCertified(binding, subject),
      isRevoked: revocations.length > 0,
    });
  }
  return {
    primary,
    direct: await ownSignatures(signatures, is(directKey), whole),
    isRevoked: (await ownSignatures(signatures, is(keyRevocation), whole)).length > 0,
    otherRevocations: signatures.filter(
      ({ type, issuerKeyId }) => type === keyRevocation && issuerKeyId !== primary.packet.keyId,
    ),
    userIds,
    subkeys,
  };
}

/** What a signature in a certificate is about: the primary key, alone or with one of these. */
interface Subject {
  readonly primary: PublicKey;
  readonly userId?: UserIdPart;
  readonly subkey?: PublicKey;
}

/** Of the signatures after a packet those by the primary key that verify. */
async function ownSignatures(
  signatures: readonly SignaturePacket[],
  isWanted: (type: number) => boolean,
  subject: Subject,
): Promise<readonly SignaturePacket[]> {
  const good: SignaturePacket[] = [];
  for (const signature of signatures) {
    const isOwn = signature.issuerKeyId === subject.primary.packet.keyId;
    if (!isOwn || !isWanted(signature.type)) continue;
    if (await isGood(signature, subject.primary, subject)) good.push(signature);
  }
  return good;
}

function is(wanted: number): (type: number) => boolean {
  return (type) => type === wanted;
}

function isUserIdType(type: number): boolean {
  return (
    (type & ~3) === SIGNATURE_TYPE.certification || type === SIGNATURE_TYPE.certificationRevocation
  );
}

/** The newest signature by the subkey that its binding carries, hashed or not, has to be good. */
async function isCrossCertified(
  binding: SignaturePacket,
  subject: Subject & { readonly subkey: PublicKey },
): Promise<boolean> {
  const embedded = [binding.hashed, binding.unhashed]
    .flatMap((area) => allSubpackets(area, SUBPACKET.embeddedSignature))
    .flatMap((body) => {
      try {
        return [readSignaturePacket(body)];
      } catch (error) {
        if (error instanceof SignatureError) return [];
        throw error;
      }
    })
    .filter(({ type }) => type === SIGNATURE_TYPE.primaryKeyBinding);
  const signature = newest(embedded);
  return signature !== undefined && (await isGood(signature, subject.subkey, subject));
}

/**
 * Whether `signer` made a signature about `subject`, and not before it existed itself: our own reader or openpgp.js has to
 * say so. The former is asked first: to load the latter takes longer than to verify a hundred images, and it refuses
 * version 3 packets, Brainpool, secp256k1, RIPEMD-160 and keys with a designated revoker, which GnuPG takes.
 */
async function isGood(
  signature: SignaturePacket,
  signer: PublicKey,
  subject: Subject,
): Promise<boolean> {
  if (signature.created < signer.packet.created || isLocal(signature)) return false;
  if (hasUnknownCritical(signature)) return false;
  let obstacle: SignatureError | undefined;
  try {
    hashAlgorithm(signature.hashAlgorithm);
  } catch (error) {
    if (error instanceof SignatureError && error.code === 'openpgp-invalid') return false;
    throw error;
  }
  try {
    if (signer.verifies(signature, hashInput(subject, signature.version))) return true;
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    obstacle = error;
  }
  if (await isGoodForOpenpgpjs(signature, signer, subject)) return true;
  if (obstacle === undefined || obstacle.code === 'openpgp-invalid') return false;
  throw obstacle;
}

/** RFC 4880 §5.2.4: version 3 signatures hash the text of a user ID alone. */
function hashInput({ primary, userId, subkey }: Subject, version: number): readonly Uint8Array[] {
  if (subkey !== undefined) return [primary.hashInput, subkey.hashInput];
  if (userId === undefined) return [primary.hashInput];
  const { body, isAttribute } = userId;
  const prefix = Buffer.alloc(5);
  prefix[0] = isAttribute ? 0xd1 : 0xb4;
  prefix.writeUInt32BE(body.length, 1);
  return version < 4 ? [primary.hashInput, body] : [primary.hashInput, prefix, body];
}

/** GnuPG does not import what is marked as not for export. */
function isLocal({ hashed, unhashed }: SignaturePacket): boolean {
  const exportable =
    firstSubpacket(hashed, SUBPACKET.exportable) ?? firstSubpacket(unhashed, SUBPACKET.exportable);
  return exportable?.[0] === 0;
}

let openpgp: Promise<typeof Openpgp> | undefined;

async function isGoodForOpenpgpjs(
  signature: SignaturePacket,
  signer: PublicKey,
  { primary, userId, subkey }: Subject,
): Promise<boolean> {
  openpgp ??= import('openpgp');
  const { PublicKeyPacket, SignaturePacket: OpenpgpSignature } = await openpgp;
  const read = async (key: PublicKey): Promise<Openpgp.PublicKeyPacket> => {
    const packet = new PublicKeyPacket();
    await packet.read(key.packet.body);
    return packet;
  };
  try {
    const packet = new OpenpgpSignature();
    packet.read(signature.body);
    // The bytes of a user ID as they stand: openpgp.js would decode and encode the text.
    const userIdPacket = { write: () => userId?.body };
    const about = {
      key: await read(primary),
      ...(userId &&
        (userId.isAttribute ? { userAttribute: userIdPacket } : { userID: userIdPacket })),
      ...(subkey && { bind: await read(subkey) }),
    };
    // Judged at its own time: whether it is expired is asked later, and of our clock.
    const at = packet.created ?? undefined;
    await packet.verify(await read(signer), signature.type, about, at);
    return true;
  } catch {
    return false;
  }
}
