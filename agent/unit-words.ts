/** Words of a value, and whether it was whole; behind its first fault nothing counts. */
export interface UnitWords {
  /** Undefined for a word that is no UTF-8. */
  readonly words: readonly (string | undefined)[];
  readonly isWhole: boolean;
}

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  s: ' ',
};
const BYTE = /^(?:x([0-9a-fA-F]{2})|([0-7]{3}))/;
const POINT = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/**
 * The words of a value, as systemd unquotes them (systemd.syntax(7), "Quoting"): quotes of either kind anywhere in a word,
 * C-style escapes inside and outside of them. An escape that is none, or a quote that is not closed, ends the value.
 */
export function splitUnitWords(value: string): UnitWords {
  const words: (string | undefined)[] = [];
  let rest = value;
  for (;;) {
    rest = rest.replace(/^[ \t\n\r]+/, '');
    if (rest === '') return { words, isWhole: true };
    const word = takeWord(rest);
    if (word === undefined) return { words, isWhole: false };
    words.push(decoded(word.bytes));
    rest = rest.slice(word.length);
  }
}

interface Taken {
  readonly bytes: Buffer;
  /** Characters of the text. */
  readonly length: number;
}

function takeWord(text: string): Taken | undefined {
  const pieces: Buffer[] = [];
  let quote = '';
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '\\') {
      const escaped = takeEscape(text.slice(at + 1));
      if (escaped === undefined) return undefined;
      pieces.push(escaped.bytes);
      at += 1 + escaped.length;
      continue;
    }
    if (quote === '' && /[ \t\n\r]/.test(character)) break;
    if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else {
      const point = String.fromCodePoint(text.codePointAt(at) ?? 0);
      pieces.push(Buffer.from(point));
      at += point.length - 1;
    }
    at++;
  }
  return quote === '' ? { bytes: Buffer.concat(pieces), length: at } : undefined;
}

/** What stands behind a backslash; undefined for what systemd does not know, and for NUL. */
function takeEscape(text: string): Taken | undefined {
  const simple = SIMPLE[text.charAt(0)];
  if (simple !== undefined) return { bytes: Buffer.from(simple), length: 1 };
  const byte = BYTE.exec(text);
  if (byte !== null) {
    const [whole, hex, octal] = byte;
    const value = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
    return value > 0 && value < 256
      ? { bytes: Buffer.from([value]), length: whole.length }
      : undefined;
  }
  const [whole, short, long] = POINT.exec(text) ?? [];
  const value = Number.parseInt(short ?? long ?? '', 16);
  const isPoint = value > 0 && value <= 0x10ffff && !(value >= 0xd800 && value < 0xe000);
  if (whole === undefined || !isPoint) return undefined;
  return { bytes: Buffer.from(String.fromCodePoint(value)), length: whole.length };
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
