import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import { CodedError } from '../errors.ts';
import { memberPath } from './member-path.ts';

/** A text that is no YAML, or whose values are not of the types that a reader asks for. */
export class YamlError extends CodedError<'ERR_YAML'> {
  /** Member at fault, `docker["quay.io"].lookaside`; '' for the document itself. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;

  constructor(message: string, place: { path: string; line: number; column: number }) {
    super('ERR_YAML', `${place.path || `line ${place.line}, column ${place.column}`}: ${message}`);
    this.path = place.path;
    this.line = place.line;
    this.column = place.column;
  }
}

/** Merges may multiply; no file of people needs as many steps. yaml.v3 has a limit for the same reason. */
const MAX_STEPS = 100_000;
const TAG_PREFIX = 'tag:yaml.org,2002:';
const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'True', 'TRUE'].map((word) => [word, true] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, false] as const),
]);
/** Words of YAML 1.1 that yaml.v3 takes for a boolean, quoted or not, where one is asked for. */
const OLD_BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
]);

/**
 * Reads the first document of a text as Go's yaml.v3 does; what follows it is not looked at. Undefined when there is
 * none. Throws `YamlError`.
 */
export function parseYaml(input: string | Uint8Array): YamlValue | undefined {
  const lines = new LineCounter();
  try {
    const text = decoded(input);
    const document = firstDocument(text, lines);
    const [error] = document?.errors ?? [];
    if (error !== undefined) {
      const [summary = ''] = error.message.split('\n', 1);
      throw failure(summary.replace(/ at line.*$/, ''), '', lines, error.pos[0]);
    }
    if (document?.contents == null) return undefined;
    const context = { lines, targets: targetsOf(document, lines), steps: 0 };
    return new YamlValue(document.contents, '', context);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw failure('expected less deep nesting', '', lines, 0);
  }
}

interface Context {
  readonly lines: LineCounter;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
  steps: number;
}

/** One value of a document, read as the type that the reader asks for. */
export class YamlValue {
  /** Where it stands in the document, `docker["quay.io"].lookaside`; '' for the document itself. */
  readonly path: string;
  readonly #node: Node | null;
  readonly #context: Context;

  constructor(node: Node | null, path: string, context: Context) {
    this.#node = isAlias(node) ? (context.targets.get(node) ?? null) : node;
    this.path = path;
    this.#context = context;
  }

  get isNull(): boolean {
    const node = this.#node;
    return node === null || (isScalar(node) && tagOf(node) === '' && NULLS.has(sourceOf(node)));
  }

  /** The members of a mapping in the order of the text, then those it merges; repeated ones are an error. */
  fields(): ReadonlyMap<string, YamlValue> {
    const fields = new Map<string, YamlValue>();
    this.#addFields(this.#node, fields, new Set());
    return fields;
  }

  /** A scalar as written; numbers and booleans are text too, and null is none. */
  text(): string | undefined {
    if (this.isNull) return undefined;
    if (!isScalar(this.#node)) throw this.error('expected a text');
    const tag = tagOf(this.#node);
    const source = sourceOf(this.#node);
    const fits =
      tag === 'null'
        ? NULLS.has(source)
        : tag === 'bool'
          ? BOOLEANS.has(source)
          : tag === '' || tag === 'str' || tag.startsWith('!') || /^[-+.\d]/.test(source);
    if (!fits) throw this.error(`expected a value that is !!${tag}`);
    return tag === 'null' ? undefined : source;
  }

  /** `true` and `false` unless quoted, and the words of YAML 1.1 even then; null is none. */
  boolean(): boolean | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const isPlain = isScalar(this.#node) && ['', 'bool'].includes(tagOf(this.#node));
    const value = (isPlain ? BOOLEANS.get(text) : undefined) ?? OLD_BOOLEANS.get(text);
    if (value === undefined) throw this.error('expected true or false, unquoted');
    return value;
  }

  /** A failure at the place of this value. */
  error(message: string): YamlError {
    return failure(message, this.path, this.#context.lines, this.#node?.range?.[0] ?? 0);
  }

  #addFields(node: Node | null, fields: Map<string, YamlValue>, merging: Set<Node>): void {
    if (!isMap(node)) throw this.error('expected a mapping');
    if (merging.has(node)) throw this.error('expected a mapping that does not hold itself');
    merging.add(node);
    let merged: Node | null | undefined;
    for (const [key, value] of this.#pairs(node)) {
      if (isMergeKey(key)) merged = value;
      else this.#addField(key, value, fields);
    }
    for (const source of this.#mergeSources(merged)) this.#addFields(source, fields, merging);
    merging.delete(node);
  }

  /** The library refuses a key that is written twice, also where an outer mapping has it already. */
  #pairs(node: YAMLMap): readonly (readonly [Node, Node | null])[] {
    const seen = new Set<string>();
    return node.items.map(({ key, value }) => {
      this.#context.steps++;
      if (this.#context.steps > MAX_STEPS) throw this.error('expected fewer merged members');
      const name = isAlias(key) ? `*${key.source}` : isScalar(key) ? `=${sourceOf(key)}` : '';
      if (seen.has(name)) throw this.error(`expected the member ${name.slice(1)} once`);
      seen.add(name);
      // nodes are what the composer makes of keys and values
      return [key as Node, value as Node | null];
    });
  }

  #addField(key: Node, value: Node | null, fields: Map<string, YamlValue>): void {
    const name = new YamlValue(key, this.path, this.#context).text();
    if (name === undefined || fields.has(name)) return;
    const path = memberPath(this.path, name);
    fields.set(name, new YamlValue(value, path, this.#context));
  }

  #mergeSources(merged: Node | null | undefined): readonly (Node | null)[] {
    if (merged === undefined) return [];
    const sources = isSeq(merged) ? (merged.items as (Node | null)[]) : [merged];
    return sources.map((node) =>
      isAlias(node) ? (this.#context.targets.get(node) ?? null) : node,
    );
  }
}

/** UTF-8, or UTF-16 behind its byte order mark; control characters are no YAML. */
function decoded(input: string | Uint8Array): string {
  let text = '';
  try {
    text =
      typeof input === 'string'
        ? input
        : new TextDecoder(encodingOf(input), { fatal: true }).decode(input);
  } catch {
    throw failure('expected UTF-8', '', new LineCounter(), 0);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const control = text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/);
  if (control === -1) return text;
  const lines = text.slice(0, control).split('\n');
  const place = { path: '', line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  throw new YamlError('expected no control characters', place);
}

function encodingOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

/** Composed by itself, because the composer blames a document for what is wrong in the next one. */
function firstDocument(text: string, lines: LineCounter): Document | undefined {
  const composer = new Composer({ schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' });
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    for (const _ of composer.next(token));
    if (token.type === 'document') break;
  }
  const [document] = composer.end();
  return document;
}

function targetsOf(document: Document, lines: LineCounter): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target === undefined) {
          throw failure(
            `expected an anchor ${node.source} before`,
            '',
            lines,
            node.range?.[0] ?? 0,
          );
        }
        targets.set(node, target);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function isMergeKey(key: Node): boolean {
  return isScalar(key) && sourceOf(key) === '<<' && ['', 'merge'].includes(tagOf(key));
}

/** The tag without its prefix: '' for a plain scalar, `str` for a quoted one without a tag of its own. */
function tagOf(node: Scalar): string {
  if (node.tag !== undefined && node.tag !== '!') {
    return node.tag.startsWith(TAG_PREFIX) ? node.tag.slice(TAG_PREFIX.length) : `!${node.tag}`;
  }
  return node.type === Scalar.PLAIN ? '' : 'str';
}

function sourceOf(node: Scalar): string {
  return String(node.value ?? '');
}

function failure(message: string, path: string, lines: LineCounter, offset: number): YamlError {
  const { line, col } = lines.linePos(offset);
  return new YamlError(message, { path, line: Math.max(line, 1), column: Math.max(col, 1) });
}
