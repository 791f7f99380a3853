import { CodedError } from '../shared/errors.ts';
import { readToml, TomlValueError } from '../shared/trust/toml.ts';
import { type ContentMemory, memoryPerHost } from './content-memory.ts';
import { textOf } from './file-text.ts';
import type { Host } from './host.ts';

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
function parseToml(text: string, path: string): TomlTable {
  try {
    return readToml(text);
  } catch (cause) {
    if (!(cause instanceof TomlValueError)) throw cause;
    throw new TomlFileError(path, cause.message, { cause });
  }
}

/** Files of CRI-O and of storage: some ten on a node. */
const MAX_FILES = 64;

/**
 * The tables of the TOML files of a node, each read anew only when it changed. Throws `TomlFileError` and `HostError`.
 */
export const tomlOf: (host: Host) => ContentMemory<TomlTable> = memoryPerHost({
  make: (bytes, path) => parseToml(textOf(bytes, path), path),
  maxFiles: MAX_FILES,
});

/**
 * The value at `keys`, or undefined where a member or a table on the way is missing. Names match whatever their case, an
 * exact one first, as for the TOML library of CRI-O and containers/storage.
 */
export function tomlAt(table: TomlTable, ...keys: readonly string[]): unknown {
  let value: unknown = table;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return undefined;
    const name = Object.hasOwn(value, key)
      ? key
      : Object.keys(value).find((one) => one.toUpperCase() === key.toUpperCase());
    if (name === undefined) return undefined;
    value = (value as TomlTable)[name];
  }
  return value;
}
