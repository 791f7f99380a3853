import { CodedError } from '../errors.ts';
import { JsonFault, JsonScanner } from './json-scanner.ts';
import { memberPath } from './member-path.ts';
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
  const text = typeof input === 'string' ? input.toWellFormed() : decodeUtf8(input);
  const source: { readonly text: string; root?: JsonNode } = { text };
  try {
    source.root = new Parser(source).document();
    return source.root;
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new JsonError('json-syntax', { source, offset: error.offset }, error.message);
  }
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

function pathOf(place: JsonPlace): string {
  let path = '';
  let node = place.source.root;
  while (node !== undefined && node.offset < place.offset) {
    if (node.kind === 'object') {
      const member = node.members.findLast((candidate) => candidate.offset <= place.offset);
      if (member !== undefined) path = memberPath(path, member.name);
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

/** An object whose end has not been read, and the name that the next value goes by. */
interface OpenObject {
  readonly close: '}';
  readonly node: JsonObject;
  readonly members: JsonMember[];
  name: string;
  nameOffset: number;
}
/** A list whose end has not been read. */
interface OpenList {
  readonly close: ']';
  readonly node: JsonList;
  readonly items: JsonNode[];
}
type Open = OpenObject | OpenList;

/** Keeps its own stack: the deepest allowed document would overflow the one of the engine. */
class Parser {
  readonly #source: JsonSource;
  readonly #scanner: JsonScanner;

  constructor(source: JsonSource) {
    this.#source = source;
    this.#scanner = new JsonScanner(source.text);
  }

  document(): JsonNode {
    const open: Open[] = [];
    for (;;) {
      const opened = this.#openContainer(open.length);
      if (opened !== undefined && !this.#scanner.take(opened.close)) {
        if (opened.close === '}') this.#memberName(opened);
        open.push(opened);
        continue;
      }
      const root = this.#complete(opened?.node ?? this.#scalar(), open);
      if (root === undefined) continue;
      if (this.#scanner.peek() !== '') throw this.#scanner.unexpected('the end of the document');
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
      if (this.#scanner.take(',')) {
        if (parent.close === '}') this.#memberName(parent);
        return undefined;
      }
      if (!this.#scanner.take(parent.close)) {
        throw this.#scanner.unexpected(`"," or "${parent.close}"`);
      }
      open.pop();
      node = parent.node;
    }
  }

  #openContainer(depth: number): Open | undefined {
    const first = this.#scanner.peek();
    if (first !== '{' && first !== '[') return undefined;
    const source = this.#source;
    const { offset } = this.#scanner;
    if (depth >= MAX_DEPTH) {
      throw new JsonFault(offset, `expected at most ${MAX_DEPTH} levels of nesting`);
    }
    this.#scanner.take(first);
    if (first === '[') {
      const items: JsonNode[] = [];
      return { close: ']', node: { kind: 'list', source, offset, items }, items };
    }
    const members: JsonMember[] = [];
    const node: JsonObject = { kind: 'object', source, offset, members };
    return { close: '}', node, members, name: '', nameOffset: offset };
  }

  #memberName(open: OpenObject): void {
    const scanner = this.#scanner;
    if (scanner.peek() !== '"') throw scanner.unexpected('a member name in double quotes');
    open.nameOffset = scanner.offset;
    open.name = scanner.string();
    if (!scanner.take(':')) throw scanner.unexpected('":"');
  }

  #scalar(): JsonNode {
    const scanner = this.#scanner;
    const source = this.#source;
    const { offset } = scanner;
    switch (scanner.peek()) {
      case '"':
        return { kind: 'string', source, offset, value: scanner.string() };
      case 't':
        scanner.word('true');
        return { kind: 'boolean', source, offset, value: true };
      case 'f':
        scanner.word('false');
        return { kind: 'boolean', source, offset, value: false };
      case 'n':
        scanner.word('null');
        return { kind: 'null', source, offset };
      default:
        return { kind: 'number', source, offset, text: scanner.number() };
    }
  }
}
