import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { dataFileName } from '../../agent/images/records.ts';

/** One image of a store made for a test. Members that are not given are as a pull would leave them. */
export interface StoreImage {
  readonly id: string;
  readonly names?: readonly string[];
  readonly digest?: string;
  /** Data items by key, as they lie on disk. */
  readonly data?: Readonly<Record<string, string | Uint8Array>>;
  readonly metadata?: unknown;
  /** Anything else of the record, or other values for the above. */
  readonly record?: Readonly<Record<string, unknown>>;
}

export interface StoreOptions {
  readonly root?: string;
  readonly driver?: string;
  readonly lock?: string;
}

export type Files = Record<string, string | Uint8Array>;

/** Files of a containers-storage with these images, by their absolute path on the node. */
export function storeFiles(images: readonly StoreImage[], options: StoreOptions = {}): Files {
  const {
    root = '/var/lib/containers/storage',
    driver = 'overlay',
    lock = 'x'.repeat(64),
  } = options;
  const folder = `${root}/${driver}-images`;
  const files: Files = {
    [`${folder}/images.json`]: JSON.stringify(images.map(recordOf)),
    [`${folder}/images.lock`]: lock,
  };
  for (const { id, data = {} } of images) {
    for (const [key, content] of Object.entries(data)) {
      files[`${folder}/${id}/${dataFileName(key)}`] = content;
    }
  }
  return files;
}

/** The entry of images.json for an image. */
export function recordOf({ id, names, digest, data = {}, metadata, record }: StoreImage): object {
  return {
    id,
    ...(digest === undefined ? {} : { digest }),
    ...(names === undefined ? {} : { names, 'names-history': names }),
    metadata: typeof metadata === 'string' ? metadata : JSON.stringify(metadata ?? {}),
    'big-data-names': Object.keys(data),
    ...record,
  };
}

/** Writes files below `dir`; returns it. */
export function writeFiles(dir: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) {
    const place = join(dir, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }
  return dir;
}
