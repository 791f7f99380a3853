import type { Json } from './canonical.ts';
import type { SectionName } from './report.ts';

/** The sections of which nodes are compared item by item; `trust` is compared by what it means (trust-changes.ts). */
export const COMPARED_SECTIONS: readonly ComparedSection[] = ['checks', 'files', 'images', 'host'];
export type ComparedSection = Extract<SectionName, 'checks' | 'files' | 'images' | 'host'>;

/** What two nodes that are alike have alike: key to members. */
export type Comparables = ReadonlyMap<string, Json>;

type Members = { readonly [name: string]: Json | undefined };

/**
 * A section as nodes are compared by it: results without the words around them, files by content and owner, images by
 * name and policy, facts one by one. What differs by nature (names, ids, times) is left out. What is malformed is
 * compared as it is.
 */
export function comparablesOf(
  section: ComparedSection,
  items: Iterable<readonly [key: string, item: Json]>,
): Comparables {
  const found = new Map<string, Json>();
  for (const [key, item] of items) {
    for (const [name, value] of READERS[section](key, item)) found.set(name, value);
  }
  return found;
}

type Reader = (key: string, item: Json) => readonly (readonly [string, Json])[];

const READERS: Readonly<Record<ComparedSection, Reader>> = {
  checks: (key, item) => [[key, pick(item, ['result', 'severity', 'reason', 'override']) ?? item]],
  files: (key, item) => [[key, pick(item, ['sha256', 'mode', 'uid', 'gid', 'reason']) ?? item]],
  images: (key, item) => {
    const members = membersOf(item);
    const { reference, imageId, policy, namespace } = members ?? {};
    const compared = pick(item, ['digest', 'verdict', 'reason']);
    if (compared === undefined) return [[key, item]];
    const name = reference === '<none>' ? imageId : reference;
    const by = [policy, namespace].filter((part) => typeof part === 'string' && part !== '');
    return [[by.length === 0 ? String(name) : `${name} by ${by.join(' for ')}`, compared]];
  },
  host: (key, item) => {
    const members = Object.entries(membersOf(item) ?? {});
    if (members.length === 0) return [[key, item]];
    return members
      .filter(([name]) => !OWN.has(name))
      .map(([name, value]) => [`${key}.${name}`, value ?? null] as const);
  },
};

/** Facts that no two nodes share. */
const OWN: ReadonlySet<string> = new Set(['hostname', 'machineId', 'bootId']);

function membersOf(item: Json): Members | undefined {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  return isObject ? (item as Members) : undefined;
}

function pick(item: Json, names: readonly string[]): Json | undefined {
  const members = membersOf(item);
  if (members === undefined) return undefined;
  const entries = names.map((name) => [name, members[name]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
