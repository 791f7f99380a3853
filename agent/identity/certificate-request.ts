import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  ECDSA_SHA256,
  integer,
  pem,
  sequence,
  tagged,
} from '../../shared/der-writer.ts';

/** A new private key of a node, P-256. It never leaves the node. */
export function makeKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/**
 * PKCS #10 (RFC 2986) in PEM: proves that this agent has the key, and asks for nothing else. Who the node is, is the
 * aggregator's to say: subject and attributes are empty.
 */
export function certificateRequest(key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const info = sequence(integer(Buffer.of(0)), sequence(), spki, tagged(0));
  const signature = sign('sha256', info, key);
  return pem('CERTIFICATE REQUEST', sequence(info, ECDSA_SHA256, bitString(signature)));
}
