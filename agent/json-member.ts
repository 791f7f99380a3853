/** A value somewhere in a JSON file of the node, with its place; absent and null are the same, as in Go. */
export class JsonMember {
  readonly value: unknown;
  /** Where it stands: `linux.namespaces[0].type`; `the document` for the whole. */
  readonly place: string;
  readonly #refuse: (message: string) => Error;

  /** `refuse` makes the error of whoever reads this file, from a message that names place and expectation. */
  constructor(value: unknown, refuse: (message: string) => Error, place = '') {
    this.value = value ?? undefined;
    this.place = place === '' ? 'the document' : place;
    this.#refuse = refuse;
  }

  at(...names: readonly string[]): JsonMember {
    const [name, ...rest] = names;
    if (name === undefined) return this;
    if (this.value === undefined) return this.#inside(name, undefined).at(...rest);
    const members = this.#object();
    return this.#inside(name, Object.hasOwn(members, name) ? members[name] : undefined).at(...rest);
  }

  list(): readonly JsonMember[] {
    if (this.value === undefined) return [];
    if (!Array.isArray(this.value)) throw this.error('expected a list');
    return this.value.map(
      (value: unknown, index) => new JsonMember(value, this.#refuse, `${this.#prefix}[${index}]`),
    );
  }

  /** The members of an object by name. */
  entries(): ReadonlyMap<string, JsonMember> {
    if (this.value === undefined) return new Map();
    return new Map(
      Object.entries(this.#object()).map(([name, value]) => [name, this.#inside(name, value)]),
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

  texts(): readonly string[] {
    return this.list().map((item) => item.text() ?? item.#wrong('text'));
  }

  error(message: string): Error {
    return this.#refuse(`${this.place}: ${message}`);
  }

  get #prefix(): string {
    return this.place === 'the document' ? '' : this.place;
  }

  #object(): Readonly<Record<string, unknown>> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.error('expected an object');
    }
    // an object that is no list has members by name
    return this.value as Readonly<Record<string, unknown>>;
  }

  #inside(name: string, value: unknown): JsonMember {
    const place = this.#prefix === '' ? name : `${this.#prefix}.${name}`;
    return new JsonMember(value, this.#refuse, place);
  }

  #wrong(kind: string): never {
    throw this.error(
      `expected ${kind}, found ${this.value === undefined ? 'null' : typeof this.value}`,
    );
  }
}
