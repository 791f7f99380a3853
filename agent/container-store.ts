import { type FileError, isFileError } from './check.ts';
import { type ContainerSpec, parseContainerSpec } from './container-spec.ts';
import type { Host } from './host.ts';
import { readContainerNames } from './images/container-records.ts';
import { readStorageConfig } from './images/storage-conf.ts';

/** Where a container that starts or ends makes or removes a folder, unless storage.conf names another place. */
export const CONTAINER_FOLDER: string = '/run/containers/storage/overlay-containers';

const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;
const DRIVERS = ['overlay', 'vfs'];

/** Where runtimes keep what they know of containers. */
export interface ContainerStore {
  /** `<root>/<driver>-containers`, where a container may have its `userdata`. */
  readonly folders: readonly string[];
  /** Names that podman gave, by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** The folders of containers-storage (containers-storage.conf(5)) and the names in its records. */
export async function containerStore(host: Host): Promise<ContainerStore> {
  const config = await readStorageConfig(host);
  const drivers = config.driver === undefined ? DRIVERS : [config.driver];
  const folders = drivers.flatMap((driver) =>
    [config.runRoot, config.graphRoot].map((root) => `${root}/${driver}-containers`),
  );
  return { folders, names: await readContainerNames(host, folders) };
}

/** A specification; the problem of one that is there and cannot be used; neither where there is none. */
export interface SpecReading {
  readonly spec?: ContainerSpec;
  readonly problem?: FileError;
}

/** The `config.json` of a container in these folders. */
export async function readSpec(
  host: Host,
  id: string,
  folders: readonly string[],
): Promise<SpecReading> {
  for (const folder of folders) {
    const path = `${folder}/${id}/userdata/config.json`;
    try {
      const text = await host.readText(path, CONFIG_LIMIT_BYTES);
      if (text !== undefined) return { spec: parseContainerSpec(path, text) };
    } catch (error) {
      if (!isFileError(error)) throw error;
      return { problem: error };
    }
  }
  return {};
}
