import type { Json } from '../shared/canonical.ts';

/** Members of an item of a section, as an event reads them. */
export type Members = Readonly<Record<string, Json | undefined>>;

/** The members of an item; undefined for what is none, or no object. */
export function membersOf(item: Json | undefined): Members | undefined {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  return isObject ? (item as Members) : undefined;
}

/** Those that are there, so that an absent one is not a `null`. */
export function pick(
  members: Members,
  names: readonly string[],
): { readonly [name: string]: Json } {
  const picked: Record<string, Json> = {};
  for (const name of names) {
    const member = members[name];
    if (member !== undefined) picked[name] = member;
  }
  return picked;
}
