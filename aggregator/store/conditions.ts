/** What is bound to the question marks of a statement. */
type Value = string | number;

/** Conditions of a WHERE clause; values never become part of the text. */
export class Conditions {
  readonly #conditions: string[] = ['1 = 1'];
  readonly values: Value[] = [];

  add(condition: string, ...values: readonly Value[]): void {
    this.#conditions.push(condition);
    this.values.push(...values);
  }

  /** These conditions and one more. */
  and(condition: string, ...values: readonly Value[]): Conditions {
    const both = new Conditions();
    for (const each of this.#conditions) both.add(each);
    both.values.push(...this.values);
    both.add(condition, ...values);
    return both;
  }

  addAnyOf(column: string, values: readonly Value[]): void {
    this.add(`${column} IN (${values.map(() => '?').join(', ')})`, ...values);
  }

  toString(): string {
    return this.#conditions.join(' AND ');
  }
}
