import { parse } from 'smol-toml';
import { CodedError, messageOf } from '../shared/errors.ts';

/** A TOML file of the node that is no TOML; the message names file, line and column. */
export class TomlFileError extends CodedError<'ERR_TOML_SYNTAX'> {
  readonly path: string;
  constructor(path: string, message: string, options?: ErrorOptions) {
    super('ERR_TOML_SYNTAX', `${path}: ${message}`, options);
    this.path = path;
  }
}

/** A table whose members nobody has looked at yet. */
export type TomlTable = Readonly<Record<string, unknown>>;

/** The tables of a TOML 1.0 file. Throws `TomlFileError`; `path` is for its message. */
export function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text);
  } catch (cause) {
    const [first = 'not TOML'] = messageOf(cause).split('\n');
    throw new TomlFileError(path, `${first}${placeOf(cause)}`, { cause });
  }
}

/** The value at `keys`, or undefined where a member or a table on the way is missing. */
export function tomlAt(table: TomlTable, ...keys: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as TomlTable)[key];
  }
  return value;
}

function placeOf(cause: unknown): string {
  if (!(cause instanceof Error) || !('line' in cause) || !('column' in cause)) return '';
  return ` (line ${cause.line}, column ${cause.column})`;
}
