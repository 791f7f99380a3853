/** One block of a PEM text. `label` is what stands behind BEGIN; any text is allowed there. */
export interface PemBlock {
  readonly label: string;
  readonly hasHeaders: boolean;
  readonly bytes: Uint8Array;
  /** Offset of what follows the block's last line. */
  readonly end: number;
}

const BEGIN = '-----BEGIN ';
const END = '\n-----END ';
const DASHES = '-----';

/**
 * The first well-formed block at or after `from`, as Go's encoding/pem finds it: text around blocks and broken
 * blocks are skipped, the two labels must be equal, blanks inside are ignored. `text` holds one byte a character
 * (latin1), so that offsets are those of the file. Undefined when there is none. Linear in the text.
 */
export function nextPemBlock(text: string, from = 0): PemBlock | undefined {
  let rest = from;
  for (;;) {
    const endLine = text.indexOf(END, rest);
    if (endLine === -1) return undefined;
    const begin = lastBegin(text, rest, endLine);
    if (begin === -1) {
      rest = endLine + END.length;
      continue;
    }
    const block = readBlock(text, begin + BEGIN.length);
    if (typeof block === 'object') return block;
    rest = block;
  }
}

/** The last BEGIN that starts a line between `from` and the line feed at `to`; -1 when there is none. */
function lastBegin(text: string, from: number, to: number): number {
  const begin = text.slice(from, to).lastIndexOf(BEGIN);
  if (begin === -1) return -1;
  const at = from + begin;
  return at === from || text[at - 1] === '\n' ? at : -1;
}

/** The block whose label begins at `from`; for a broken one, the offset at which the search goes on. */
function readBlock(text: string, from: number): PemBlock | number {
  const first = readLine(text, from);
  if (!first.line.endsWith(DASHES)) return first.next;
  const label = first.line.slice(0, -DASHES.length);
  let body = first.next;
  let hasHeaders = false;
  for (;;) {
    if (body >= text.length) return text.length;
    const { line, next } = readLine(text, body);
    if (!line.includes(':')) break;
    hasHeaders = true;
    body = next;
  }
  // An empty block has its END line where the content would begin, without a line feed of its own.
  const isEmpty = !hasHeaders && text.startsWith(END.slice(1), body);
  const bodyEnd = isEmpty ? body : text.indexOf(END, body);
  if (bodyEnd === -1) return body;
  const trailer = bodyEnd + END.length - (isEmpty ? 1 : 0);
  const last = readLine(text, trailer);
  if (last.line !== label + DASHES) return body;
  const bytes = decodeBody(text.slice(body, bodyEnd));
  return bytes === undefined ? body : { label, hasHeaders, bytes, end: last.next };
}

/** A line without its end and without blanks before it, and where the next one begins. */
function readLine(text: string, from: number): { readonly line: string; readonly next: number } {
  const feed = text.indexOf('\n', from);
  const next = feed === -1 ? text.length : feed + 1;
  let end = feed === -1 ? text.length : feed;
  if (feed > from && text[feed - 1] === '\r') end--;
  while (end > from && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return { line: text.slice(from, end), next };
}

function decodeBody(text: string): Uint8Array | undefined {
  const digits = text.replace(/[ \t\r\n]/g, '');
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  return Buffer.from(digits, 'base64');
}
