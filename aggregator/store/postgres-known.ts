/**
 * What this aggregator has told its watchers already: how far each spool, which state of each section. What is read of
 * changes in the database is compared with it, so that nothing is told twice and its own writes are no news.
 */
export class Known {
  readonly #cursors = new Map<number, number>();
  /** By node and name. */
  readonly #sections = new Map<string, string>();

  cursorOf(spool: number): number {
    return this.#cursors.get(spool) ?? 0;
  }

  /** Everything of this spool up to here is known. */
  cursor(spool: number, cursor: number): void {
    if (cursor > this.cursorOf(spool)) this.#cursors.set(spool, cursor);
  }

  hashOf(node: number, name: string): string | undefined {
    return this.#sections.get(`${node} ${name}`);
  }

  /** This state of the section is known. */
  section(node: number, name: string, hash: string): void {
    this.#sections.set(`${node} ${name}`, hash);
  }
}
