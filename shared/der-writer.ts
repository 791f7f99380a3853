import { contextTag, TAG } from './trust/sigstore/der.ts';

/** One DER element (X.690 §10.1: lengths in their shortest form); content may be given in parts. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, ...parts);
}

/** A non-negative integer of these big-endian bytes, in its shortest form. */
export function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Buffer.alloc(1) : bytes.subarray(start);
  return element(TAG.integer, Buffer.alloc((digits[0] ?? 0) >= 0x80 ? 1 : 0), digits);
}

/** An object identifier in dotted form. */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(
    TAG.objectIdentifier,
    Buffer.from([40 * first + second, ...rest].flatMap(base128)),
  );
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.of(unusedBits), bytes);
}

/** `[number]` that holds elements. */
export function tagged(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return element(contextTag(number, 'constructed'), ...parts);
}

/** A Name of one common name (RFC 5280 §4.1.2.4); at most 64 characters may stand in one. */
export function commonName(text: string): Buffer {
  const attribute = sequence(objectIdentifier('2.5.4.3'), element(TAG.utf8String, utf8(text)));
  return sequence(element(TAG.set, attribute));
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
export function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, '')}Z`;
  return digits < '2050'
    ? element(TAG.utcTime, utf8(digits.slice(2)))
    : element(TAG.generalizedTime, utf8(digits));
}

/** ecdsa-with-SHA256, RFC 5758 §3.2. */
export const ECDSA_SHA256: Buffer = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

/** RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

function utf8(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(arc: number): readonly number[] {
  const octets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    octets.unshift(0x80 | (rest % 128));
  }
  return octets;
}
