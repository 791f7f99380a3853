import { ContentError } from '../content-error.ts';

export type MachineConfigErrorCode =
  | 'ERR_MACHINE_CONFIG_SYNTAX'
  | 'ERR_MACHINE_CONFIG_VALUE'
  | 'ERR_MACHINE_CONFIG_CONTENT';

/** A MachineConfig that does not say what it should; the message names the member. */
export class MachineConfigError extends ContentError<MachineConfigErrorCode> {}

/** A value somewhere in the JSON, with its place; absent and null are the same, as in Go. */
export class Member {
  readonly value: unknown;
  readonly #path: string;
  readonly #place: string;

  constructor(path: string, place: string, value: unknown) {
    this.#path = path;
    this.#place = place;
    this.value = value ?? undefined;
  }

  at(...names: readonly string[]): Member {
    const [name, ...rest] = names;
    if (name === undefined) return this;
    const place = this.#place === '' ? name : `${this.#place}.${name}`;
    if (this.value === undefined) return new Member(this.#path, place, undefined);
    if (typeof this.value !== 'object' || Array.isArray(this.value)) {
      throw this.error('expected an object');
    }
    const value = Object.hasOwn(this.value as object, name)
      ? (this.value as Readonly<Record<string, unknown>>)[name]
      : undefined;
    return new Member(this.#path, place, value).at(...rest);
  }

  list(): readonly Member[] {
    if (this.value === undefined) return [];
    if (!Array.isArray(this.value)) throw this.error('expected a list');
    return this.value.map(
      (value: unknown, index) => new Member(this.#path, `${this.#place}[${index}]`, value),
    );
  }

  text(): string | undefined {
    return this.value === undefined || typeof this.value === 'string'
      ? this.value
      : this.#wrong('text');
  }

  number(): number | undefined {
    return this.value === undefined || typeof this.value === 'number'
      ? this.value
      : this.#wrong('a number');
  }

  boolean(): boolean | undefined {
    return this.value === undefined || typeof this.value === 'boolean'
      ? this.value
      : this.#wrong('a boolean');
  }

  error(
    what: string,
    code: MachineConfigErrorCode = 'ERR_MACHINE_CONFIG_VALUE',
    cause?: unknown,
  ): MachineConfigError {
    const place = this.#place === '' ? 'the document' : this.#place;
    return new MachineConfigError(code, this.#path, `${place}: ${what}`, { cause });
  }

  #wrong(kind: string): never {
    throw this.error(`expected ${kind}, found ${typeof this.value}`);
  }
}
