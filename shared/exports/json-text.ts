import { safeJson } from '../safe-text.ts';

/** JSON on one line, harmless on a terminal; members that are undefined are left out. */
export function compactJson(value: object | string): string {
  return safeJson(JSON.stringify(value));
}

/** Items of a list that is written in pieces, with commas between them. */
export class ListText {
  #isFirst = true;

  /** The text of some more items; '' of none. */
  add(items: readonly (object | string)[]): string {
    if (items.length === 0) return '';
    const text = items.map(compactJson).join(',\n');
    const before = this.#isFirst ? '' : ',\n';
    this.#isFirst = false;
    return before + text;
  }

  get isEmpty(): boolean {
    return this.#isFirst;
  }
}
