import { DSA, ECDSA, EDDSA, RSA, RSA_SIGN_ONLY } from './algorithms.ts';
import { FieldReader, malformed } from './packets.ts';
import {
  firstSubpacket,
  NO_SUBPACKETS,
  readSubpackets,
  SUBPACKET,
  type SubpacketArea,
} from './subpackets.ts';

/** Signature types (RFC 4880 §5.2.1). */
export const SIGNATURE_TYPE = {
  binary: 0x00,
  text: 0x01,
  certification: 0x10,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
  certificationRevocation: 0x30,
} as const;

/** A signature packet of version 2, 3 or 4: what it says, verified or not. */
export interface SignaturePacket {
  readonly version: number;
  readonly type: number;
  readonly keyAlgorithm: number;
  readonly hashAlgorithm: number;
  /** Seconds since 1970; 0 when it does not say. */
  readonly created: number;
  /** Seconds since 1970; 0: never. */
  readonly expires: number;
  /** Lower-case hex; undefined when it does not say. */
  readonly issuerKeyId: string | undefined;
  readonly issuerFingerprint: string | undefined;
  readonly hashed: SubpacketArea;
  readonly unhashed: SubpacketArea;
  /** What is hashed after the signed data (RFC 4880 §5.2.4). */
  readonly trailer: Uint8Array;
  /** The integers the signature consists of, without leading zeros. */
  readonly values: readonly Uint8Array[];
  /** The packet's body, as it stands. */
  readonly body: Uint8Array;
}

/** Whether something marked critical is not understood: then the signature is bad (RFC 4880 §5.2.3.1). */
export function hasUnknownCritical({ hashed, unhashed }: SignaturePacket): boolean {
  return hashed.hasUnknownCritical || unhashed.hasUnknownCritical;
}

/** As GnuPG: more would only be an attack on memory. */
const MAX_AREA_BYTES = 10_000;

/** Reads the body of a signature packet; throws `SignatureError` "openpgp-invalid" for one GnuPG would not read. */
export function readSignaturePacket(body: Uint8Array): SignaturePacket {
  const version = body[0];
  if (version === 2 || version === 3) return readVersion3(body, version);
  if (version === 4) return readVersion4(body);
  throw malformed(`a signature packet of version ${version ?? 'none'}`);
}

/** RFC 4880 §5.2.2. Versions 2 and 3 differ in nothing that is read here. */
function readVersion3(body: Uint8Array, version: number): SignaturePacket {
  const fields = new FieldReader(body);
  fields.bytes(2);
  const trailer = fields.bytes(5);
  const issuerKeyId = hex(fields.bytes(8));
  const keyAlgorithm = fields.number(1);
  const hashAlgorithm = fields.number(1);
  fields.bytes(2);
  return {
    version,
    type: trailer[0] ?? 0,
    keyAlgorithm,
    hashAlgorithm,
    created: seconds(trailer.subarray(1)),
    expires: 0,
    issuerKeyId,
    issuerFingerprint: undefined,
    hashed: NO_SUBPACKETS,
    unhashed: NO_SUBPACKETS,
    trailer,
    values: readValues(fields, keyAlgorithm),
    body,
  };
}

/** RFC 4880 §5.2.3. */
function readVersion4(body: Uint8Array): SignaturePacket {
  const fields = new FieldReader(body);
  const [, type = 0, keyAlgorithm = 0, hashAlgorithm = 0] = fields.bytes(4);
  const hashed = readArea(fields);
  const hashedLength = fields.position;
  const unhashed = readArea(fields);
  fields.bytes(2);
  const created = firstSubpacket(hashed, SUBPACKET.created);
  const createdAt = created === undefined ? 0 : seconds(created);
  const expires = firstSubpacket(hashed, SUBPACKET.expires);
  const lifetime = expires === undefined ? 0 : seconds(expires);
  const issuerFingerprint = fingerprintOf(hashed) ?? fingerprintOf(unhashed);
  const issuer =
    firstSubpacket(hashed, SUBPACKET.issuer) ?? firstSubpacket(unhashed, SUBPACKET.issuer);
  return {
    version: 4,
    type,
    keyAlgorithm,
    hashAlgorithm,
    created: createdAt,
    expires: lifetime === 0 ? 0 : createdAt + lifetime,
    issuerKeyId: issuer === undefined ? issuerFingerprint?.slice(-16) : hex(issuer.subarray(0, 8)),
    issuerFingerprint,
    hashed,
    unhashed,
    trailer: version4Trailer(body.subarray(0, hashedLength)),
    values: readValues(fields, keyAlgorithm),
    body,
  };
}

function readArea(fields: FieldReader): SubpacketArea {
  const length = fields.number(2);
  if (length > MAX_AREA_BYTES) throw malformed(`${length} bytes of subpackets`);
  return readSubpackets(fields.bytes(length));
}

function version4Trailer(hashed: Uint8Array): Uint8Array {
  const trailer = Buffer.allocUnsafe(hashed.length + 6);
  trailer.set(hashed);
  trailer.writeUInt16BE(0x04ff, hashed.length);
  trailer.writeUInt32BE(hashed.length, hashed.length + 2);
  return trailer;
}

function fingerprintOf(area: SubpacketArea): string | undefined {
  const body = firstSubpacket(area, SUBPACKET.issuerFingerprint);
  return body?.length === 21 && body[0] === 4 ? hex(body.subarray(1)) : undefined;
}

/** The integers each algorithm has in a signature; what follows them in the packet is ignored, as by GnuPG. */
function readValues(fields: FieldReader, keyAlgorithm: number): readonly Uint8Array[] {
  switch (keyAlgorithm) {
    case RSA:
    case RSA_SIGN_ONLY:
      return [fields.integer()];
    case DSA:
    case ECDSA:
    case EDDSA:
      return [fields.integer(), fields.integer()];
    default:
      return [];
  }
}

function seconds(bytes: Uint8Array): number {
  let value = 0;
  for (const byte of bytes.subarray(0, 4)) value = value * 256 + byte;
  return value;
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
