import { createHash } from 'node:crypto';
import { DSA, ECDSA, ED25519_OID, EDDSA, RSA, RSA_SIGN_ONLY } from './algorithms.ts';
import { FieldReader, malformed } from './packets.ts';
import { hex } from './signature-packet.ts';

/** A public key packet of version 4 (RFC 4880 §5.5.2). */
export interface KeyPacket {
  readonly algorithm: number;
  /** Seconds since 1970. */
  readonly created: number;
  /** RSA: n, e. DSA: p, q, g, y. ECDSA: the point. EdDSA: the encoded point. Else empty. Without leading zeros. */
  readonly values: readonly Uint8Array[];
  /** Object identifier of the curve, hex; '' for other algorithms. */
  readonly curveOid: string;
  /** Lower-case hex, 40 digits. */
  readonly fingerprint: string;
  /** Last 16 digits of the fingerprint. */
  readonly keyId: string;
  readonly body: Uint8Array;
}

/** What GnuPG no longer reads: keys of version 2 and 3, or of a version it does not know. */
export interface OtherKeyPacket {
  readonly otherVersion: number;
}

/** Reads the body of a public key or subkey packet; throws `SignatureError` "openpgp-invalid" when malformed. */
export function readKeyPacket(body: Uint8Array): KeyPacket | OtherKeyPacket {
  const fields = new FieldReader(body);
  const version = fields.number(1);
  if (version !== 4) return { otherVersion: version };
  const created = fields.number(4);
  const algorithm = fields.number(1);
  const curveOid = algorithm === ECDSA || algorithm === EDDSA ? readOid(fields) : '';
  const values: Uint8Array[] = [];
  for (let count = valueCount(algorithm); count > 0; count--) values.push(fields.integer());
  const fingerprint = fingerprintOf(body);
  const keyId = fingerprint.slice(-16);
  return { algorithm, created, values, curveOid, fingerprint, keyId, body };
}

function readOid(fields: FieldReader): string {
  const length = fields.number(1);
  if (length === 0 || length === 0xff) throw malformed('a key with a reserved length of its curve');
  return hex(fields.bytes(length));
}

function valueCount(algorithm: number): number {
  switch (algorithm) {
    case RSA:
    case RSA_SIGN_ONLY:
      return 2;
    case DSA:
      return 4;
    case ECDSA:
    case EDDSA:
      return 1;
    default:
      return 0;
  }
}

/** RFC 4880 §12.2: SHA-1 over the packet under an old header. An identifier, not a protection. */
function fingerprintOf(body: Uint8Array): string {
  return createHash('sha1').update(keyHashPrefix(body)).update(body).digest('hex');
}

/** What stands before a key where it is hashed: 0x99 and two bytes of length. */
export function keyHashPrefix(body: Uint8Array): Uint8Array {
  return Uint8Array.of(0x99, body.length >> 8, body.length & 0xff);
}

/** Whether the key is on Ed25519, the only curve of EdDSA that version 4 keys have in GnuPG. */
export function isEd25519(key: KeyPacket): boolean {
  return key.algorithm === EDDSA && key.curveOid === ED25519_OID;
}
