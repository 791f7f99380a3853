import { createHash } from 'node:crypto';

/** Of every uuid in our documents: v5 of the DNS name `nodeseal.dev`. */
const NAMESPACE = '52bc6463-fe86-54a2-9c59-31a24dde0a33';

/** The uuid of a thing by its kind and names: the same in every document that speaks of it. */
export function uuidOf(kind: string, ...names: readonly string[]): string {
  return uuidV5(NAMESPACE, JSON.stringify([kind, ...names]));
}

/** RFC 9562, section 5.5. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1');
  hash.update(Buffer.from(namespace.replaceAll('-', ''), 'hex')).update(name);
  const bytes = hash.digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
