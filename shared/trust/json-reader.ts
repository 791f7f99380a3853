import {
  JsonError,
  type JsonList,
  type JsonMember,
  type JsonNode,
  type JsonObject,
} from './json.ts';
import { quoted } from './member-path.ts';

/**
 * Turns one value of a document into what it means; throws `JsonError` at the place at fault. Readers follow Go's
 * decoder where it is lenient: null leaves a string empty, a number zero and a list absent.
 */
export type JsonReader<T> = (node: JsonNode) => T;

type Readers = Readonly<Record<string, JsonReader<unknown>>>;

/** What an object holds, member by member; a member that the document leaves out is absent. */
export type Members<R extends Readers> = {
  readonly [Name in keyof R]?: R[Name] extends JsonReader<infer T> ? T : never;
};

/** An object that may hold the named members and no others, each at most once after unescaping, in any order. */
export function readObject<const R extends Readers>(node: JsonNode, readers: R): Members<R> {
  const members: Record<string, unknown> = {};
  for (const member of objectNode(node).members) {
    const { name } = member;
    if (Object.hasOwn(members, name)) throw repeated(member);
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) {
      throw new JsonError('unknown-field', member, `expected no member ${quoted(name)} here`);
    }
    members[name] = read(member.value);
  }
  return members as Members<R>; // each value came from the reader of its own name
}

/** As `readObject`, and every named member must be there. */
export function readWholeObject<const R extends Readers>(
  node: JsonNode,
  readers: R,
): Required<Members<R>> {
  const members = readObject(node, readers);
  requireMembers(node, members, Object.keys(readers));
  return members as Required<Members<R>>; // requireMembers threw otherwise
}

/** Throws for the first of `names` that `members`, read from `node`, does not have. */
export function requireMembers(node: JsonNode, members: object, names: readonly string[]): void {
  const missing = names.find((name) => !Object.hasOwn(members, name));
  if (missing !== undefined)
    throw new JsonError('missing-field', node, `expected a member ${missing}`);
}

/** An object of any members, each at most once after unescaping, as a map in the order of the document. */
export function readMap<T>(
  node: JsonNode,
  read: (value: JsonNode, member: JsonMember) => T,
): Map<string, T> {
  const values = new Map<string, T>();
  for (const member of objectNode(node).members) {
    const { name } = member;
    if (values.has(name)) throw repeated(member);
    values.set(name, read(member.value, member));
  }
  return values;
}

function repeated(member: JsonMember): JsonError {
  const message = `expected the member once, found ${quoted(member.name)} again`;
  return new JsonError('duplicate-key', member, message);
}

/** The value as an object, without a look at its members. */
export function objectNode(node: JsonNode): JsonObject {
  if (node.kind !== 'object') throw wrongType(node, 'an object');
  return node;
}

/** The value as a list. */
export function listNode(node: JsonNode): JsonList {
  if (node.kind !== 'list') throw wrongType(node, 'a list');
  return node;
}

/** A string; null is the empty one. */
export const readString: JsonReader<string> = (node) => {
  if (node.kind === 'null') return '';
  if (node.kind !== 'string') throw wrongType(node, 'a string');
  return node.value;
};

/** A list of strings; null is no list. */
export const readStringList: JsonReader<readonly string[] | undefined> = (node) =>
  node.kind === 'null' ? undefined : listNode(node).items.map(readString);

/** A number as a double; null is zero. One that a double cannot hold is of the wrong type, as for Go. */
export const readNumber: JsonReader<number> = (node) => {
  if (node.kind === 'null') return 0;
  const value = node.kind === 'number' ? Number(node.text) : Number.NaN;
  if (!Number.isFinite(value)) throw wrongType(node, 'a number');
  return value;
};

/** A value together with where it stands, for rules that are checked after the whole object was read. */
export interface Placed<T> {
  readonly node: JsonNode;
  readonly value: T;
}

export function placed<T>(read: JsonReader<T>): JsonReader<Placed<T>> {
  return (node) => ({ node, value: read(node) });
}

/**
 * One of several objects, told apart by `type`. It is looked for as a lenient Go decoder does (any case, the last
 * one counts); the reader it picks is strict again, so that in the end only one exact `type` passes.
 */
export function readByType<T>(
  node: JsonNode,
  readers: Readonly<Record<string, JsonReader<T>>>,
  what: string,
): T {
  const written = node.kind === 'null' ? [] : foldedMembers(objectNode(node), 'type');
  const types = written.filter(({ kind }) => kind !== 'null').map(placed(readString));
  const { node: place, value: type } = types.at(-1) ?? { node, value: '' };
  const read = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (read === undefined) {
    throw new JsonError('unknown-type', place, `expected ${what}, found ${quoted(type)}`);
  }
  return read(node);
}

/** The values a lenient Go decoder would put, one over the other, into the field `name`: case does not matter. */
export function foldedMembers(node: JsonObject, name: string): readonly JsonNode[] {
  const folded = fold(name);
  const isMeant = (written: string) => written.length === name.length && fold(written) === folded;
  return node.members.filter((member) => isMeant(member.name)).map(({ value }) => value);
}

/** The two letters beyond ASCII that Unicode folds to ASCII ones are those of `strings.EqualFold` in Go. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's').replaceAll('\u212a', 'k');
}

/** The error for a value of a kind that is not the expected one. */
export function wrongType(node: JsonNode, expected: string): JsonError {
  return new JsonError('wrong-type', node, `expected ${expected}, found ${described(node)}`);
}

function described(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return 'an object';
    case 'list':
      return 'a list';
    case 'string':
      return quoted(node.value);
    case 'number':
      return node.text.length <= 80 ? node.text : 'a number';
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
  }
}
