import { SignatureError } from '../signature-error.ts';
import { armoredBlocks, isArmored } from './armor.ts';
import { MAX_NESTING, UnpackBudget } from './compression.ts';
import { type KeyPacket, readKeyPacket } from './key-packet.ts';
import { malformed, type Packet, PacketReader, TAG } from './packets.ts';
import { readSignaturePacket, SIGNATURE_TYPE, type SignaturePacket } from './signature-packet.ts';

/** A user ID or attribute with the signatures that follow it; nothing is verified yet. */
export interface UserIdPart {
  readonly body: Uint8Array;
  readonly isAttribute: boolean;
  readonly signatures: SignaturePacket[];
}
export interface SubkeyPart {
  readonly key: KeyPacket;
  readonly signatures: SignaturePacket[];
}
/** A transferable public key (RFC 4880 §11.1) taken apart; nothing is verified yet. */
export interface Certificate {
  readonly primary: KeyPacket;
  /** Signatures before the first user ID. */
  readonly signatures: SignaturePacket[];
  readonly userIds: UserIdPart[];
  readonly subkeys: SubkeyPart[];
}

/** GnuPG passes over shorter ones without a word, where any other damage ends the file. */
const LEAST_SIGNATURE_BYTES = 16;

const MAX_USER_ID_BYTES = 2048;

/**
 * Takes the content of key files apart as GnuPG imports them: every armored block counts and text around them is
 * skipped; from the first thing that is no packet nothing more of that file counts, nor does the key before it. The
 * same key in several places becomes one. Garbage is no error: it holds no keys.
 */
export function readCertificates(files: readonly Uint8Array[]): readonly Certificate[] {
  const found = new Map<string, Certificate>();
  for (const file of files) {
    const blocks = isArmored(file) ? keyBlocks(file) : [file];
    try {
      for (const block of blocks) readBlock(block, found);
    } catch (error) {
      const isDamage = error instanceof SignatureError && error.code !== 'algorithm-unavailable';
      if (!isDamage) throw error;
    }
  }
  return [...found.values()];
}

function* keyBlocks(file: Uint8Array): Generator<Uint8Array> {
  for (const { bytes } of armoredBlocks(file, (label) => KEY_LABELS.includes(label))) yield bytes;
}

const KEY_LABELS: readonly string[] = [
  'PGP PUBLIC KEY BLOCK',
  'PGP PRIVATE KEY BLOCK',
  'PGP SECRET KEY BLOCK',
];

/** The packets of a block, those within compressed data too. */
function* keyPackets(bytes: Uint8Array, budget: UnpackBudget, depth = 0): Generator<Packet> {
  if (depth > MAX_NESTING) throw malformed(`more than ${MAX_NESTING} levels of compression`);
  const packets = new PacketReader(bytes);
  for (let packet = packets.next(); packet !== undefined; packet = packets.next()) {
    if (packet.tag !== TAG.compressed) yield packet;
    else yield* keyPackets(budget.unpack(packet.body).content, budget, depth + 1);
  }
}

function readBlock(bytes: Uint8Array, found: Map<string, Certificate>): void {
  let reading: CertificateReader | undefined;
  for (const { tag, body } of keyPackets(bytes, new UnpackBudget())) {
    if (tag === TAG.publicKey || tag === TAG.secretKey) {
      if (reading !== undefined) merge(found, reading.certificate);
      // Versions that GnuPG no longer reads are passed over with all that belongs to them.
      const key = readKeyPacket(body);
      reading = 'otherVersion' in key ? undefined : new CertificateReader(key);
    } else if (reading !== undefined) {
      reading.add(tag, body);
    } else if (tag === TAG.signature && body.length >= LEAST_SIGNATURE_BYTES) {
      addRevocation(found, readSignaturePacket(body));
    }
  }
  if (reading !== undefined) merge(found, reading.certificate);
}

/** A revocation certificate on its own applies to a key that came before it. */
function addRevocation(found: Map<string, Certificate>, signature: SignaturePacket): void {
  if (signature.type !== SIGNATURE_TYPE.keyRevocation) return;
  for (const certificate of found.values()) {
    if (certificate.primary.keyId === signature.issuerKeyId) certificate.signatures.push(signature);
  }
}

class CertificateReader {
  readonly certificate: Certificate;
  /** Where the signatures that follow belong. */
  #signatures: SignaturePacket[];

  constructor(primary: KeyPacket) {
    this.certificate = { primary, signatures: [], userIds: [], subkeys: [] };
    this.#signatures = this.certificate.signatures;
  }

  add(tag: number, body: Uint8Array): void {
    const { userIds, subkeys } = this.certificate;
    if (tag === TAG.signature) {
      if (body.length >= LEAST_SIGNATURE_BYTES) this.#signatures.push(readSignaturePacket(body));
    } else if (tag === TAG.userId || tag === TAG.userAttribute) {
      this.#signatures = [];
      const isAttribute = tag === TAG.userAttribute;
      // A user ID behind a subkey makes no key valid (RFC 4880 §11.1); GnuPG skips one that is too long.
      const isUsable = subkeys.length === 0 && (isAttribute || body.length <= MAX_USER_ID_BYTES);
      if (isUsable) userIds.push({ body, isAttribute, signatures: this.#signatures });
    } else if (tag === TAG.publicSubkey || tag === TAG.secretSubkey) {
      const key = readKeyPacket(body);
      if ('otherVersion' in key) {
        throw new SignatureError('key-invalid', `a subkey of version ${key.otherVersion}`);
      }
      this.#signatures = [];
      subkeys.push({ key, signatures: this.#signatures });
    }
  }
}

function merge(found: Map<string, Certificate>, certificate: Certificate): void {
  const known = found.get(certificate.primary.fingerprint);
  if (known === undefined) {
    found.set(certificate.primary.fingerprint, certificate);
    return;
  }
  known.signatures.push(...certificate.signatures);
  for (const part of certificate.userIds) {
    const same = known.userIds.find(
      ({ body, isAttribute }) =>
        isAttribute === part.isAttribute && Buffer.compare(body, part.body) === 0,
    );
    if (same === undefined) known.userIds.push(part);
    else same.signatures.push(...part.signatures);
  }
  for (const part of certificate.subkeys) {
    const same = known.subkeys.find(({ key }) => key.fingerprint === part.key.fingerprint);
    if (same === undefined) known.subkeys.push(part);
    else same.signatures.push(...part.signatures);
  }
}
