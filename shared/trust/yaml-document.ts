import { CodedError, messageOf } from '../errors.ts';
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  LineCounter,
  type Node,
  Parser,
  TOO_DEEP,
  UNPRINTABLE,
  visit,
} from '../yaml-nodes.ts';
import { documentEnd, findLibyamlFault } from './libyaml.ts';

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

/** The failure at an offset of a text. */
export function yamlError(
  message: string,
  path: string,
  lines: LineCounter,
  offset: number,
): YamlError {
  const { line, col } = lines.linePos(offset);
  return new YamlError(message, { path, line: Math.max(line, 1), column: Math.max(col, 1) });
}

/** libyaml takes a comment right behind a bracket or a quotation mark. */
const FORGIVEN = /^Comments must be separated/;

/** The first document of a text, still as nodes. */
export interface ComposedYaml {
  /** Null when the text says nothing. */
  readonly root: Node | null;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
  readonly lines: LineCounter;
}

/** Reads the first document of a text as libyaml does. Throws `YamlError`. */
export function composeYaml(input: string | Uint8Array): ComposedYaml {
  const lines = new LineCounter();
  try {
    const text = decoded(input);
    const document = firstDocument(text, lines);
    const error = document?.errors.find(({ message }) => !FORGIVEN.test(message));
    if (error !== undefined) {
      const [summary = ''] = error.message.split('\n', 1);
      if (TOO_DEEP.test(summary)) throw new RangeError(summary);
      throw yamlError(summary.replace(/ at line.*$/, ''), '', lines, error.pos[0]);
    }
    const fault = findLibyamlFault(document, text, lines);
    if (fault !== undefined) throw yamlError(fault.message, '', lines, fault.offset);
    const targets = document === undefined ? new Map() : targetsOf(document, lines);
    return { root: document?.contents ?? null, targets, lines };
  } catch (error) {
    if (!(error instanceof RangeError || TOO_DEEP.test(messageOf(error)))) throw error;
    throw yamlError('expected less deep nesting', '', lines, 0);
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
    throw yamlError('expected UTF-8', '', new LineCounter(), 0);
  }
  const control = text.search(UNPRINTABLE);
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
  const composer = new Composer({
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'silent',
    keepSourceTokens: true,
  });
  const firstError = keepFirst(composer, lines);
  let isRead = false;
  let next: CST.Token | undefined;
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (isRead && ['document', 'doc-end', 'directive', 'error'].includes(token.type)) {
      next = token;
      break;
    }
    if (token.type === 'error') throw unexpected(token, lines);
    for (const _ of composer.next(token));
    isRead ||= token.type === 'document';
  }
  const [document] = composer.end();
  const error = firstError();
  if (error !== undefined) throw error;
  // the parser gives up a document at such a token, which is in the next one only behind a marker
  if (next?.type === 'error' && next.offset < documentEnd(document, text)) {
    throw yamlError('expected no more content here', '', lines, next.offset);
  }
  return document;
}

/**
 * The composer makes an error with a stack for everything that is wrong, a thousand in a damaged file; one is enough
 * to refuse it. Not part of the composer's types: were it gone, all of them would be made and the first one found.
 */
function keepFirst(composer: Composer, lines: LineCounter): () => YamlError | undefined {
  let first: YamlError | undefined;
  const onError = (
    source: ErrorSource,
    _code: string,
    message: string,
    isWarning?: boolean,
  ): void => {
    if (first !== undefined || isWarning || FORGIVEN.test(message)) return;
    first = yamlError(message, '', lines, offsetOf(source));
  };
  Object.assign(composer, { onError });
  return () => first;
}

type ErrorSource = number | readonly [number, number] | { readonly offset: number };

function offsetOf(source: ErrorSource): number {
  if (typeof source === 'number') return source;
  return 'offset' in source ? source.offset : source[0];
}

function unexpected({ message, source, offset }: CST.ErrorToken, lines: LineCounter): YamlError {
  return yamlError(source ? `${message}: ${JSON.stringify(source)}` : message, '', lines, offset);
}

function targetsOf(document: Document, lines: LineCounter): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target === undefined) {
          throw yamlError(
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
