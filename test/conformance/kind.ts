/** One kind of question of the conformance tables, and how the product answers it. */
export interface ConformanceKind {
  /** As in the table's `kind`. */
  readonly kind: string;
  /**
   * What the product says, in the shape of the table's `expect`; members that `expect` does not have are not
   * compared. `root` is what `${ROOT}` stands for.
   */
  readonly answer: (input: unknown, root: string) => unknown;
  /** Cases that can be asked; default: all. The others are reported as not asked. */
  readonly covers?: (input: unknown) => boolean;
}

/** A kind whose table has inputs of the type `Input`; `answer` may be asynchronous. */
export function conformanceKind<Input>(
  kind: string,
  answer: (input: Input, root: string) => unknown,
): ConformanceKind {
  // the table's `about` is what says that its inputs are of this type
  return { kind, answer: (input, root) => answer(input as Input, root) };
}

/** A text of the tables with `${ROOT}` put in. */
export function withRoot(text: string, root: string): string {
  return text.replaceAll('$' + '{ROOT}', root);
}
