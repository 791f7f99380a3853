import * as v from 'valibot';
import { readYamlFile } from '../../shared/yaml-file.ts';
import { DEFAULT_POOL } from '../config.ts';
import { NAME } from '../identity/token-file.ts';
import type { ExpectedNode } from './expected.ts';

/** More nodes than this are no inventory of ours. */
const MAX_NODES = 100_000;
const LISTS = /\.(ya?ml|json)$/i;

const name = v.pipe(v.string(), v.regex(NAME, 'expected a node name'));
const listSchema = v.array(
  v.union([name, v.strictObject({ name, pool: v.optional(name, DEFAULT_POOL) })]),
);

/**
 * Nodes of an inventory file. `.yaml`, `.yml` and `.json` hold a list of names or of `{name, pool}`; any other file
 * holds one name a line, a pool after it if need be, `#` before comments. Throws an `Error` that names the place.
 */
export function parseInventory(text: string, file: string): readonly ExpectedNode[] {
  const nodes = LISTS.test(file) ? parseList(text) : parseLines(text);
  if (nodes.length > MAX_NODES) throw new Error(`expected at most ${MAX_NODES} nodes`);
  const seen = new Set<string>();
  for (const node of nodes) {
    if (seen.has(node.name)) throw new Error(`${node.name}: is listed twice`);
    seen.add(node.name);
  }
  return nodes;
}

function parseList(text: string): readonly ExpectedNode[] {
  const { value } = readYamlFile(text);
  if (!Array.isArray(value)) throw new Error('expected a list of names');
  const parsed = v.safeParse(listSchema, value, { abortEarly: true });
  if (!parsed.success) {
    const place = parsed.issues[0].path?.[0]?.key;
    throw new Error(`[${String(place)}]: expected a node name or {name, pool}`);
  }
  return parsed.output.map((entry) =>
    typeof entry === 'string' ? { name: entry, pool: DEFAULT_POOL } : entry,
  );
}

function parseLines(text: string): readonly ExpectedNode[] {
  const nodes: ExpectedNode[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    const [first, pool = DEFAULT_POOL, ...more] = words;
    if (first === undefined) continue;
    if (more.length > 0 || !NAME.test(first) || !NAME.test(pool)) {
      throw new Error(`line ${index + 1}: expected a node name, and its pool if need be`);
    }
    nodes.push({ name: first, pool });
  }
  return nodes;
}
