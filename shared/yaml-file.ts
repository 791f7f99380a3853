import {
  Composer,
  type Document,
  isNode,
  isScalar,
  type LineCounter,
  type Node,
  Parser,
  TOO_DEEP,
  visit,
} from './yaml-nodes.ts';

/** What is wrong with a text, and where it begins. */
export interface YamlProblem {
  readonly message: string;
  /** Absent where the stack ended, which is another place each time. */
  readonly offset?: number;
}

/** The one document of a file. */
export interface YamlFile {
  /** Undefined for an empty text. */
  readonly document: Document | undefined;
  /** The first thing that is wrong with it, a warning too. */
  readonly problem: YamlProblem | undefined;
}

/**
 * Reads a YAML file of ours, which has one document and says every key once. In a time that grows with the text: the
 * library's own search for repeated keys compares each with all before it.
 */
export function readYamlFile(text: string, lines: LineCounter): YamlFile {
  const composer = new Composer({ uniqueKeys: false, logLevel: 'silent' });
  const documents = composer.compose(new Parser(lines.addNewLine).parse(text));
  const [document, next] = documents.take(2);
  if (document === undefined) return { document, problem: undefined };
  if (next !== undefined) {
    const problem = { message: 'expected one YAML document', offset: next.range?.[0] ?? 0 };
    return { document, problem };
  }
  const [found] = [...document.errors, ...document.warnings];
  if (found === undefined) return { document, problem: repeatedKey(document) };
  if (TOO_DEEP.test(found.message)) {
    return { document, problem: { message: 'expected less deep nesting' } };
  }
  return { document, problem: { message: found.message, offset: found.pos[0] } };
}

function repeatedKey(document: Document): YamlProblem | undefined {
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
  if (repeated === undefined) return undefined;
  return { message: 'Map keys must be unique', offset: repeated.range?.[0] ?? 0 };
}
