import { LayerError } from './layer-error.ts';

/** One entry of an archive. */
export interface TarEntry {
  /** Without `./` or `/` in front and `/` at the end. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'other';
  /** Bytes of content. */
  readonly size: number;
}

/** What is told of an archive while it comes; `content` only of the entries that `entry` asked for. */
export interface TarSink {
  /** True: the content is wanted. */
  entry(entry: TarEntry): boolean;
  content(bytes: Uint8Array): void;
}

const BLOCK = 512;
/** Names and sizes that do not fit into a header come before it, as a file of their own. */
const EXTENSION_LIMIT_BYTES = 1024 * 1024;
const [GNU_LONG_NAME, GNU_LONG_LINK, PAX, PAX_GLOBAL] = ['L', 'K', 'x', 'g'];
/** A file with holes: names and sizes stand elsewhere than in others, and no builder of images makes any. */
const GNU_SPARSE = 'S';
const PAX_SPARSE = 'GNU.sparse.';
/** Links, devices, folders and fifos have no content, whatever size their header says. */
const HEADER_ONLY = /^[1-6]$/;

type Part = 'header' | 'content' | 'extension' | 'skipped';

/**
 * Reads a tar archive (ustar, pax, GNU long names) from bytes as they come. Names are taken from the archive itself: it
 * is what a digest vouches for, not a list beside it. Throws `LayerError` for what is no such archive.
 */
export class TarReader {
  readonly #sink: TarSink;
  readonly #header: Buffer = Buffer.alloc(BLOCK);
  #filled = 0;
  #part: Part = 'header';
  /** Bytes left of this part, and of the padding after it. */
  #left = 0;
  #padding = 0;
  #extension: Buffer[] = [];
  #extensionType = '';
  /** For the next header. */
  #longName: string | undefined;
  #longSize: number | undefined;
  #emptyBlocks = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** True once the two empty blocks at the end have come: what follows is nothing. */
  get isEnded(): boolean {
    return this.#emptyBlocks === 2;
  }

  update(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length && !this.isEnded; ) {
      if (this.#part === 'header') {
        const piece = bytes.subarray(from, from + BLOCK - this.#filled);
        this.#header.set(piece, this.#filled);
        this.#filled += piece.length;
        from += piece.length;
        if (this.#filled === BLOCK) this.#readHeader();
      } else if (this.#left > 0) {
        const piece = bytes.subarray(from, from + this.#left);
        if (this.#part === 'content') this.#sink.content(piece);
        if (this.#part === 'extension') this.#extension.push(Buffer.from(piece));
        this.#left -= piece.length;
        from += piece.length;
      } else {
        const length = Math.min(this.#padding, bytes.length - from);
        this.#padding -= length;
        from += length;
      }
      if (this.#part !== 'header' && this.#left === 0 && this.#padding === 0) this.#endPart();
    }
  }

  #readHeader(): void {
    this.#filled = 0;
    if (this.#header.every((byte) => byte === 0)) {
      this.#emptyBlocks++;
      return;
    }
    if (this.#emptyBlocks > 0) throw fault('an empty block between entries');
    assertChecksum(this.#header);
    const type = String.fromCharCode(this.#header[156] ?? 0);
    const own = numberIn(this.#header, 124, 12);
    if (type === GNU_LONG_NAME || type === GNU_LONG_LINK || type === PAX || type === PAX_GLOBAL) {
      // Attributes speak of the file that comes, not of further attributes before it.
      if (own > EXTENSION_LIMIT_BYTES) throw fault(`a name or attributes of ${own} bytes`);
      this.#extensionType = type;
      this.#begin('extension', own);
      return;
    }
    if (type === GNU_SPARSE) throw fault('a file with holes');
    const size = HEADER_ONLY.test(type) ? 0 : (this.#longSize ?? own);
    const name = clean(this.#longName ?? nameIn(this.#header));
    const kind =
      type === '0' || type === '\0' || type === '7' ? 'file' : type === '5' ? 'folder' : 'other';
    this.#longName = undefined;
    this.#longSize = undefined;
    this.#begin(this.#sink.entry({ name, kind, size }) ? 'content' : 'skipped', size);
  }

  #begin(part: Part, size: number): void {
    this.#part = part;
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (size === 0) this.#endPart();
  }

  #endPart(): void {
    const part = this.#part;
    this.#part = 'header';
    if (part !== 'extension') return;
    const bytes = Buffer.concat(this.#extension.splice(0));
    if (this.#extensionType === GNU_LONG_NAME) this.#longName = textIn(bytes);
    // Attributes for all that follows name no file; where a link leads is not asked.
    if (this.#extensionType !== PAX) return;
    const records = paxRecords(bytes);
    this.#longName = records.get('path') ?? this.#longName;
    if (records.keys().some((key) => key.startsWith(PAX_SPARSE))) throw fault('a file with holes');
    const size = records.get('size');
    if (size === undefined) return;
    if (!/^\d{1,15}$/.test(size)) throw fault(`a size of "${size.slice(0, 20)}"`);
    this.#longSize = Number(size);
  }
}

function fault(what: string): LayerError {
  return new LayerError('ERR_LAYER_ARCHIVE', `the archive of the layer cannot be read: ${what}`);
}

function textIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

function nameIn(header: Buffer): string {
  const name = textIn(header.subarray(0, 100));
  const isUstar = header.subarray(257, 263).equals(Buffer.from('ustar\0'));
  const prefix = isUstar ? textIn(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

function clean(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

/** Octal, or GNU's binary form for what does not fit. */
function numberIn(header: Buffer, from: number, length: number): number {
  const field = header.subarray(from, from + length);
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value)) throw fault('a size beyond all measure');
    return value;
  }
  const text = textIn(field).trim();
  if (!/^[0-7]*$/.test(text)) throw fault('a number that is not octal');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

/** Of unsigned bytes as POSIX says, or of signed ones as some old programs counted; its own field counts as blanks. */
function assertChecksum(header: Buffer): void {
  const expected = numberIn(header, 148, 8);
  let [unsigned, signed] = [0, 0];
  for (const [index, byte] of header.entries()) {
    const value = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += value;
    signed += value < 0x80 ? value : value - 0x100;
  }
  if (expected !== unsigned && expected !== signed) throw fault('a header with a wrong checksum');
}

/** `<length> <key>=<value>\n`, the length in bytes and of the whole. */
function paxRecords(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let from = 0; from < bytes.length; ) {
    const [text = '', digits = ''] =
      /^(\d{1,7}) /.exec(bytes.toString('latin1', from, from + 8)) ?? [];
    const end = from + Number(digits);
    const equals = bytes.indexOf('=', from);
    if (
      text === '' ||
      end > bytes.length ||
      bytes[end - 1] !== 0x0a ||
      equals < 0 ||
      equals >= end
    ) {
      throw fault('attributes that are none');
    }
    records.set(
      bytes.toString('utf8', from + text.length, equals),
      bytes.toString('utf8', equals + 1, end - 1),
    );
    from = end;
  }
  return records;
}
