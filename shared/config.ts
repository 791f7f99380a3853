import * as v from 'valibot';
import { CodedError, messageOf } from './errors.ts';
import { nearest } from './nearest.ts';
import { readRegular } from './read-file.ts';
import { readYamlFile, type YamlFile, YamlFileError } from './yaml-file.ts';
import { isNode } from './yaml-nodes.ts';

export type ConfigErrorCode =
  | 'ERR_CONFIG_READ'
  | 'ERR_CONFIG_SYNTAX'
  | 'ERR_CONFIG_KEY'
  | 'ERR_CONFIG_VALUE';

/** A configuration file that cannot be used; the message names each place and what was expected there. */
export class ConfigError extends CodedError<ConfigErrorCode> {}

/** Of a value that is not what was expected, characters. */
const MOST_SHOWN = 80;

/** Configuration is written by people: what is larger was not. */
const LIMIT_BYTES = 1_048_576;

/**
 * Reads a YAML file against a schema of `v.strictObject`s, defaults filled in. An empty file is an empty mapping.
 * Throws `ConfigError`; an unknown key is an error that names the nearest known one.
 */
export async function readConfig<T>(file: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
  let bytes: Buffer;
  try {
    bytes = await readRegular(file, LIMIT_BYTES);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_READ', `${file}: ${whyUnreadable(cause)}`, { cause });
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `${file}: expected UTF-8 text`, { cause });
  }
  return parseConfig(text, file, schema);
}

/** A file that a member of the configuration names. Throws `ConfigError` that names both. */
export async function readNamedFile(member: string, file: string): Promise<Buffer> {
  try {
    return await readRegular(file, LIMIT_BYTES);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_READ', `${member}: ${file}: ${whyUnreadable(cause)}`, {
      cause,
    });
  }
}

/** As `readConfig`, of a text; `file` only names it in errors. */
export function parseConfig<T>(text: string, file: string, schema: v.GenericSchema<unknown, T>): T {
  const yaml = readYaml(text, file);
  const value = yaml.value ?? {};
  // A schema of valibot takes a list for an object without members.
  if (Array.isArray(value)) {
    throw new ConfigError('ERR_CONFIG_VALUE', `${file}: expected a mapping, found a list`);
  }
  const parsed = v.safeParse(schema, value, { abortPipeEarly: true });
  if (parsed.success) return parsed.output;
  const messages = parsed.issues.map((issue) => {
    const place = placeOf(issue, yaml);
    return `${file}${place}: ${describe(issue, schema)}`;
  });
  const isKey = parsed.issues.every(isUnknownKey);
  throw new ConfigError(isKey ? 'ERR_CONFIG_KEY' : 'ERR_CONFIG_VALUE', messages.join('\n'));
}

type Issue = v.BaseIssue<unknown>;

function readYaml(text: string, file: string): YamlFile {
  try {
    return readYamlFile(text);
  } catch (cause) {
    if (!(cause instanceof YamlFileError)) throw cause;
    const { fault, place } = cause;
    const at = place === undefined ? '' : `:${place.line}:${place.column}`;
    throw new ConfigError('ERR_CONFIG_SYNTAX', `${file}${at}: ${fault}`, { cause });
  }
}

function whyUnreadable(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  return messageOf(cause);
}

function isUnknownKey(issue: Issue): boolean {
  return issue.type === 'strict_object' && issue.expected === 'never';
}

function keysOf(issue: Issue): readonly PropertyKey[] {
  return (issue.path ?? []).map((item) => item.key as PropertyKey);
}

/** A member that is missing stands nowhere: the mapping it is missing from does. */
function placeOf(issue: Issue, { document, lines }: YamlFile): string {
  for (let path = keysOf(issue); ; path = path.slice(0, -1)) {
    const node = document?.getIn(path, true);
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return `:${line}:${col}`;
    }
    if (path.length === 0) return '';
  }
}

function describe(issue: Issue, schema: v.GenericSchema): string {
  const path = keysOf(issue);
  const name = path.map((key) =>
    /^\d+$/.test(String(key)) ? `[${String(key)}]` : `.${String(key)}`,
  );
  const place = name.join('').replace(/^\./, '');
  if (isUnknownKey(issue)) {
    if (Array.isArray(issue.path?.at(-1)?.input)) {
      return `${place.slice(0, place.lastIndexOf('['))}: expected a mapping, found a list`;
    }
    const known = knownKeys(schema, path.slice(0, -1));
    const near = nearest(String(path.at(-1)), known);
    const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`;
    return `${place}: unknown key, ${hint}`;
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined') {
    return `${place}: missing`;
  }
  const what =
    issue.kind === 'validation'
      ? issue.message
      : `expected ${expected(issue)}, found ${found(issue)}`;
  return place === '' ? what : `${place}: ${what}`;
}

/** What stands there: not all of it, where somebody named a file of another kind. */
function found({ received }: Issue): string {
  return received.length <= MOST_SHOWN ? received : `${received.slice(0, MOST_SHOWN)}…`;
}

/** valibot says `("a" | "b")`, `Object`: in the words of the file it is `a or b`, `a mapping`. */
function expected(issue: Issue): string {
  const words: Readonly<Record<string, string>> = { Object: 'a mapping', Array: 'a list' };
  const found = (issue.expected ?? 'another value').replaceAll(/[()"]/g, '').split(' | ');
  return found.map((word) => words[word] ?? word).join(' or ');
}

interface AnySchema {
  readonly type?: string;
  readonly entries?: Readonly<Record<string, AnySchema>>;
  readonly wrapped?: AnySchema;
  readonly item?: AnySchema;
  readonly value?: AnySchema;
  readonly options?: readonly AnySchema[];
}

/** The keys that the schema knows at a path: what a schema of valibot holds is its documented, plain data. */
function knownKeys(schema: v.GenericSchema, path: readonly PropertyKey[]): readonly string[] {
  let places: readonly AnySchema[] = unwrap(schema as AnySchema);
  for (const key of path) {
    places = places
      .map((place) => place.entries?.[String(key)] ?? place.item ?? place.value)
      .filter((place) => place !== undefined)
      .flatMap(unwrap);
  }
  return [...new Set(places.flatMap((place) => Object.keys(place.entries ?? {})))];
}

function unwrap(schema: AnySchema): readonly AnySchema[] {
  if (schema.wrapped !== undefined) return unwrap(schema.wrapped);
  if (schema.options !== undefined) return schema.options.flatMap(unwrap);
  return [schema];
}
