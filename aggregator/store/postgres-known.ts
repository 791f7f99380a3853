/**
 * What this aggregator has told its watchers already: how far each spool, which state of each section. What is read of
 * changes in the database is compared with it, so that nothing is told twice and its own writes are no news.
 */
export class Known {
  readonly #cursors = new Map<number, number>();
  /** By node and name. */
  readonly #sections = new Map<string, string>();

  /** Everything of this spool up to here is known. Answers with how far it was before. */
  cursor(spool: number, cursor: number): number {
    const before = this.#cursors.get(spool) ?? 0;
    if (cursor > before) this.#cursors.set(spool, cursor);
    return before;
  }

  /** The section has this hash. Answers with the one it had before. */
  section(node: number, name: string, hash: string): string | undefined {
    const id = `${node} ${name}`;
    const before = this.#sections.get(id);
    this.#sections.set(id, hash);
    return before;
  }
}
