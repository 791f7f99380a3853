import { dropInFiles } from './folder-files.ts';
import type { Host } from './host.ts';
import { TomlFileError, tomlAt, tomlOf } from './toml.ts';

/** Lowest first; drop-ins come after these. A file in root's home is for podman without root alone. */
const FILES = ['/usr/share/containers/containers.conf', '/etc/containers/containers.conf'];
export const CONTAINERS_CONF_DROP_INS: string = '/etc/containers/containers.conf.d';

/** Value of a setting and the file that decides it. */
export interface ContainersSetting {
  readonly path: string;
  readonly value: string;
}

/**
 * Text that podman's configuration has at `keys`, containers.conf(5): of several files the last one that names it.
 * Throws `HostError` or `TomlFileError` for a file that podman could not use either.
 */
export async function containersText(
  host: Host,
  ...keys: readonly string[]
): Promise<ContainersSetting | undefined> {
  const paths = [...FILES, ...(await dropInFiles(host, CONTAINERS_CONF_DROP_INS))];
  let found: ContainersSetting | undefined;
  for (const path of paths) {
    const table = await tomlOf(host).of(path);
    const value = table && tomlAt(table, ...keys);
    if (value === undefined) continue;
    if (typeof value !== 'string') {
      throw new TomlFileError(path, `${keys.join('.')}: expected text, found ${typeof value}`);
    }
    found = { path, value };
  }
  return found;
}
