import { messageOf } from '../../errors.ts';
import { SignatureError } from '../signature-error.ts';
import { algorithmIdentifier, signatureScheme } from './certificate-signature.ts';
import { contextTag, DerError, DerReader, TAG } from './der.ts';
import { type Extensions, readExtensions } from './extensions.ts';
import { checkName } from './names.ts';
import { nextPemBlock } from './pem.ts';
import { type PublicKey, readSubjectPublicKeyInfo, type SignatureScheme } from './public-key.ts';
import { readValidity } from './validity.ts';

/** An X.509 certificate (RFC 5280) that Go's crypto/x509 would parse too. Nothing in it is verified. */
export interface Certificate {
  readonly raw: Uint8Array;
  /** What the issuer signed. */
  readonly tbs: Uint8Array;
  readonly signature: Uint8Array;
  /** Absent for an algorithm that is not known or no longer trusted (SHA-1 and older). */
  readonly signatureScheme?: SignatureScheme;
  /** 1 to 3. */
  readonly version: number;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970; both ends belong to the validity. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo as written. */
  readonly spki: Uint8Array;
  /** Absent for an algorithm that is not known. */
  readonly publicKey?: PublicKey;
  readonly extensions: Extensions;
}

/** Reads one certificate. Throws `SignatureError` "certificate-invalid"; `what` names it in the message. */
export function readCertificate(der: Uint8Array, what: string): Certificate {
  try {
    const reader = new DerReader(der);
    const outer = reader.inside(TAG.sequence);
    reader.end('the certificate');
    return readSigned(der, outer);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new SignatureError('certificate-invalid', `${what}: ${messageOf(error)}`);
  }
}

/**
 * Every block of a PEM text as a certificate, whatever its label; text after the last one is an error. White space
 * alone holds none. Throws `SignatureError` "certificate-invalid".
 */
export function readCertificates(pem: string, what: string): readonly Certificate[] {
  const text = withoutTrailingSpace(pem);
  const certificates: Certificate[] = [];
  for (let at = 0; at < text.length; ) {
    const block = nextPemBlock(text, at);
    if (block === undefined) {
      throw new SignatureError('certificate-invalid', `${what}: expected a PEM block`);
    }
    certificates.push(readCertificate(block.bytes, what));
    at = block.end;
  }
  return certificates;
}

/** By hand, for a pattern would look at long runs of blanks again and again. */
function withoutTrailingSpace(text: string): string {
  let end = text.length;
  while (end > 0 && SPACE.has(text.charCodeAt(end - 1))) end--;
  return text.slice(0, end);
}

/** White space of Go's bytes.TrimSpace below U+0100. */
const SPACE: ReadonlySet<number> = new Set([9, 10, 11, 12, 13, 32, 0x85, 0xa0]);

/**
 * Trust anchors of a PEM file: its blocks CERTIFICATE without headers that parse; others are passed over, as Go's
 * certificate pools do. Throws `SignatureError` "certificate-invalid" when none is left.
 */
export function readAnchors(pem: Uint8Array, what: string): readonly Certificate[] {
  const text = Buffer.from(pem).toString('latin1');
  const anchors: Certificate[] = [];
  for (let block = nextPemBlock(text); block; block = nextPemBlock(text, block.end)) {
    if (block.label !== 'CERTIFICATE' || block.hasHeaders) continue;
    try {
      anchors.push(readCertificate(block.bytes, what));
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
    }
  }
  if (anchors.length === 0) {
    throw new SignatureError('certificate-invalid', `${what}: expected a CA certificate in PEM`);
  }
  return anchors;
}

function readSigned(raw: Uint8Array, outer: DerReader): Certificate {
  const { raw: tbs, content } = outer.element(TAG.sequence);
  const fields = new DerReader(content);
  const version = readVersion(fields);
  if (fields.integer() < 0n) throw new DerError('expected a serial number of zero or more');
  const inner = fields.element(TAG.sequence);
  const identifier = outer.element(TAG.sequence);
  if (!Buffer.from(inner.raw).equals(identifier.raw)) {
    throw new DerError('expected the same signature algorithm inside and outside');
  }
  const scheme = signatureScheme(algorithmIdentifier(inner));
  const issuer = fields.element(TAG.sequence);
  checkName(issuer);
  const validity = readValidity(fields.inside(TAG.sequence));
  const subject = fields.element(TAG.sequence);
  checkName(subject);
  const spki = fields.element(TAG.sequence).raw;
  const publicKey = readSubjectPublicKeyInfo(spki);
  const extensions = readExtensions(version === 3 ? extensionList(fields) : new DerReader(NOTHING));
  const { bytes: signature } = outer.bitString();
  return {
    ...{ raw, tbs, signature, version, issuer: issuer.raw, subject: subject.raw, spki, extensions },
    ...validity,
    ...(scheme === undefined ? {} : { signatureScheme: scheme }),
    ...(publicKey === undefined ? {} : { publicKey }),
  };
}

const NOTHING = new Uint8Array();

function readVersion(fields: DerReader): number {
  const explicit = fields.optional(contextTag(0, 'constructed'));
  if (explicit === undefined) return 1;
  const reader = new DerReader(explicit.content);
  const version = reader.integer();
  reader.end('the version');
  if (version < 0n || version > 2n)
    throw new DerError('expected a certificate of version 1, 2 or 3');
  return Number(version) + 1;
}

function extensionList(fields: DerReader): DerReader {
  fields.optional(contextTag(1, 'primitive'));
  fields.optional(contextTag(2, 'primitive'));
  const explicit = fields.optional(contextTag(3, 'constructed'));
  return explicit === undefined
    ? new DerReader(NOTHING)
    : new DerReader(explicit.content).inside(TAG.sequence);
}
