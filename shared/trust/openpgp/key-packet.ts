import {
  DSA,
  digestOf,
  ECDH,
  ECDSA,
  ED25519_OID,
  EDDSA,
  ELGAMAL,
  type HashAlgorithm,
  RSA,
  RSA_ENCRYPT_ONLY,
  RSA_SIGN_ONLY,
} from './algorithms.ts';
import { FieldReader, malformed } from './packets.ts';
import { hex } from './signature-packet.ts';

/** A public key packet of version 4 (RFC 4880 §5.5.2). */
export interface KeyPacket {
  readonly algorithm: number;
  /** Seconds since 1970. */
  readonly created: number;
  /** RSA: n, e. DSA: p, q, g, y. ECDSA: the point. EdDSA: the encoded point. Without leading zeros. */
  readonly values: readonly Uint8Array[];
  /** Object identifier of the curve, hex; '' for other algorithms. */
  readonly curveOid: string;
  /** Lower-case hex, 40 digits. */
  readonly fingerprint: string;
  /** Last 16 digits of the fingerprint. */
  readonly keyId: string;
  /** The public part as it stands. */
  readonly body: Uint8Array;
}

/** What GnuPG no longer reads: keys of version 2 and 3, or of a version it does not know. */
export interface OtherKeyPacket {
  readonly otherVersion: number;
}

/**
 * Reads the body of a key or subkey packet, of a secret one its public part; throws `SignatureError` "openpgp-invalid" when
 * malformed.
 */
export function readKeyPacket(packet: Uint8Array): KeyPacket | OtherKeyPacket {
  const fields = new FieldReader(packet);
  const version = fields.number(1);
  if (version !== 4) return { otherVersion: version };
  const created = fields.number(4);
  const algorithm = fields.number(1);
  const parts = PARTS.get(algorithm);
  let curveOid = '';
  const values: Uint8Array[] = [];
  for (const part of parts ?? []) {
    if (part === 'number') values.push(fields.integer());
    else if (part === 'curve') curveOid = hex(sized(fields));
    else sized(fields);
  }
  const body = parts === undefined ? packet : packet.subarray(0, fields.position);
  const fingerprint = fingerprintOf(body);
  const keyId = fingerprint.slice(-16);
  return { algorithm, created, values, curveOid, fingerprint, keyId, body };
}

/** What a public key of each algorithm consists of; encryption keys are read for their fingerprint alone. */
const PARTS: ReadonlyMap<number, readonly ('number' | 'curve' | 'parameters')[]> = new Map([
  [RSA, ['number', 'number']],
  [RSA_ENCRYPT_ONLY, ['number', 'number']],
  [RSA_SIGN_ONLY, ['number', 'number']],
  [ELGAMAL, ['number', 'number', 'number']],
  [DSA, ['number', 'number', 'number', 'number']],
  [ECDH, ['curve', 'number', 'parameters']],
  [ECDSA, ['curve', 'number']],
  [EDDSA, ['curve', 'number']],
]);

function sized(fields: FieldReader): Uint8Array {
  const length = fields.number(1);
  if (length === 0 || length === 0xff) throw malformed('a key with a reserved length of its curve');
  return fields.bytes(length);
}

/** RFC 4880 §12.2: SHA-1 over the packet under an old header. An identifier, not a protection. */
function fingerprintOf(body: Uint8Array): string {
  return hex(digestOf(SHA1, [keyHashPrefix(body), body]));
}

const SHA1: HashAlgorithm = { name: 'sha1', bytes: 20 };

/** What stands before a key where it is hashed: 0x99 and two bytes of length. */
export function keyHashPrefix(body: Uint8Array): Uint8Array {
  return Uint8Array.of(0x99, body.length >> 8, body.length & 0xff);
}

/** Whether the key is on Ed25519, the only curve of EdDSA that version 4 keys have in GnuPG. */
export function isEd25519(key: KeyPacket): boolean {
  return key.algorithm === EDDSA && key.curveOid === ED25519_OID;
}
