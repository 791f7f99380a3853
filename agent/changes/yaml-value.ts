import { CodedError } from '../../shared/errors.ts';
import { composeYaml } from '../../shared/trust/yaml-document.ts';
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Scalar,
} from '../../shared/yaml-nodes.ts';

/** More nodes than any configuration has, aliases counted as often as they are used. */
const MAX_NODES = 20_000;
const MAX_DEPTH = 24;
const NULLS: readonly string[] = ['', '~', 'null', 'Null', 'NULL'];

class YamlValueError extends CodedError<'ERR_YAML_VALUE'> {}

/**
 * The first document of a text as lists, tables and texts: every value as it is written, null for none. Throws
 * `CodedError` for what is no YAML, has keys that are no texts or says a key twice, or is far too much.
 */
export function yamlValue(text: string): unknown {
  const { root, targets } = composeYaml(text);
  return valueIn(root, 0, { targets, nodes: 0 });
}

interface Context {
  readonly targets: ReadonlyMap<Alias, Node>;
  nodes: number;
}

function valueIn(node: Node | null, depth: number, context: Context): unknown {
  context.nodes++;
  if (context.nodes > MAX_NODES || depth > MAX_DEPTH) throw refuse('expected fewer values');
  if (isAlias(node)) return valueIn(context.targets.get(node) ?? null, depth + 1, context);
  // Nodes are what the composer makes of items, keys and values.
  if (isSeq(node)) return node.items.map((item) => valueIn(item as Node, depth + 1, context));
  if (isMap(node)) {
    const members = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      if (!isScalar(key)) throw refuse('expected keys that are texts');
      const name = String(key.value ?? '');
      if (members.has(name)) throw refuse('expected each key once');
      members.set(name, valueIn(value as Node | null, depth + 1, context));
    }
    return Object.fromEntries(members);
  }
  if (!isScalar(node)) return null;
  const text = String(node.value ?? '');
  return node.type === Scalar.PLAIN && NULLS.includes(text) ? null : text;
}

function refuse(message: string): YamlValueError {
  return new YamlValueError('ERR_YAML_VALUE', message);
}
