import { messageOf } from '../../shared/errors.ts';
import { readCrioPlaces } from '../crio-places.ts';
import { type Host, HostError } from '../host.ts';
import { parseToml, TomlFileError, type TomlTable, tomlAt } from '../toml.ts';

/** Where the node keeps its images: containers-storage.conf(5), overridden by crio.conf(5) where it says so. */
export interface StorageConfig {
  /** Absent when no file names one: the store shows it by its folders. */
  readonly driver?: string;
  readonly graphRoot: string;
  readonly runRoot: string;
  /** `imagestore`: images go here, and the graph root is searched after it. */
  readonly imageStore?: string;
  /** `additionalimagestores`, read-only, searched last and in this order. */
  readonly additionalImageStores: readonly string[];
  /** `additionallayerstores`: file systems that hand out layers; without their suffix `:ref`. */
  readonly additionalLayerStores: readonly string[];
  /** `additional_artifact_stores` of crio.conf. */
  readonly additionalArtifactStores: readonly string[];
  /** `transient_store`: records of containers and their layers lie in the run root. */
  readonly transientStore: boolean;
  /** Files read, in the order they were applied. */
  readonly files: readonly string[];
  /** Files or values that could not be used; the store may then be another than the node's. */
  readonly problems: readonly string[];
}

/** Root's own home is not looked at: only the newest library does for root, and no node's tools of today. */
const MAIN_PATHS = ['/etc/containers/storage.conf', '/usr/share/containers/storage.conf'] as const;
/** Highest first: of files with one name only the first is applied. */
const DROP_INS_PATHS = [
  '/etc/containers/storage.rootful.conf.d',
  '/etc/containers/storage.conf.d',
  '/usr/share/containers/storage.rootful.conf.d',
  '/usr/share/containers/storage.conf.d',
] as const;
const DEFAULTS = {
  graphRoot: '/var/lib/containers/storage',
  runRoot: '/run/containers/storage',
} as const;

/** Reads where the images are. Never throws for a state of the node: what cannot be read is in `problems`. */
export async function readStorageConfig(host: Host): Promise<StorageConfig> {
  const problems: string[] = [];
  const files: string[] = [];
  const tables: TomlTable[] = [];
  for (const path of await configPaths(host, problems)) {
    const table = await readTable(host, path, problems);
    if (table === undefined) continue;
    files.push(path);
    tables.push(table);
  }
  const crio = await readCrioPlaces(host);
  const values = new Values(tables, problems);
  const driver = crio.storageDriver ?? values.text('storage', 'driver');
  const imageStore = crio.imageStore ?? values.path('storage', 'imagestore');
  return {
    ...(driver === undefined ? {} : { driver }),
    graphRoot: crio.root ?? values.path('storage', 'graphroot') ?? DEFAULTS.graphRoot,
    runRoot: crio.runRoot ?? values.path('storage', 'runroot') ?? DEFAULTS.runRoot,
    ...(imageStore === undefined ? {} : { imageStore }),
    additionalImageStores: values.paths('storage', 'options', 'additionalimagestores'),
    additionalLayerStores: values
      .paths('storage', 'options', 'additionallayerstores')
      .map((path) => path.replace(/:ref$/, '')),
    additionalArtifactStores: crio.additionalArtifactStores,
    transientStore: values.last('storage', 'transient_store') === true,
    files,
    problems: [...problems, ...crio.problems],
  };
}

async function configPaths(host: Host, problems: string[]): Promise<readonly string[]> {
  const main = await firstThatExists(host, MAIN_PATHS, problems);
  const dropIns = new Map<string, string>();
  for (const folder of DROP_INS_PATHS) {
    for (const name of await listConfigs(host, folder, problems)) {
      if (!dropIns.has(name)) dropIns.set(name, `${folder}/${name}`);
    }
  }
  const names = [...dropIns.keys()].sort();
  return [main, ...names.map((name) => dropIns.get(name))].filter((path) => path !== undefined);
}

async function firstThatExists(
  host: Host,
  paths: readonly string[],
  problems: string[],
): Promise<string | undefined> {
  for (const path of paths) {
    const stat = await orProblem(() => host.stat(path), problems);
    if (stat !== undefined) return path;
  }
  return undefined;
}

async function listConfigs(
  host: Host,
  folder: string,
  problems: string[],
): Promise<readonly string[]> {
  const names = await orProblem(() => host.list(folder), problems);
  return (names ?? []).filter((name) => name.endsWith('.conf'));
}

async function readTable(
  host: Host,
  path: string,
  problems: string[],
): Promise<TomlTable | undefined> {
  const text = await orProblem(() => host.readText(path), problems);
  return text === undefined ? undefined : orProblem(() => parseToml(text, path), problems);
}

async function orProblem<T>(
  look: () => T | Promise<T>,
  problems: string[],
): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof HostError) && !(error instanceof TomlFileError)) throw error;
    problems.push(messageOf(error));
    return undefined;
  }
}

/** The values of several files: the last one that has a member decides. */
class Values {
  readonly #tables: readonly TomlTable[];
  readonly #problems: string[];

  constructor(tables: readonly TomlTable[], problems: string[]) {
    this.#tables = tables;
    this.#problems = problems;
  }

  last(...keys: readonly string[]): unknown {
    return this.#tables
      .map((table) => tomlAt(table, ...keys))
      .findLast((value) => value !== undefined);
  }

  text(...keys: readonly string[]): string | undefined {
    const value = this.last(...keys);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') return value;
    this.#refuse(keys, 'a string');
    return undefined;
  }

  path(...keys: readonly string[]): string | undefined {
    const value = this.text(...keys);
    return value === undefined || this.#isPath(value, keys) ? value : undefined;
  }

  paths(...keys: readonly string[]): readonly string[] {
    const value = this.last(...keys) ?? [];
    if (!Array.isArray(value)) {
      this.#refuse(keys, 'a list of paths');
      return [];
    }
    return value.filter((item) => typeof item === 'string' && this.#isPath(item, keys));
  }

  /** The library expands variables of the environment it runs in, which nobody else can know. */
  #isPath(value: string, keys: readonly string[]): boolean {
    if (value.startsWith('/') && !value.includes('$')) return true;
    this.#refuse(keys, 'an absolute path without variables');
    return false;
  }

  #refuse(keys: readonly string[], expected: string): void {
    this.#problems.push(`storage.conf: ${keys.join('.')}: expected ${expected}`);
  }
}
