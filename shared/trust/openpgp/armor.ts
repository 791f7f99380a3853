import { malformed } from './packets.ts';

/** One armored block (RFC 4880 §6.2), decoded. */
export interface ArmoredBlock {
  /** As in the header line: `PGP MESSAGE`, `PGP PUBLIC KEY BLOCK`, … */
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** A text signed in the cleartext framework (RFC 4880 §7). */
export interface CleartextMessage {
  /** The text as GnuPG gives it out: dashes unescaped, blanks at the end of lines cut, line ends kept. */
  readonly content: Uint8Array;
  /** What was signed: lines joined by CR LF, without the last one. */
  readonly signed: Uint8Array;
  /** Numbers of the hashes the header names; SHA-1 when it names none. */
  readonly hashAlgorithms: readonly number[];
  /** The packets of the signature block that follows. */
  readonly signatures: Uint8Array;
}

/** Packet types that GnuPG takes for the beginning of binary data. */
const FIRST_TAGS: ReadonlySet<number> = new Set([
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19, 61, 63],
]);
const OF_ANY_LENGTH: ReadonlySet<number> = new Set([8, 9, 11, 16, 18, 61, 63]);
const BEGIN: RegExp =
  /^-----BEGIN (PGP (?:MESSAGE|PUBLIC KEY BLOCK|SIGNATURE|SIGNED MESSAGE|ARMORED FILE|PRIVATE KEY BLOCK|SECRET KEY BLOCK))-----[ \t\r]*$/;
const CLEARTEXT = 'PGP SIGNED MESSAGE';
const CLEARTEXT_HASHES: ReadonlyMap<string, number> = new Map([
  ['SHA1', 2],
  ['RIPEMD160', 3],
  ['SHA256', 8],
  ['SHA384', 9],
  ['SHA512', 10],
  ['SHA224', 11],
]);

/** Whether GnuPG would look for armor in the data: everything that does not begin like a packet. */
export function isArmored(bytes: Uint8Array): boolean {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return false;
  if ((first & 0x80) === 0) return true;
  const isNew = (first & 0x40) !== 0;
  const tag = isNew ? first & 0x3f : (first >> 2) & 0x0f;
  if (!FIRST_TAGS.has(tag)) return true;
  const isOpenEnded = isNew ? second >= 224 && second < 255 : (first & 3) === 3;
  return isOpenEnded && !OF_ANY_LENGTH.has(tag);
}

/**
 * Decodes every armored block in a text, skipping what is between them and blocks whose label is not wanted. Throws
 * `SignatureError` "openpgp-invalid" at the first block whose armor is damaged; blocks before it have been given out.
 */
export function* armoredBlocks(
  text: Uint8Array,
  isWanted: (label: string) => boolean,
): Generator<ArmoredBlock> {
  const lines = new Lines(text);
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const label = BEGIN.exec(line)?.[1];
    if (label === undefined || !isWanted(label)) continue;
    skipHeaders(lines);
    yield { label, bytes: decodeBlock(lines) };
  }
}

/** Reads a cleartext signed message; undefined when the text holds none before any other armor. */
export function readCleartext(text: Uint8Array): CleartextMessage | undefined {
  const lines = new Lines(text);
  let label: string | undefined;
  while (label === undefined) {
    const line = lines.next();
    if (line === undefined) return undefined;
    label = BEGIN.exec(line)?.[1];
  }
  if (label !== CLEARTEXT) return undefined;
  const hashAlgorithms = cleartextHashes(skipHeaders(lines));
  const content: string[] = [];
  const signed: string[] = [];
  for (;;) {
    const line = lines.next();
    if (line === undefined) throw malformed('a cleartext message without a signature');
    if (line.startsWith('-----')) break;
    const text = (line.startsWith('- ') ? line.slice(2) : line).replace(/[ \t\r]+$/, '');
    signed.push(text);
    content.push(text, line.endsWith('\r') ? '\r\n' : '\n');
  }
  skipHeaders(lines);
  const signatures = decodeBlock(lines);
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (BEGIN.test(line)) throw malformed('more than one message');
  }
  return {
    content: Buffer.from(content.join(''), 'latin1'),
    signed: Buffer.from(signed.join('\r\n'), 'latin1'),
    hashAlgorithms,
    signatures,
  };
}

/** Header lines up to the blank one; only `Hash` says something. A line that is none belongs to the data, as in GnuPG. */
function skipHeaders(lines: Lines): readonly string[] {
  const headers: string[] = [];
  for (;;) {
    const line = lines.peek()?.trimEnd();
    if (line === undefined) throw malformed('armor that ends within its headers');
    if (line !== '' && !/^[^:]*:(?: |$)/.test(line)) return headers;
    lines.next();
    if (line === '') return headers;
    headers.push(line);
  }
}

/** A cleartext may have no other header, and no hash that is not known. */
function cleartextHashes(headers: readonly string[]): readonly number[] {
  const names = headers.flatMap((header) => {
    const [, list] = /^Hash:(.*)$/.exec(header) ?? [];
    if (list === undefined) throw malformed('a header in a cleartext message that is not Hash');
    return list.split(',');
  });
  const found = names.map((name) => {
    const hash = CLEARTEXT_HASHES.get(name.trim());
    if (hash === undefined) throw malformed('a hash in a cleartext message that is not known');
    return hash;
  });
  return found.length > 0 ? found : [2];
}

/** Base64 up to the checksum or the tail line; characters outside of the alphabet are skipped, as by GnuPG. */
function decodeBlock(lines: Lines): Uint8Array {
  const parts: string[] = [];
  for (;;) {
    const line = lines.next();
    if (line === undefined) throw malformed('armor without an end');
    if (line.startsWith('-----END ')) return decodeBase64(parts);
    if (line.startsWith('=')) {
      const bytes = decodeBase64(parts);
      verifyChecksum(bytes, line);
      return bytes;
    }
    const [data = '', end] = line.split('=', 1 + 1);
    parts.push(data);
    if (end !== undefined) {
      const bytes = decodeBase64(parts);
      const next = lines.next() ?? '';
      if (next.startsWith('=')) verifyChecksum(bytes, next);
      return bytes;
    }
  }
}

function decodeBase64(parts: readonly string[]): Uint8Array {
  return Buffer.from(parts.join('').replace(/[^A-Za-z0-9+/]/g, ''), 'base64');
}

/** RFC 4880 §6.1. */
function verifyChecksum(bytes: Uint8Array, line: string): void {
  const expected = Buffer.from(/^=([A-Za-z0-9+/]{4})/.exec(line)?.[1] ?? '', 'base64');
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x800000 ? 0x1864cfb : 0);
  }
  if (expected.length !== 3 || expected.readUIntBE(0, 3) !== (crc & 0xffffff)) {
    throw malformed('armor whose checksum does not match');
  }
}

/** Lines without their line feed; text is Latin-1 here, so that every byte is one character. */
class Lines {
  readonly #text: Uint8Array;
  #at = 0;

  constructor(text: Uint8Array) {
    this.#text = text;
  }

  /** The next line, still to be read. */
  peek(): string | undefined {
    const at = this.#at;
    const line = this.next();
    this.#at = at;
    return line;
  }

  next(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const end = this.#text.indexOf(0x0a, this.#at);
    const line = this.#text.subarray(this.#at, end === -1 ? this.#text.length : end);
    this.#at = end === -1 ? this.#text.length : end + 1;
    return Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  }
}
