import { messageOf } from '../../shared/errors.ts';
import { type CrioPlaces, readCrioPlaces } from '../crio-places.ts';
import { type Host, HostError } from '../host.ts';
import { TomlFileError, type TomlTable, tomlOf } from '../toml.ts';
import { readStorageEnvironment, type StorageEnvironment } from './storage-environment.ts';
import { lastOfEach, readStorageOptions } from './storage-options.ts';
import { StorageValues } from './storage-values.ts';

/**
 * Where the node keeps its images: containers-storage.conf(5), overridden by crio.conf(5) and by the environment of the
 * service that pulls, where they say so.
 */
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
export async function readStorageConfig(
  host: Host,
  given?: StorageEnvironment,
): Promise<StorageConfig> {
  const environment = given ?? (await readStorageEnvironment(host));
  const problems: string[] = [...environment.problems];
  const files: string[] = [];
  const tables: TomlTable[] = [];
  for (const path of await configPaths(host, environment, problems)) {
    const table = await readTable(host, path, problems);
    if (table === undefined) continue;
    files.push(path);
    tables.push(table);
  }
  const crio = await readCrioPlaces(host);
  const values = new StorageValues(tables, environment, problems);
  const own = environment.crio;
  const driver =
    own.driver ?? crio.storageDriver ?? environment.driver ?? values.text('storage', 'driver');
  const imageStore = own.imageStore ?? crio.imageStore ?? values.path('storage', 'imagestore');
  return {
    // As the library does: both names are one driver, and its folders have the newer one.
    ...(driver === undefined ? {} : { driver: driver === 'overlay2' ? 'overlay' : driver }),
    graphRoot:
      own.root ?? crio.root ?? values.expanded('storage', 'graphroot') ?? DEFAULTS.graphRoot,
    runRoot:
      own.runRoot ?? crio.runRoot ?? values.expanded('storage', 'runroot') ?? DEFAULTS.runRoot,
    ...(imageStore === undefined ? {} : { imageStore }),
    ...furtherStores(values, crio, environment),
    additionalArtifactStores: crio.additionalArtifactStores,
    transientStore: values.last('storage', 'transient_store') === true,
    files,
    problems: [...problems, ...crio.problems],
  };
}

/** `STORAGE_OPTS` takes the place of what storage.conf says, crio.conf adds to it, CRI-O's own variable replaces all. */
function furtherStores(
  values: StorageValues,
  crio: CrioPlaces,
  environment: StorageEnvironment,
): Pick<StorageConfig, 'additionalImageStores' | 'additionalLayerStores'> {
  const configured =
    environment.options === undefined
      ? [
          ...values
            .texts('storage', 'options', 'additionalimagestores')
            .map((path) => `imagestore=${path}`),
          ...values
            .texts('storage', 'options', 'additionallayerstores')
            .map((path) => `additionallayerstore=${path}`),
        ]
      : environment.options;
  const options = environment.crio.options ?? lastOfEach([...configured, ...crio.storageOptions]);
  const { imageStores, layerStores } = readStorageOptions(options);
  return {
    additionalImageStores: values.onlyPaths(imageStores, 'additionalimagestores'),
    additionalLayerStores: values
      .onlyPaths(layerStores, 'additionallayerstores')
      .map((path) => path.replace(/:ref$/, '')),
  };
}

async function configPaths(
  host: Host,
  { conf, override, configHome }: StorageEnvironment,
  problems: string[],
): Promise<readonly string[]> {
  const last = override === undefined ? [] : await thatMustExist(host, override, problems);
  if (conf !== undefined) return [...(await thatMustExist(host, conf, problems)), ...last];
  const own = configHome === undefined ? [] : [`${configHome}/containers/storage.conf`];
  const main = await firstThatExists(host, [...own, ...MAIN_PATHS], problems);
  const dropIns = new Map<string, string>();
  for (const folder of [...own.map((path) => `${path}.d`), ...DROP_INS_PATHS]) {
    for (const name of await listConfigs(host, folder, problems)) {
      if (!dropIns.has(name)) dropIns.set(name, `${folder}/${name}`);
    }
  }
  const names = [...dropIns.keys()].sort();
  const paths = [main, ...names.map((name) => dropIns.get(name))];
  return [...paths.filter((path) => path !== undefined), ...last];
}

/** Without a file that a variable names the node's tools do not start. */
async function thatMustExist(
  host: Host,
  path: string,
  problems: string[],
): Promise<readonly string[]> {
  if ((await firstThatExists(host, [path], problems)) !== undefined) return [path];
  problems.push(`${path}: not there, and the environment of the node's tools names it`);
  return [];
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
  return await orProblem(() => tomlOf(host).of(path), problems);
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
