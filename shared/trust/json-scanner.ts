import { quoted } from './member-path.ts';

/** What is no JSON, and where; `parseJson` gives it its line and column. */
export class JsonFault extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.name = new.target.name;
    this.offset = offset;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const HEX = /[0-9A-Fa-f]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Reads the words of a JSON text, one after the other; throws `JsonFault`. RFC 8259. */
export class JsonScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get offset(): number {
    return this.#at;
  }

  /** The first character that is not white space, which stays unread; '' at the end. */
  peek(): string {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
      this.#at++;
    }
    return this.#text[this.#at] ?? '';
  }

  /** Goes past `character` behind any white space, if that comes next. */
  take(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at++;
    return true;
  }

  word(word: 'true' | 'false' | 'null'): void {
    if (!this.#text.startsWith(word, this.#at)) throw this.unexpected(word);
    this.#at += word.length;
  }

  /** The number as written. */
  number(): string {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) throw this.unexpected('a value');
    this.#at += text.length;
    return text;
  }

  /** The content of the string that begins here; lone surrogates become U+FFFD. */
  string(): string {
    let value = '';
    let from = this.#at + 1;
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        value += this.#text.slice(from, at);
        this.#at = at;
        value += this.#escape();
        from = this.#at;
        at = from;
      } else if (code >= 0x20) {
        at++;
      } else {
        this.#at = at;
        throw this.unexpected('the rest of a string');
      }
    }
    this.#at = at + 1;
    const rest = this.#text.slice(from, at);
    return value === '' ? rest : (value + rest).toWellFormed();
  }

  /** The fault of what comes next. */
  unexpected(expected: string): JsonFault {
    const code = this.#text.codePointAt(this.#at);
    const found = code === undefined ? 'the end of the text' : quoted(String.fromCodePoint(code));
    return new JsonFault(this.#at, `expected ${expected}, found ${found}`);
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter !== 'u') {
      const meant = ESCAPES.get(letter);
      if (meant === undefined) throw this.unexpected('an escape sequence of JSON');
      this.#at += 2;
      return meant;
    }
    HEX.lastIndex = this.#at + 2;
    const hex = HEX.exec(this.#text)?.[0];
    if (hex === undefined) throw this.unexpected('four hexadecimal digits after \\u');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }
}
