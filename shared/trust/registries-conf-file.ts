import { CodedError } from '../errors.ts';
import { isHost, isShortName, qualifiedName } from './reference.ts';
import { parseToml, type TomlTable, TomlValueError } from './toml.ts';

/** A registries.conf or drop-in that containers/image would refuse; it then reads no image from any registry. */
export class RegistriesConfError extends CodedError<
  'ERR_REGISTRIES_CONF_SYNTAX' | 'ERR_REGISTRIES_CONF_VALUE'
> {
  /** The file's name as it was given. */
  readonly file: string;
  /** Member at fault, `registry[0].location`; '' for the file itself. */
  readonly path: string;
  /** From 1; only for syntax. */
  readonly line?: number;
  readonly column?: number;

  constructor(file: string, cause: TomlValueError) {
    const isSyntax = cause.code === 'ERR_TOML_SYNTAX';
    const code = isSyntax ? 'ERR_REGISTRIES_CONF_SYNTAX' : 'ERR_REGISTRIES_CONF_VALUE';
    super(code, `${file}: ${cause.message}`, { cause });
    this.file = file;
    this.path = cause.path;
    if (cause.line !== undefined) this.line = cause.line;
    if (cause.column !== undefined) this.column = cause.column;
  }
}

/** For which references a mirror is asked. */
export const MIRROR_USES = ['all', 'digest-only', 'tag-only'] as const;
export type MirrorUse = (typeof MIRROR_USES)[number];

/** A place that can be asked for images instead of the registry itself. */
export interface RegistryMirror {
  /** Takes the place of the registry's prefix. */
  readonly location: string;
  /** Certificates are not checked, plain HTTP is tried. */
  readonly insecure: boolean;
  readonly use: MirrorUse;
}
/** One `[[registry]]`, normal: the prefix filled in, no slashes at the end. */
export interface Registry {
  /** What the names of images begin with: `host[:port][/path]`, or `*.domain`. */
  readonly prefix: string;
  /** Takes the place of the prefix; '' beside a `*.` prefix leaves names as they are. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly RegistryMirror[];
  readonly file: string;
}

export const SHORT_NAME_MODES = ['disabled', 'permissive', 'enforcing'] as const;
export type ShortNameMode = (typeof SHORT_NAME_MODES)[number];

/** What one file says; a member that it leaves out does not override another file's. */
export interface RegistriesConfFile {
  readonly registries: readonly Registry[];
  readonly unqualifiedSearchRegistries?: readonly string[];
  readonly shortNameMode?: ShortNameMode;
  /** Short name to full name; '' takes an alias of another file away. */
  readonly aliases: ReadonlyMap<string, string>;
}

/**
 * Reads one file of containers-registries.conf(5), in the old form (version 1) only where `isDropIn` is false. Members
 * it does not know are ignored. Throws `RegistriesConfError`.
 */
export function readRegistriesConfFile(
  file: string,
  content: string | Uint8Array,
  isDropIn: boolean,
): RegistriesConfFile {
  try {
    const root = parseToml(content);
    const version1 = readVersion1(root, file);
    if (version1 === undefined) return readVersion2(root, file);
    if (isDropIn || isVersion2(root)) {
      throw root.error(
        'registries',
        'expected no part of version 1 beside version 2 or in a drop-in',
      );
    }
    return version1;
  } catch (error) {
    throw error instanceof TomlValueError ? new RegistriesConfError(file, error) : error;
  }
}

const LISTS = ['search', 'insecure', 'block'] as const;

/** `[registries.search]` and its like; undefined when the file has none of them. */
function readVersion1(root: TomlTable, file: string): RegistriesConfFile | undefined {
  const table = root.table('registries');
  const [search, insecure, block] = LISTS.map((name) => table?.table(name)?.texts('registries'));
  if (search === undefined && insecure === undefined && block === undefined) return undefined;
  const at = (written: string) => {
    const location = readLocation(root, 'registries', written);
    if (location === '')
      throw root.error('registries', 'expected host[:port][/path] in each entry');
    return location;
  };
  const insecureLocations = new Set(insecure?.map(at));
  const blockedLocations = new Set(block?.map(at));
  const registries = [...blockedLocations.union(insecureLocations)].map((location) => ({
    prefix: location,
    location,
    insecure: insecureLocations.has(location),
    blocked: blockedLocations.has(location),
    mirrors: [],
    file,
  }));
  const unqualified = readSearch(root, 'registries', search);
  return {
    registries: uniquePrefixes(registries),
    ...(unqualified === undefined ? {} : { unqualifiedSearchRegistries: unqualified }),
    aliases: new Map(),
  };
}

const VERSION_2 = [
  'registry',
  'unqualified-search-registries',
  'credential-helpers',
  'short-name-mode',
  'additional-layer-store-auth-helper',
  'aliases',
];

function isVersion2(root: TomlTable): boolean {
  return root.names.some((name) => VERSION_2.includes(name.toLowerCase()));
}

function readVersion2(root: TomlTable, file: string): RegistriesConfFile {
  const registries = (root.tables('registry') ?? []).map((table) => readRegistry(table, file));
  refuseConflicts(root, registries);
  root.texts('credential-helpers');
  root.text('additional-layer-store-auth-helper');
  const search = root.texts('unqualified-search-registries');
  const unqualified = readSearch(root, 'unqualified-search-registries', search);
  const written = root.text('short-name-mode');
  const shortNameMode = SHORT_NAME_MODES.find((mode) => mode === written);
  if (written !== '' && shortNameMode === undefined) {
    throw root.error('short-name-mode', `expected one of ${SHORT_NAME_MODES.join(', ')}`);
  }
  return {
    registries: uniquePrefixes(registries),
    ...(unqualified === undefined ? {} : { unqualifiedSearchRegistries: unqualified }),
    ...(shortNameMode === undefined ? {} : { shortNameMode }),
    aliases: readAliases(root.table('aliases')),
  };
}

function readRegistry(table: TomlTable, file: string): Registry {
  const location = readLocation(table, 'location', table.text('location'));
  const prefix = readLocation(table, 'prefix', table.text('prefix')) || location;
  if (prefix === '') throw table.error('location', 'expected a location or a prefix');
  const isWildcard = prefix.startsWith('*.');
  if (isWildcard && /[/@:]/.test(prefix))
    throw table.error('prefix', 'expected *. and a domain alone');
  if (location === '' && !isWildcard) throw table.error('location', 'expected a location');
  if (table.text('pull-from-mirror') !== '') {
    throw table.error('pull-from-mirror', 'expected this member only in a mirror');
  }
  const byDigestOnly = table.boolean('mirror-by-digest-only');
  const mirrors = (table.tables('mirror') ?? []).map((mirror) => readMirror(mirror, byDigestOnly));
  const [insecure, blocked] = [table.boolean('insecure'), table.boolean('blocked')];
  return { prefix, location, insecure, blocked, mirrors, file };
}

function readMirror(table: TomlTable, byDigestOnly: boolean): RegistryMirror {
  const location = readLocation(table, 'location', table.text('location'));
  if (location === '') throw table.error('location', 'expected a location');
  const written = table.text('pull-from-mirror');
  const use = MIRROR_USES.find((candidate) => candidate === (written || 'all'));
  if (written !== '' && byDigestOnly) {
    throw table.error(
      'pull-from-mirror',
      'expected it not beside mirror-by-digest-only of the registry',
    );
  }
  if (use === undefined)
    throw table.error('pull-from-mirror', `expected one of ${MIRROR_USES.join(', ')}`);
  return { location, insecure: table.boolean('insecure'), use: byDigestOnly ? 'digest-only' : use };
}

function readLocation(table: TomlTable, name: string, written: string): string {
  const location = written.replace(/\/+$/, '');
  if (/^https?:\/\//.test(location))
    throw table.error(name, 'expected host[:port][/path] without http://');
  return location;
}

function readSearch(
  root: TomlTable,
  name: string,
  written: readonly string[] | undefined,
): readonly string[] | undefined {
  const hosts = written?.map((host) => readLocation(root, name, host));
  if (hosts?.every(isHost) === false) throw root.error(name, 'expected host[:port] in each entry');
  return hosts;
}

/** One location must not be secure here and insecure there. */
function refuseConflicts(root: TomlTable, registries: readonly Registry[]): void {
  const known = new Map<string, Registry>();
  for (const registry of registries) {
    const place = registry.location || registry.prefix;
    const other = known.get(place) ?? registry;
    known.set(place, other);
    for (const name of ['insecure', 'blocked'] as const) {
      if (registry[name] !== other[name]) {
        const message = `expected one value of ${name} for ${JSON.stringify(place)}, found both`;
        throw root.error('registry', message);
      }
    }
  }
}

/** The first of a prefix counts. */
function uniquePrefixes(registries: readonly Registry[]): readonly Registry[] {
  const byPrefix = new Map<string, Registry>();
  for (const registry of registries) {
    if (!byPrefix.has(registry.prefix)) byPrefix.set(registry.prefix, registry);
  }
  return [...byPrefix.values()];
}

function readAliases(table: TomlTable | undefined): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const name of table?.names ?? []) {
    const written = table?.text(name) ?? '';
    const value = written === '' ? '' : qualifiedName(written);
    if (!isShortName(name))
      throw table?.error(name, 'expected a short name, without host, tag and digest');
    if (value === undefined) throw table?.error(name, 'expected host/path without tag and digest');
    aliases.set(name, value);
  }
  return aliases;
}
