import type { Json } from '../shared/canonical.ts';
import type { State } from '../shared/protocol.ts';
import type { SectionName } from '../shared/report.ts';

/** More than this of all changes under way on one session is not kept in memory. */
const MAX_BYTES = 67_108_864;
const MAX_PARTS = 64;

/** A change of a section whose last part has arrived. */
export type WholeChange = Pick<
  State,
  'section' | 'mode' | 'base' | 'to' | 'upsert' | 'remove' | 'asOf'
>;

interface Begun {
  readonly first: State;
  next: number;
  bytes: number;
  readonly upsert: (readonly [key: string, item: Json])[];
  readonly remove: string[];
}

/** Puts the parts of section changes together; parts come in order, several sections may be under way. */
export class StateParts {
  readonly #begun = new Map<SectionName, Begun>();

  /** The whole change, `undefined` when parts are missing yet, or why this part cannot be used. */
  add(part: State): WholeChange | undefined | { readonly why: string } {
    const { section } = part;
    if (part.part > part.of || part.of > MAX_PARTS) return this.#drop(section, 'badPart');
    if (part.part === 1) {
      if (part.of === 1) {
        this.#begun.delete(section);
        return part;
      }
      this.#begun.set(section, { first: part, next: 1, bytes: 0, upsert: [], remove: [] });
    }
    const begun = this.#begun.get(section);
    if (begun === undefined || part.part !== begun.next || !continues(begun.first, part)) {
      return this.#drop(section, 'partMissing');
    }
    begun.bytes += JSON.stringify([part.upsert, part.remove]).length;
    if (this.#bytes() > MAX_BYTES) return this.#drop(section, 'tooLarge');
    for (const pair of part.upsert) begun.upsert.push(pair);
    for (const key of part.remove) begun.remove.push(key);
    begun.next++;
    if (begun.next <= part.of) return undefined;
    this.#begun.delete(section);
    return { ...part, upsert: begun.upsert, remove: begun.remove };
  }

  get isEmpty(): boolean {
    return this.#begun.size === 0;
  }

  /** What was begun is not waited for any longer. */
  clear(): void {
    this.#begun.clear();
  }

  #bytes(): number {
    return this.#begun.values().reduce((sum, begun) => sum + begun.bytes, 0);
  }

  #drop(section: SectionName, why: string): { readonly why: string } {
    this.#begun.delete(section);
    return { why };
  }
}

function continues(first: State, part: State): boolean {
  return (
    first.to === part.to &&
    first.mode === part.mode &&
    first.base === part.base &&
    first.of === part.of
  );
}
