import { ContentError } from './content-error.ts';
import { type CrioVariable, readCrioService } from './crio-service.ts';
import { walkedFiles } from './folder-files.ts';
import type { Host } from './host.ts';
import type { ServiceEnvironment } from './service-environment.ts';
import { type TomlTable, tomlAt, tomlOf } from './toml.ts';

export const CRIO_FOLDER: string = '/etc/crio';
const CONFIG = '/etc/crio/crio.conf';
const DROP_INS = '/etc/crio/crio.conf.d';
const PROGRAMS = ['/usr/bin/crio', '/usr/local/bin/crio'];

/** The files CRI-O reads at its start, in its order: a later one overrules an earlier one, member by member. */
export interface CrioConfig {
  readonly files: readonly CrioFile[];
}

export interface CrioFile {
  readonly path: string;
  readonly table: TomlTable;
}

/** A setting that CRI-O would refuse to start with. */
export class CrioConfigError extends ContentError<'ERR_CRIO_VALUE'> {}

/** Value of a setting and the file that decides it. */
export interface CrioSetting<T> {
  readonly path: string;
  readonly value: T;
}

/**
 * CRI-O's configuration (crio.conf(5), crio.conf.d(5)), the flags and variables of its unit last; undefined where there is no
 * CRI-O. Throws `HostError`, `TomlFileError` or `CrioConfigError` for what CRI-O could not start with either.
 */
export async function readCrioConfig(host: Host): Promise<CrioConfig | undefined> {
  const service = await readCrioService(host);
  if (service.unread !== undefined) throw service.unread;
  const named = (name: CrioVariable): string | undefined => {
    const value = decided(service, name);
    return value?.startsWith('/') === true ? value : undefined;
  };
  const files: CrioFile[] = [];
  const dropIns = await walkedFiles(host, named('CONTAINER_CONFIG_DIR') ?? DROP_INS);
  for (const path of [named('CONTAINER_CONFIG') ?? CONFIG, ...dropIns]) {
    const table = await tomlOf(host).of(path);
    if (table !== undefined) files.push({ path, table });
  }
  files.push(...byUnit(service));
  if (files.length > 0) return { files };
  for (const path of PROGRAMS) {
    if ((await host.stat(path)) !== undefined) return { files };
  }
  return undefined;
}

/** Settings that flags and variables of the unit overrule, as one file more; those of policies and stores have other readers. */
function byUnit(service: ServiceEnvironment): readonly CrioFile[] {
  if (service.unit === undefined) return [];
  const of = (name: CrioVariable): string | undefined => decided(service, name);
  const [selinux, seccomp] = [of('CONTAINER_SELINUX'), of('CONTAINER_SECCOMP_PROFILE')];
  const privileged = of('CONTAINER_PRIVILEGED_SECCOMP_PROFILE');
  const insecure = of('CONTAINER_INSECURE_REGISTRY');
  const runtime = {
    ...(selinux === undefined ? {} : { selinux: switched(selinux) }),
    ...(seccomp === undefined ? {} : { seccomp_profile: seccomp }),
    ...(privileged === undefined ? {} : { privileged_seccomp_profile: privileged }),
  };
  const image = insecure === undefined ? {} : { insecure_registries: insecure.split(',') };
  if (Object.keys({ ...runtime, ...image }).length === 0) return [];
  return [{ path: service.unit.path, table: { crio: { runtime, image } } }];
}

/** What a flag or variable says. Throws `CrioConfigError` for one that is set to what no file tells. */
function decided(
  { unit, variables, undecided }: ServiceEnvironment,
  name: CrioVariable,
): string | undefined {
  const why = undecided.get(name);
  if (why === undefined) return variables.get(name);
  throw new CrioConfigError('ERR_CRIO_VALUE', unit?.path ?? CONFIG, why);
}

/** As Go reads a switch; anything else CRI-O does not start with. */
function switched(text: string): boolean | string {
  if (/^(?:1|t|true)$/i.test(text)) return true;
  return /^(?:0|f|false)$/i.test(text) ? false : text;
}

/** What the last file that sets it says. Throws `CrioConfigError` when that is no boolean. */
export function crioBoolean(
  config: CrioConfig,
  ...keys: readonly string[]
): CrioSetting<boolean> | undefined {
  const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
  return setting(config, keys, 'a boolean', isBoolean);
}

/** As `crioBoolean`, for text. */
export function crioText(
  config: CrioConfig,
  ...keys: readonly string[]
): CrioSetting<string> | undefined {
  const isText = (value: unknown): value is string => typeof value === 'string';
  return setting(config, keys, 'text', isText);
}

/** As `crioBoolean`, for a list of texts. */
export function crioTexts(
  config: CrioConfig,
  ...keys: readonly string[]
): CrioSetting<readonly string[]> | undefined {
  const isTexts = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.every((item) => typeof item === 'string');
  return setting(config, keys, 'a list of texts', isTexts);
}

/** A runtime of CRI-O or a workload, `[crio.runtime.runtimes.<name>]`. */
export interface CrioHandler {
  readonly name: string;
  /** The file whose table counts: a later one replaces an earlier one whole, unlike other settings. */
  readonly file: CrioFile;
  /** Keys of its table, for `crioText` and its like. */
  readonly keys: readonly string[];
}

/** The runtimes or workloads that the files name, sorted by name. */
export function crioHandlers(
  { files }: CrioConfig,
  kind: 'runtimes' | 'workloads',
): readonly CrioHandler[] {
  const handlers = new Map<string, CrioHandler>();
  for (const file of files) {
    const tables = tomlAt(file.table, 'crio', 'runtime', kind);
    if (typeof tables !== 'object' || tables === null) continue;
    for (const name of Object.keys(tables)) {
      handlers.set(name, { name, file, keys: ['crio', 'runtime', kind, name] });
    }
  }
  return [...handlers.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function setting<T>(
  { files }: CrioConfig,
  keys: readonly string[],
  kind: string,
  isKind: (value: unknown) => value is T,
): CrioSetting<T> | undefined {
  for (const { path, table } of files.toReversed()) {
    const value = tomlAt(table, ...keys);
    if (value === undefined) continue;
    if (isKind(value)) return { path, value };
    const message = `${keys.join('.')}: expected ${kind}, found ${typeof value}`;
    throw new CrioConfigError('ERR_CRIO_VALUE', path, message);
  }
  return undefined;
}
