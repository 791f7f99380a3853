import { hash } from 'node:crypto';

/** Of every uuid in our documents: v5 of the DNS name `nodeseal.dev`. */
const NAMESPACE = '52bc6463-fe86-54a2-9c59-31a24dde0a33';

/** The uuid of a thing by its kind and names: the same in every document that speaks of it. */
export function uuidOf(kind: string, ...names: readonly string[]): string {
  return uuidV5(NAMESPACE, JSON.stringify([kind, ...names]));
}

/** RFC 9562, section 5.5. */
export function uuidV5(namespace: string, name: string): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex');
  const hex = hash('sha1', Buffer.concat([space, Buffer.from(name)]));
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`];
  return [...parts, variant + hex.slice(17, 20), hex.slice(20, 32)].join('-');
}
