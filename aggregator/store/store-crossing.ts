import type { StoreMethod } from './store-methods.ts';

/**
 * A value on its way over the border: as JSON text where it is JSON, which crosses several times faster than objects
 * that are cloned one by one; else as it is.
 */
export type Crossing = { readonly json: string } | { readonly value: unknown };

/** Values that hold a Map, which is no JSON, or are mostly text, in which JSON would escape every quote. */
const NO_JSON: ReadonlySet<StoreMethod> = new Set(['touch', 'section', 'append']);

export function toCrossing(method: StoreMethod, value: unknown): Crossing {
  return value === undefined || NO_JSON.has(method) ? { value } : { json: JSON.stringify(value) };
}

export function fromCrossing(crossing: Crossing): unknown {
  return 'json' in crossing ? JSON.parse(crossing.json) : crossing.value;
}
