import type { LayerFolder } from './layers.ts';
import type { ImageUsers } from './runtime.ts';
import type { StorageConfig } from './storage-conf.ts';
import type { ImageStore, StoreFolder } from './store.ts';

/** A part of the store that could not be read, so that images in it are not among the verdicts. */
export interface StoreFault {
  /** The node's path: a folder of images or of layers, or a configuration file. */
  readonly path: string;
  /** `records`, `record`, `config`, `containers` (who uses images), or a reason of reading: `permission`, … */
  readonly reason: string;
  readonly message: string;
}

/** A folder of images as it was found. */
export interface SearchedFolder {
  readonly path: string;
  readonly kind: StoreFolder['kind'];
  readonly isPresent: boolean;
  /** Records that could be read. */
  readonly images: number;
}

/** A folder of images in the words of a report. */
export function searched({ path, kind, identity, problem, records }: StoreFolder): SearchedFolder {
  const isPresent = identity !== '' || problem !== undefined;
  return { path, kind, isPresent, images: records.length };
}

/** Everything of the store, its configuration and the records of containers that could not be read. */
export function faultsOf(
  config: StorageConfig,
  store: ImageStore,
  users: ImageUsers,
  layers: readonly LayerFolder[],
): readonly StoreFault[] {
  const { root: path } = store;
  return [
    ...store.folders.flatMap(({ path, problem }) => (problem ? [{ path, ...problem }] : [])),
    ...store.folders.flatMap(({ path, damaged }) =>
      damaged.map(({ message }) => ({ path, reason: 'record', message })),
    ),
    // Where the images cannot be read either, one word is enough.
    ...layers.flatMap(({ path, problem }, index) =>
      problem && store.folders[index]?.problem === undefined ? [{ path, ...problem }] : [],
    ),
    ...layers.flatMap(({ path, damaged }) =>
      damaged.map((message) => ({ path, reason: 'record', message })),
    ),
    ...config.problems.map((message) => ({ path, reason: 'config', message })),
    ...users.problems.map((message) => ({ path, reason: 'containers', message })),
  ];
}
