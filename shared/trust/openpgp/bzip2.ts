/** Decoder of bzip2 streams, the part of the format that bzip2 1.0 writes (no randomised blocks). */

const STREAM_MAGIC = 0x425a68; // "BZh"
const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
/** Symbols that one Huffman table codes. */
const GROUP_SYMBOLS = 50;
const MAX_CODE_BITS = 20;
const RUN_A = 0;
const RUN_B = 1;

/**
 * Unpacks one bzip2 stream and says how many bytes it had; what follows is not looked at. Throws a plain `Error` when the
 * stream is damaged or unpacks to more than `maxBytes`.
 */
export function decodeBzip2(
  packed: Uint8Array,
  maxBytes: number,
): { readonly content: Uint8Array; readonly used: number } {
  const bits = new BitReader(packed);
  if (bits.read(24) !== STREAM_MAGIC) throw damaged('no header');
  const level = bits.read(8) - 0x30;
  if (level < 1 || level > 9) throw damaged('no header');
  const output = new Output(maxBytes);
  const block = new Uint8Array(level * 100_000);
  let streamCrc = 0;
  for (;;) {
    const magic = bits.read(24) * 0x1000000 + bits.read(24);
    const crc = bits.read(16) * 0x10000 + bits.read(16);
    if (magic === END_MAGIC) {
      if (crc !== streamCrc) throw damaged('checksum');
      return { content: output.bytes(), used: bits.position };
    }
    if (magic !== BLOCK_MAGIC) throw damaged('no block');
    const blockCrc = decodeBlock(bits, block, output);
    if (crc !== blockCrc) throw damaged('checksum of a block');
    streamCrc = (((streamCrc << 1) | (streamCrc >>> 31)) ^ blockCrc) >>> 0;
  }
}

function damaged(what: string): Error {
  return new Error(`bzip2: ${what}`);
}

/** Unpacks one block by way of `buffer` into `output` and gives its checksum. */
function decodeBlock(bits: BitReader, buffer: Uint8Array, output: Output): number {
  if (bits.read(1) !== 0) throw damaged('randomised block');
  const origin = bits.read(24);
  const symbols = readSymbols(bits);
  const { tables, selectors } = readTables(bits, symbols.length + 2);
  const block = readMoveToFront(bits, symbols, tables, selectors, buffer);
  if (origin >= block.length) throw damaged('origin');
  return undoTransform(block, origin, output);
}

/** The bytes that occur in the block: a map of a map. */
function readSymbols(bits: BitReader): number[] {
  const used = bits.read(16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    if ((used & (0x8000 >> high)) === 0) continue;
    const map = bits.read(16);
    for (let low = 0; low < 16; low++) {
      if ((map & (0x8000 >> low)) !== 0) symbols.push(high * 16 + low);
    }
  }
  if (symbols.length === 0) throw damaged('no symbols');
  return symbols;
}

function readTables(
  bits: BitReader,
  alphabet: number,
): { readonly tables: readonly HuffmanTable[]; readonly selectors: readonly number[] } {
  const tableCount = bits.read(3);
  const selectorCount = bits.read(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw damaged('tables');
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const selectors: number[] = [];
  for (let count = 0; count < selectorCount; count++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place >= tableCount) throw damaged('selector');
    const [table] = order.splice(place, 1);
    if (table === undefined) throw damaged('selector');
    order.unshift(table);
    selectors.push(table);
  }
  const tables = order.map(() => readTable(bits, alphabet));
  return { tables, selectors };
}

function readTable(bits: BitReader, alphabet: number): HuffmanTable {
  const lengths: number[] = [];
  let length = bits.read(5);
  for (let symbol = 0; symbol < alphabet; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged('code length');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths.push(length);
  }
  return new HuffmanTable(lengths);
}

/** Undoes Huffman coding, run lengths of the most recent byte and move-to-front. */
function readMoveToFront(
  bits: BitReader,
  symbols: number[],
  tables: readonly HuffmanTable[],
  selectors: readonly number[],
  block: Uint8Array,
): Uint8Array {
  const maxLength = block.length;
  const endOfBlock = symbols.length + 1;
  let length = 0;
  let run = 0;
  let runUnit = 1;
  for (let group = 0; ; group++) {
    const table = tables[selectors[group] ?? -1];
    if (table === undefined) throw damaged('more symbols than selectors');
    for (let count = 0; count < GROUP_SYMBOLS; count++) {
      const symbol = table.decode(bits);
      if (symbol === RUN_A || symbol === RUN_B) {
        run += runUnit << symbol;
        runUnit *= 2;
        if (run > maxLength) throw damaged('run');
        continue;
      }
      if (run > 0) {
        if (length + run > maxLength) throw damaged('block too long');
        block.fill(symbols[0] ?? 0, length, length + run);
        length += run;
        run = 0;
        runUnit = 1;
      }
      if (symbol === endOfBlock) return block.subarray(0, length);
      const [byte] = symbols.splice(symbol - 1, 1);
      if (byte === undefined || length >= maxLength) throw damaged('symbol');
      symbols.unshift(byte);
      block[length++] = byte;
    }
  }
}

/** Undoes the Burrows-Wheeler transform and the first run-length coding. */
function undoTransform(block: Uint8Array, origin: number, output: Output): number {
  const starts = new Uint32Array(256);
  for (const byte of block) starts[byte] = (starts[byte] ?? 0) + 1;
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = starts[byte] ?? 0;
    starts[byte] = sum;
    sum += count;
  }
  const next = new Uint32Array(block.length);
  for (const [index, byte] of block.entries()) {
    const place = starts[byte] ?? 0;
    next[place] = index;
    starts[byte] = place + 1;
  }
  let crc = 0xffffffff;
  let at = next[origin] ?? 0;
  let previous = -1;
  let repeated = 0;
  for (let count = 0; count < block.length; count++) {
    const byte = block[at] ?? 0;
    at = next[at] ?? 0;
    if (repeated === 4) {
      for (let copies = 0; copies < byte; copies++) crc = crcStep(crc, previous);
      output.push(previous, byte);
      repeated = 0;
      previous = -1;
      continue;
    }
    repeated = byte === previous ? repeated + 1 : 1;
    previous = byte;
    crc = crcStep(crc, byte);
    output.push(byte, 1);
  }
  return ~crc >>> 0;
}

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

function crcStep(crc: number, byte: number): number {
  return (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] ?? 0);
}

/** A canonical code, read bit by bit. */
class HuffmanTable {
  readonly #limits: number[] = [];
  readonly #offsets: number[] = [];
  readonly #symbols: number[] = [];

  constructor(lengths: readonly number[]) {
    let code = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code *= 2;
      this.#offsets[length] = this.#symbols.length - code;
      for (const [symbol, bits] of lengths.entries()) {
        if (bits !== length) continue;
        this.#symbols.push(symbol);
        code++;
      }
      this.#limits[length] = code;
      if (code > 2 ** length) throw damaged('code');
    }
  }

  decode(bits: BitReader): number {
    let code = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code = code * 2 + bits.read(1);
      if (code < (this.#limits[length] ?? 0)) {
        return this.#symbols[code + (this.#offsets[length] ?? 0)] ?? Number.NaN;
      }
    }
    throw damaged('code');
  }
}

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes read so far, the last one perhaps in part. */
  get position(): number {
    return this.#at;
  }

  /** At most 24 bits, most significant first. */
  read(bits: number): number {
    while (this.#count < bits) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw damaged('cut short');
      this.#held = ((this.#held << 8) | byte) >>> 0;
      this.#count += 8;
    }
    this.#count -= bits;
    const value = (this.#held >>> this.#count) & (2 ** bits - 1);
    this.#held &= 2 ** this.#count - 1;
    return value;
  }
}

/** Bytes that grow as they come, up to a limit. */
class Output {
  readonly #maxBytes: number;
  #buffer = new Uint8Array(4096);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(byte: number, count: number): void {
    const end = this.#length + count;
    if (end > this.#maxBytes) throw damaged(`more than ${this.#maxBytes} bytes`);
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, this.#buffer.length * 2));
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#buffer.fill(byte, this.#length, end);
    this.#length = end;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}
