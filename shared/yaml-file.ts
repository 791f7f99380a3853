import { CodedError, messageOf } from './errors.ts';
import {
  Composer,
  type Document,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  Parser,
  TOO_DEEP,
  UNPRINTABLE,
  visit,
} from './yaml-nodes.ts';

/** People write none; those of a machine must not multiply. */
const MAX_ALIASES = 50;

/** A text that is not one YAML document; the message begins with the place, where there is one. */
export class YamlFileError extends CodedError<'ERR_YAML_FILE'> {
  /** What is wrong, without the place. */
  readonly fault: string;
  /** From 1; absent for the text as a whole. */
  readonly place: { readonly line: number; readonly column: number } | undefined;

  constructor(fault: string, place?: YamlFileError['place']) {
    super(
      'ERR_YAML_FILE',
      place === undefined ? fault : `line ${place.line}, column ${place.column}: ${fault}`,
    );
    this.fault = fault;
    this.place = place;
  }
}

export interface YamlFile {
  /** As YAML 1.2 has it; null for a text that says nothing. */
  readonly value: unknown;
  /** Where in the text something stands; absent for a text that says nothing. */
  readonly document: Document | undefined;
  readonly lines: LineCounter;
}

/**
 * Reads a file that people write for us: one document in which nothing is said twice, needs to be guessed or is too
 * much. The files of a node, which other programs read too, are for `parseYaml`. Throws `YamlFileError`.
 */
export function readYamlFile(written: string): YamlFile {
  const lines = new LineCounter();
  // The library takes a list behind a byte order mark for indented.
  const text = written.replace(/^\ufeff/, '');
  const control = text.search(UNPRINTABLE);
  if (control !== -1) {
    const before = text.slice(0, control).split('\n');
    const place = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    throw new YamlFileError('expected no control characters', place);
  }
  // In a time that grows with the text: the library's own search for repeated keys compares each with all before it.
  const composer = new Composer({ uniqueKeys: false, logLevel: 'silent' });
  const [document, next] = composer.compose(new Parser(lines.addNewLine).parse(text)).take(2);
  if (next !== undefined) throw new YamlFileError('expected one YAML document');
  const [problem] = [...(document?.errors ?? []), ...(document?.warnings ?? [])];
  if (problem !== undefined) {
    const { line, col: column } = lines.linePos(problem.pos[0]);
    const [fault = ''] = problem.message.split('\n');
    throw faultOf(fault, { line, column });
  }
  const repeated = document && repeatedKey(document);
  if (repeated !== undefined) {
    const { line, col: column } = lines.linePos(repeated.range?.[0] ?? 0);
    throw new YamlFileError('Map keys must be unique', { line, column });
  }
  try {
    return { value: document?.toJS({ maxAliasCount: MAX_ALIASES }) ?? null, document, lines };
  } catch (cause) {
    throw faultOf(messageOf(cause));
  }
}

function repeatedKey(document: Document): Node | undefined {
  let repeated: Node | undefined;
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        const value = isScalar(key) ? key.value : key;
        if (seen.has(value) && isNode(key)) repeated ??= key;
        seen.add(value);
      }
      return repeated === undefined ? undefined : visit.BREAK;
    },
  });
  return repeated;
}

function faultOf(fault: string, place?: YamlFileError['place']): YamlFileError {
  return TOO_DEEP.test(fault)
    ? new YamlFileError('expected less deep nesting')
    : new YamlFileError(fault, place);
}
