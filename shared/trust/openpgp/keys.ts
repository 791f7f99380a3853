import { createHash } from 'node:crypto';
import type * as Openpgp from 'openpgp';
import { SignatureError } from '../signature-error.ts';
import { hashAlgorithm } from './algorithms.ts';
import { type Certificate, readCertificates, type UserIdPart } from './certificate.ts';
import { type CertifiedKey, type Keyring, newest, type Subkey } from './keyring.ts';
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
 * a hash. openpgp.js is loaded at the first call that finds a key.
 */
export function loadKeys(files: readonly Uint8Array[]): Promise<Keyring> {
  const id = createHash('sha256');
  for (const file of files) id.update(`${file.length}:`).update(file);
  const digest = id.digest('hex');
  const cached = cache.get(digest);
  if (cached !== undefined) return cached;
  const keyring = readKeyring(files);
  cache.set(digest, keyring);
  const [oldest] = cache.keys();
  if (cache.size > MAX_CACHED && oldest !== undefined) cache.delete(oldest);
  // What failed is asked again next time: OpenSSL may be configured otherwise by then.
  keyring.catch(() => cache.delete(digest));
  return keyring;
}

async function readKeyring(files: readonly Uint8Array[]): Promise<Keyring> {
  const certificates = readCertificates(files);
  const keys: CertifiedKey[] = [];
  for (const certificate of certificates) keys.push(await certify(certificate));
  return { keys };
}

/** Keeps of a certificate what its primary key vouches for. */
async function certify(certificate: Certificate): Promise<CertifiedKey> {
  const primary = new PublicKey(certificate.primary);
  const isOwn = ({ issuerKeyId }: SignaturePacket): boolean => issuerKeyId === primary.packet.keyId;
  const verified = async (
    signatures: readonly SignaturePacket[],
    types: (type: number) => boolean,
    about: Uint8Array | ((signature: SignaturePacket) => readonly Uint8Array[]),
  ): Promise<readonly SignaturePacket[]> => {
    const good: SignaturePacket[] = [];
    for (const signature of signatures) {
      if (!isOwn(signature) || !types(signature.type)) continue;
      const rest = typeof about === 'function' ? about(signature) : [about];
      if (await isGood(signature, primary, primary, rest)) good.push(signature);
    }
    return good;
  };

  const nothing = new Uint8Array();
  const isType = (wanted: number) => (type: number) => type === wanted;
  const revocations = isType(SIGNATURE_TYPE.keyRevocation);
  const userIds: (readonly SignaturePacket[])[] = [];
  for (const userId of certificate.userIds) {
    userIds.push(
      await verified(userId.signatures, isUserIdType, (signature) =>
        userIdInput(userId, signature),
      ),
    );
  }
  const subkeys: Subkey[] = [];
  for (const part of certificate.subkeys) {
    const key = new PublicKey(part.key);
    const bindings = await verified(
      part.signatures,
      isType(SIGNATURE_TYPE.subkeyBinding),
      key.hashInput,
    );
    const binding = newest(bindings);
    if (binding === undefined) continue;
    const revoked = await verified(
      part.signatures,
      isType(SIGNATURE_TYPE.subkeyRevocation),
      key.hashInput,
    );
    subkeys.push({
      key,
      binding,
      isCrossCertified: await isCrossCertified(binding, primary, key),
      isRevoked: revoked.length > 0,
    });
  }
  return {
    primary,
    direct: await verified(certificate.signatures, isType(SIGNATURE_TYPE.directKey), nothing),
    isRevoked: (await verified(certificate.signatures, revocations, nothing)).length > 0,
    otherRevocations: certificate.signatures.filter(
      (signature) => revocations(signature.type) && !isOwn(signature),
    ),
    userIds,
    subkeys,
  };
}

function isUserIdType(type: number): boolean {
  return (
    (type & ~3) === SIGNATURE_TYPE.certification || type === SIGNATURE_TYPE.certificationRevocation
  );
}

/** RFC 4880 §5.2.4: version 3 signatures hash the text alone. */
function userIdInput(
  { body, isAttribute }: UserIdPart,
  { version }: SignaturePacket,
): readonly Uint8Array[] {
  if (version < 4) return [body];
  const prefix = Buffer.alloc(5);
  prefix[0] = isAttribute ? 0xd1 : 0xb4;
  prefix.writeUInt32BE(body.length, 1);
  return [prefix, body];
}

/** The newest signature by the subkey that its binding carries, hashed or not, has to be good. */
async function isCrossCertified(
  binding: SignaturePacket,
  primary: PublicKey,
  subkey: PublicKey,
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
  return signature !== undefined && isGood(signature, subkey, primary, [subkey.hashInput]);
}

/**
 * Whether `signer` made a signature about `primary` and `rest`, and not before it existed itself. openpgp.js is asked
 * first. Where it refuses, our own reader decides as GnuPG does: version 3 packets, DSA, small RSA, Brainpool,
 * secp256k1, keys with a designated revoker are all refused there.
 */
async function isGood(
  signature: SignaturePacket,
  signer: PublicKey,
  primary: PublicKey,
  rest: readonly Uint8Array[],
): Promise<boolean> {
  if (signature.created < signer.packet.created || isLocal(signature)) return false;
  if (hasUnknownCritical(signature)) return false;
  try {
    hashAlgorithm(signature.hashAlgorithm);
    if (await isGoodForOpenpgpjs(signature, signer, [primary.hashInput, ...rest])) return true;
    return signer.verifies(signature, [primary.hashInput, ...rest]);
  } catch (error) {
    if (error instanceof SignatureError && error.code === 'openpgp-invalid') return false;
    throw error;
  }
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
  data: readonly Uint8Array[],
): Promise<boolean> {
  openpgp ??= import('openpgp');
  const { config, PublicKeyPacket, SignaturePacket: OpenpgpSignature } = await openpgp;
  try {
    const key = new PublicKeyPacket();
    await key.read(signer.packet.body);
    const packet = new OpenpgpSignature();
    packet.read(signature.body, config);
    // Given as it is hashed already: the reader of user IDs in openpgp.js would decode and encode the text.
    packet.toSign = () => Buffer.concat(data);
    await packet.verify(key, packet.signatureType ?? 0, {}, null, false, config);
    return true;
  } catch {
    return false;
  }
}
