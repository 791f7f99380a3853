import { parse, TomlError } from 'smol-toml';
import { CodedError } from '../errors.ts';
import { memberPath } from './member-path.ts';

/** A text that is no TOML, or whose values are not of the types that a reader asks for. */
export class TomlValueError extends CodedError<'ERR_TOML_SYNTAX' | 'ERR_TOML_VALUE'> {
  /** Member at fault, `registry[0].location`; '' for the document itself. */
  readonly path: string;
  /** From 1; only for syntax. */
  readonly line?: number;
  readonly column?: number;

  constructor(path: string, message: string, place?: { line: number; column: number }) {
    const where = place === undefined ? path : `line ${place.line}, column ${place.column}`;
    super(place === undefined ? 'ERR_TOML_VALUE' : 'ERR_TOML_SYNTAX', `${where}: ${message}`);
    this.path = path;
    if (place === undefined) return;
    this.line = place.line;
    this.column = place.column;
  }
}

/** Reads a document as the TOML library of containers/image does; throws `TomlValueError`. */
export function parseToml(input: string | Uint8Array): TomlTable {
  return new TomlTable(readToml(input), '');
}

/** The tables of a TOML 1.0 document as they are, for readers with rules of their own; throws `TomlValueError`. */
export function readToml(input: string | Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const text =
      typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input);
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const [message = ''] = error.message.split('\n', 1);
      throw new TomlValueError('', message, error);
    }
    if (error instanceof TypeError)
      throw new TomlValueError('', 'expected UTF-8', { line: 1, column: 1 });
    if (error instanceof RangeError) {
      throw new TomlValueError('', 'expected less deep nesting', { line: 1, column: 1 });
    }
    throw error;
  }
}

/** A table, read member by member as the type asked for. Names match whatever their case, an exact one first. */
export class TomlTable {
  /** Where it stands in the document; '' for the document itself. */
  readonly path: string;
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>, path: string) {
    this.path = path;
    this.#members = members;
  }

  get names(): readonly string[] {
    return Object.keys(this.#members);
  }

  /** A string; '' when it is not there. */
  text(name: string): string {
    return this.#typed(name, 'a string', isString) ?? '';
  }

  /** A boolean; false when it is not there. */
  boolean(name: string): boolean {
    return this.#typed(name, 'true or false', isBoolean) ?? false;
  }

  /** A list of strings; undefined when it is not there, which may mean something else than empty. */
  texts(name: string): readonly string[] | undefined {
    return this.#typed(name, 'a list of strings', isTexts);
  }

  /** A table; undefined when it is not there. */
  table(name: string): TomlTable | undefined {
    const table = this.#typed(name, 'a table', isTable);
    return table && new TomlTable(table, this.#pathOf(name));
  }

  /** A list of tables, `[[name]]`; undefined when it is not there. */
  tables(name: string): readonly TomlTable[] | undefined {
    const tables = this.#typed(name, 'a list of tables', isTables);
    return tables?.map((table, index) => new TomlTable(table, `${this.#pathOf(name)}[${index}]`));
  }

  /** A failure at a member of this table. */
  error(name: string, message: string): TomlValueError {
    return new TomlValueError(this.#pathOf(name), message);
  }

  #typed<T>(name: string, expected: string, is: (value: unknown) => value is T): T | undefined {
    const key = Object.hasOwn(this.#members, name) ? name : this.#foldedName(name);
    if (key === undefined) return undefined;
    const value = this.#members[key];
    if (!is(value)) throw this.error(key, `expected ${expected}`);
    return value;
  }

  #foldedName(name: string): string | undefined {
    return this.names.find((candidate) => candidate.toLowerCase() === name);
  }

  #pathOf(name: string): string {
    return memberPath(this.path, name);
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isString);
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function isTables(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.every(isTable);
}
