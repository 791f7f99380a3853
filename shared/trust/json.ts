import { CodedError } from '../errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Why a strict JSON document was refused. Classes, not messages; stable. */
export type JsonReason =
  | 'json-syntax'
  | 'wrong-type'
  | 'unknown-field'
  | 'duplicate-key'
  | 'missing-field'
  | 'empty-list'
  | 'unknown-type'
  | 'exclusive-fields'
  | 'invalid-value'
  | 'invalid-scope';

/** A document that is no JSON, or whose content is not what a strict reader expects. */
export class JsonError extends CodedError<'ERR_JSON_SYNTAX' | 'ERR_JSON_VALUE'> {
  readonly reason: JsonReason;
  /** Member at fault, `transports.docker["quay.io"][0].type`; '' for the document itself and for syntax. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;

  constructor(reason: JsonReason, place: JsonPlace, message: string) {
    const path = pathOf(place);
    const { line, column } = positionOf(place);
    const where = path === '' ? `line ${line}, column ${column}` : path;
    super(reason === 'json-syntax' ? 'ERR_JSON_SYNTAX' : 'ERR_JSON_VALUE', `${where}: ${message}`);
    this.reason = reason;
    this.path = path;
    this.line = line;
    this.column = column;
  }
}

/** A document being read: what turns an offset into line, column and path, only when somebody asks. */
export interface JsonSource {
  readonly text: string;
  /** Absent until the whole document turned out to be JSON. */
  readonly root?: JsonNode;
}

/** Somewhere in a document; `offset` counts UTF-16 code units of its text. */
export interface JsonPlace {
  readonly source: JsonSource;
  readonly offset: number;
}
/** A member as written: repeated names are all kept. The place is that of the name. */
export interface JsonMember extends JsonPlace {
  readonly name: string;
  readonly value: JsonNode;
}
export interface JsonObject extends JsonPlace {
  readonly kind: 'object';
  readonly members: readonly JsonMember[];
}
export interface JsonList extends JsonPlace {
  readonly kind: 'list';
  readonly items: readonly JsonNode[];
}
export interface JsonString extends JsonPlace {
  readonly kind: 'string';
  readonly value: string;
}
/** `text` is the number as written, so that no digit is lost. */
export interface JsonNumber extends JsonPlace {
  readonly kind: 'number';
  readonly text: string;
}
export interface JsonBoolean extends JsonPlace {
  readonly kind: 'boolean';
  readonly value: boolean;
}
export interface JsonNull extends JsonPlace {
  readonly kind: 'null';
}
/** One value of a document and where it begins. */
export type JsonNode = JsonObject | JsonList | JsonString | JsonNumber | JsonBoolean | JsonNull;

/** Deepest nesting that Go's encoding/json reads. */
const MAX_DEPTH = 10_000;

/**
 * Reads a document as Go's encoding/json does: no byte order mark, no comments, nothing after the value; invalid
 * UTF-8 and lone surrogates become U+FFFD. Throws `JsonError` with the reason `json-syntax`.
 */
export function parseJson(input: string | Uint8Array): JsonNode {
  return new Parser(
    typeof input === 'string' ? input.toWellFormed() : decodeUtf8(input),
  ).document();
}

/** Line and column of a place, both from 1; columns count UTF-16 code units. */
export function positionOf(place: JsonPlace): { readonly line: number; readonly column: number } {
  const { text } = place.source;
  let line = 1;
  let lineStart = 0;
  for (;;) {
    const end = text.indexOf('\n', lineStart);
    if (end === -1 || end >= place.offset) break;
    line++;
    lineStart = end + 1;
  }
  return { line, column: place.offset - lineStart + 1 };
}

/** A value in messages: quoted, control characters escaped, no more than a word of it. */
export function quoted(value: string): string {
  return JSON.stringify(value.length <= 80 ? value : `${value.slice(0, 80).toWellFormed()}…`);
}

function pathOf(place: JsonPlace): string {
  let path = '';
  let node = place.source.root;
  while (node !== undefined && node.offset < place.offset) {
    if (node.kind === 'object') {
      const member = node.members.findLast((candidate) => candidate.offset <= place.offset);
      if (member !== undefined) path += stepTo(member.name, path === '');
      node = member?.value;
    } else if (node.kind === 'list') {
      const index = node.items.findLastIndex((item) => item.offset <= place.offset);
      path += `[${index}]`;
      node = node.items[index];
    } else {
      node = undefined;
    }
  }
  return path;
}

function stepTo(name: string, isFirst: boolean): string {
  if (!/^[A-Za-z_]\w{0,79}$/.test(name)) return `[${quoted(name)}]`;
  return isFirst ? name : `.${name}`;
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

/** An object or list whose end has not been read, and the name the next value goes by. */
interface Open {
  readonly node: JsonObject | JsonList;
  readonly close: '}' | ']';
  readonly members: JsonMember[];
  readonly items: JsonNode[];
  name: string;
  nameOffset: number;
}

/** Keeps its own stack: the deepest allowed document would overflow the one of the engine. */
class Parser {
  readonly #source: { readonly text: string; root?: JsonNode };
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#source = { text };
    this.#text = text;
  }

  document(): JsonNode {
    const open: Open[] = [];
    for (;;) {
      const opened = this.#openContainer(open.length);
      if (opened !== undefined && !this.#closes(opened)) {
        if (opened.close === '}') this.#memberName(opened);
        open.push(opened);
        continue;
      }
      const root = this.#complete(opened?.node ?? this.#scalar(), open);
      if (root === undefined) continue;
      this.#skipBlanks();
      if (this.#at < this.#text.length) throw this.#unexpected('the end of the document');
      this.#source.root = root;
      return root;
    }
  }

  /** Puts a finished value into what surrounds it, ending that too as often as its end follows. */
  #complete(value: JsonNode, open: Open[]): JsonNode | undefined {
    let node = value;
    for (;;) {
      const parent = open.at(-1);
      if (parent === undefined) return node;
      if (parent.close === ']') parent.items.push(node);
      else {
        const { name, nameOffset: offset } = parent;
        parent.members.push({ source: this.#source, offset, name, value: node });
      }
      if (this.#skipBlanks() === ',') {
        this.#at++;
        if (parent.close === '}') this.#memberName(parent);
        return undefined;
      }
      if (!this.#closes(parent)) throw this.#unexpected(`"," or "${parent.close}"`);
      open.pop();
      node = parent.node;
    }
  }

  #openContainer(depth: number): Open | undefined {
    const first = this.#skipBlanks();
    if (first !== '{' && first !== '[') return undefined;
    const place = { source: this.#source, offset: this.#at };
    if (depth >= MAX_DEPTH) {
      throw new JsonError('json-syntax', place, `expected at most ${MAX_DEPTH} levels of nesting`);
    }
    this.#at++;
    const members: JsonMember[] = [];
    const items: JsonNode[] = [];
    return first === '{'
      ? { node: { kind: 'object', ...place, members }, close: '}', members, items, ...UNNAMED }
      : { node: { kind: 'list', ...place, items }, close: ']', members, items, ...UNNAMED };
  }

  #closes(open: Open): boolean {
    if (this.#skipBlanks() !== open.close) return false;
    this.#at++;
    return true;
  }

  #memberName(open: Open): void {
    if (this.#skipBlanks() !== '"') throw this.#unexpected('a member name in double quotes');
    open.nameOffset = this.#at;
    open.name = this.#string();
    if (this.#skipBlanks() !== ':') throw this.#unexpected('":"');
    this.#at++;
  }

  #scalar(): JsonNode {
    const place = { source: this.#source, offset: this.#at };
    switch (this.#text[this.#at]) {
      case '"':
        return { kind: 'string', ...place, value: this.#string() };
      case 't':
        return this.#word('true', { kind: 'boolean', ...place, value: true });
      case 'f':
        return this.#word('false', { kind: 'boolean', ...place, value: false });
      case 'n':
        return this.#word('null', { kind: 'null', ...place });
    }
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) throw this.#unexpected('a value');
    this.#at += text.length;
    return { kind: 'number', ...place, text };
  }

  #word(word: string, node: JsonNode): JsonNode {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected(word);
    this.#at += word.length;
    return node;
  }

  #string(): string {
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
        throw this.#unexpected('the rest of a string');
      }
    }
    this.#at = at + 1;
    const rest = this.#text.slice(from, at);
    return value === '' ? rest : (value + rest).toWellFormed();
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter !== 'u') {
      const meant = ESCAPES.get(letter);
      if (meant === undefined) throw this.#unexpected('an escape sequence of JSON');
      this.#at += 2;
      return meant;
    }
    HEX.lastIndex = this.#at + 2;
    const hex = HEX.exec(this.#text)?.[0];
    if (hex === undefined) throw this.#unexpected('four hexadecimal digits after \\u');
    this.#at += 6;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  /** The first character that is not white space; '' at the end. */
  #skipBlanks(): string {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
      this.#at++;
    }
    return this.#text[this.#at] ?? '';
  }

  #unexpected(expected: string): JsonError {
    const code = this.#text.codePointAt(this.#at);
    const found = code === undefined ? 'the end of the text' : quoted(String.fromCodePoint(code));
    const place = { source: this.#source, offset: this.#at };
    return new JsonError('json-syntax', place, `expected ${expected}, found ${found}`);
  }
}

const UNNAMED = { name: '', nameOffset: 0 } as const;
