import { SignatureError } from './signature-error.ts';

/** A stored signature whose format is known; what is inside has not been looked at. */
export type SignatureBlob =
  | { readonly format: 'simple-signing'; readonly data: Uint8Array }
  | { readonly format: 'sigstore-json'; readonly json: Uint8Array };

/**
 * First bytes that containers/image takes for OpenPGP: compressed data, one-pass signature, signature. Its list
 * has 0x3D (`=`) where 0x93 was meant; a node refuses the one and lets the other through, so we do too.
 */
const OPENPGP_FIRST_BYTES: ReadonlySet<number> = new Set([
  ...[0xa0, 0xa1, 0xa2, 0xa3, 0xc8],
  ...[0x90, 0x91, 0x92, 0x3d, 0xc4],
  ...[0x88, 0x89, 0x8a, 0x8b, 0xc2],
]);

/**
 * Recognises a signature as it lies in a store, a lookaside or a `dir:` image: bare OpenPGP by its first byte, or
 * NUL, format name, LF, data. Anything else throws `SignatureError` "blob-format", which for containers/image is
 * an error of the whole image and not one bad signature.
 */
export function readSignatureBlob(bytes: Uint8Array): SignatureBlob {
  const [first] = bytes;
  if (first === undefined) throw refused('expected a signature, found an empty file');
  if (first === 0) return readExplicit(bytes);
  if (!OPENPGP_FIRST_BYTES.has(first)) {
    throw refused(
      `expected OpenPGP data or a format name, found a first byte 0x${first.toString(16).padStart(2, '0')}`,
    );
  }
  return { format: 'simple-signing', data: bytes };
}

function readExplicit(bytes: Uint8Array): SignatureBlob {
  const end = bytes.indexOf(0x0a);
  if (end === -1) throw refused('expected a line feed after the format name, found none');
  const name = bytes.subarray(1, end);
  if (name.some((byte) => byte < 0x20 || byte > 0x7e)) {
    throw refused('expected a format name of printable ASCII characters');
  }
  const format = String.fromCharCode(...name.subarray(0, 40));
  const content = bytes.subarray(end + 1);
  if (format === 'simple-signing') return { format, data: content };
  if (format === 'sigstore-json') return { format, json: content };
  throw refused(`expected the format simple-signing or sigstore-json, found "${format}"`);
}

function refused(message: string): SignatureError {
  return new SignatureError('blob-format', `signature blob: ${message}`);
}
