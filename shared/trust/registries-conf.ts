import { type Reference, referenceText, tryParseReference } from './reference.ts';
import {
  type Registry,
  type RegistryMirror,
  readRegistriesConfFile,
  type ShortNameMode,
} from './registries-conf-file.ts';

/** A file with its content; `name` is for errors and origins. */
export interface NamedContent {
  readonly name: string;
  readonly content: string | Uint8Array;
}

/** registries.conf and its drop-ins, put together. */
export interface RegistriesConf {
  /** By prefix. */
  readonly registries: ReadonlyMap<string, Registry>;
  /** Hosts that short names are looked for at. */
  readonly unqualifiedSearchRegistries: readonly string[];
  readonly shortNameMode: ShortNameMode;
  /** Short name to full name. */
  readonly aliases: ReadonlyMap<string, string>;
}

/**
 * Puts registries.conf (undefined when there is none) and its drop-ins together, in the order given: a registry
 * replaces the earlier one of the same prefix whole, every other member replaces the earlier one. The library reads
 * `*.conf` of /etc/containers/registries.conf.d by name, then of the user's folder; a user's own registries.conf takes
 * the place of /etc/containers altogether. containers-registries.conf(5), containers-registries.conf.d(5). Throws
 * `RegistriesConfError`.
 */
export function parseRegistriesConf(
  main: NamedContent | undefined,
  dropIns: readonly NamedContent[] = [],
): RegistriesConf {
  const registries = new Map<string, Registry>();
  const aliases = new Map<string, string>();
  let unqualifiedSearchRegistries: readonly string[] = [];
  let shortNameMode: ShortNameMode = 'permissive';
  for (const source of main === undefined ? dropIns : [main, ...dropIns]) {
    const file = readRegistriesConfFile(source.name, source.content, source !== main);
    for (const registry of file.registries) registries.set(registry.prefix, registry);
    for (const [name, value] of file.aliases) aliases.set(name, value);
    unqualifiedSearchRegistries = file.unqualifiedSearchRegistries ?? unqualifiedSearchRegistries;
    shortNameMode = file.shortNameMode ?? shortNameMode;
  }
  const kept = new Map([...aliases].filter(([, value]) => value !== ''));
  // of two prefixes of one length the first in this order counts: *.b.com before a.b.com
  const sorted = new Map([...registries].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { registries: sorted, unqualifiedSearchRegistries, shortNameMode, aliases: kept };
}

/** A place where an image may be fetched under the name `reference`, which registries.d is looked up by. */
export interface RegistrySource {
  readonly reference: Reference;
  /** Certificates are not checked, plain HTTP is tried. */
  readonly insecure: boolean;
  readonly isMirror: boolean;
}
/** Where the library would fetch an image. */
export interface RegistryResolution {
  /** Every place is blocked: the image cannot be fetched. */
  readonly blocked: boolean;
  /** Places that may be asked, in order: mirrors, then the registry itself. Blocked ones are left out. */
  readonly sources: readonly RegistrySource[];
  /** The entry that applies, if any. */
  readonly registry?: Registry;
  /** Places whose location makes no reference of the image: the library gives up altogether. */
  readonly invalid?: string;
}

/**
 * Where an image is fetched from. A blocked registry's mirrors stay in use unless they are blocked themselves, because
 * the library asks for each place by its own name.
 */
export function resolveRegistry(config: RegistriesConf, reference: Reference): RegistryResolution {
  const registry = findRegistry(config, reference.name);
  if (registry === undefined) {
    return { blocked: false, sources: [{ reference, insecure: false, isMirror: false }] };
  }
  const sources: RegistrySource[] = [];
  for (const place of [...mirrorsFor(registry, reference), registry]) {
    const text = rewritten(registry.prefix, place.location, reference);
    const physical = tryParseReference(text);
    if (physical === undefined || referenceText(physical) !== text) {
      return { blocked: true, sources: [], registry, invalid: text };
    }
    if (findRegistry(config, physical.name)?.blocked) continue;
    sources.push({ reference: physical, insecure: place.insecure, isMirror: place !== registry });
  }
  return { blocked: sources.length === 0, sources, registry };
}

/** The entry with the longest prefix of a name. */
function findRegistry({ registries }: RegistriesConf, name: string): Registry | undefined {
  let found: Registry | undefined;
  for (const registry of registries.values()) {
    const { prefix } = registry;
    if (prefix.length > (found?.prefix.length ?? 0) && matchedLength(prefix, name) !== undefined) {
      found = registry;
    }
  }
  return found;
}

function mirrorsFor({ mirrors }: Registry, { digest }: Reference): readonly RegistryMirror[] {
  const isDigested = digest !== undefined;
  return mirrors.filter(({ use }) => use === 'all' || (use === 'digest-only') === isDigested);
}

/** A `*.` prefix without a location leaves the name as it is. */
function rewritten(prefix: string, location: string, reference: Reference): string {
  const text = referenceText(reference);
  return location === '' ? text : location + text.slice(matchedLength(prefix, text) ?? 0);
}

/** How much of a name or reference a prefix covers; it may end before a port too, which the library does not promise. */
function matchedLength(prefix: string, text: string): number | undefined {
  const suffix = prefix.startsWith('*.') ? prefix.slice(1) : undefined;
  const start = suffix === undefined ? 0 : text.indexOf(suffix);
  if (start === -1 || text.slice(0, start).includes('/')) return undefined;
  if (!text.startsWith(suffix ?? prefix, start)) return undefined;
  const end = start + (suffix ?? prefix).length;
  return end === text.length || /[:/@]/.test(text[end] ?? '') ? end : undefined;
}
