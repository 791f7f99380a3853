import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  Scalar,
  type YAMLMap,
} from '../yaml-nodes.ts';
import { memberPath } from './member-path.ts';
import { composeYaml, type YamlError, yamlError } from './yaml-document.ts';

export { YamlError } from './yaml-document.ts';

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
  const { root, targets, lines } = composeYaml(input);
  return root === null ? undefined : new YamlValue(root, '', { lines, targets, steps: 0 });
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

  /** The items of a sequence in their order; null has none. */
  items(): readonly YamlValue[] {
    if (this.isNull) return [];
    if (!isSeq(this.#node)) throw this.error('expected a list');
    return this.#node.items.map(
      // nodes are what the composer makes of items
      (item, at) => new YamlValue(item as Node | null, `${this.path}[${at}]`, this.#context),
    );
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
    return yamlError(message, this.path, this.#context.lines, this.#node?.range?.[0] ?? 0);
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
