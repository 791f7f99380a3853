import { setTimeout as delay } from 'node:timers/promises';
import { counted } from '../../shared/counted.ts';
import { type Host, HostError } from '../host.ts';
import { signatureSizes } from './metadata.ts';
import {
  type DamagedRecord,
  dataFileName,
  type ImageRecord,
  parseImageRecords,
  StoreError,
} from './records.ts';
import type { StorageConfig } from './storage-conf.ts';

/**
 * containers-storage as it lies on disk, read beside its writers: no lock is taken and nothing is opened for
 * writing. Every file in it is replaced by rename, so one file is whole at any time; that records and data belong
 * together is seen by comparing `isUnchanged` afterwards.
 */
export interface ImageStore {
  readonly driver: string;
  /** The graph root, by which policies name a store. */
  readonly root: string;
  /** In the order in which the node searches them. */
  readonly folders: readonly StoreFolder[];
  /** Records in that order; an id comes again where a later folder has a record of it too. */
  readonly images: readonly StoredImage[];
}

/** One folder of images of a store. */
export interface StoreFolder {
  /** `<root>/<driver>-images`. */
  readonly path: string;
  readonly kind: 'primary' | 'graphroot' | 'additional';
  readonly records: readonly ImageRecord[];
  readonly ids: ReadonlySet<string>;
  readonly damaged: readonly DamagedRecord[];
  /** Why nothing can be read from it; absent when it is fine or simply not there. */
  readonly problem?: StoreProblem;
  /** What changes with every write: content of the lock file, and which images.json it is. */
  readonly identity: string;
}

export interface StoreProblem {
  /** `records` when images.json is damaged, else a reason of reading: `permission`, `too-large`, … */
  readonly reason: string;
  readonly message: string;
}

export interface StoredImage extends ImageRecord {
  /** Names that lead to this image and to no other: the later record in a file keeps a name, the first folder wins. */
  readonly names: readonly string[];
  /** Names that lead to it in its own folder: by digest an image is found under any of them. */
  readonly ownNames: readonly string[];
  /** Nothing but a digest leads to this record: an earlier folder has the image and all its names. */
  readonly isShadowed: boolean;
  readonly folder: string;
}

/** 300 images take half a MiB; beyond this a list is an attack on our memory rather than a store. */
const RECORDS_LIMIT_BYTES = 32 * 1024 * 1024;
const SIGNATURES_LIMIT_BYTES = 16 * 1024 * 1024;
const ATTEMPTS = 5;
const PAUSE_MS = 20;
/** Tried when no configuration names the driver, the usual one first. */
const DRIVERS = ['overlay', 'vfs', 'btrfs', 'zfs'] as const;

const NOTHING = { records: [], ids: new Set<string>(), damaged: [] } as const;

/** Reads the records of all image stores. Never throws for a state of the node. */
export async function readImageStore(host: Host, config: StorageConfig): Promise<ImageStore> {
  const driver = config.driver ?? (await shownDriver(host, config)) ?? DRIVERS[0];
  const roots: (readonly [string, StoreFolder['kind']])[] = [
    [config.imageStore ?? config.graphRoot, 'primary'],
    ...(config.imageStore === undefined ? [] : [[config.graphRoot, 'graphroot'] as const]),
    ...config.additionalImageStores.map((root) => [root, 'additional'] as const),
  ];
  const folders: StoreFolder[] = [];
  for (const [root, kind] of roots) {
    folders.push(await readFolder(host, `${root}/${driver}-images`, kind));
  }
  return { driver, root: config.graphRoot, folders, images: namedImages(folders) };
}

/** False when a writer has been at work since the store was read; also when that cannot be seen any more. */
export async function isUnchanged(host: Host, store: ImageStore): Promise<boolean> {
  for (const { path, identity } of store.folders) {
    if ((await identityOf(host, path).catch(() => '')) !== identity) return false;
  }
  return true;
}

/**
 * The manifest of an image, by default the one it was pulled with; `digest` asks for a particular one of those
 * kept. Throws `StoreError` when it is not there.
 */
export async function readManifest(
  host: Host,
  store: ImageStore,
  image: ImageRecord,
  digest?: string,
): Promise<Uint8Array> {
  const key = digest === undefined ? 'manifest' : `manifest-${digest}`;
  const manifest = await readDataItem(host, store, image.id, key);
  if (manifest !== undefined) return manifest;
  throw new StoreError('ERR_STORE_MANIFEST', `image ${image.id}: ${key}: no such data item`);
}

/**
 * The stored signatures of an image, or of one instance of the list it was pulled through. They lie in one file
 * that only the sizes in the metadata cut into pieces: no sizes, no signatures, whatever files remain.
 * Throws `StoreError`.
 */
export async function readSignatures(
  host: Host,
  store: ImageStore,
  image: ImageRecord,
  instance?: string,
): Promise<readonly Uint8Array[]> {
  const sizes = signatureSizes(image, instance);
  if (sizes.length === 0) return [];
  const key = instance === undefined ? 'signatures' : `signature-${hexOf(instance)}`;
  const all = await readDataItem(host, store, image.id, key, SIGNATURES_LIMIT_BYTES);
  if (all === undefined) throw signaturesFault(image, `${key}: no such data item`);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== all.length) {
    throw signaturesFault(
      image,
      `expected ${counted(total, 'byte')} in ${key}, found ${all.length}`,
    );
  }
  let from = 0;
  return sizes.map((size) => {
    from += size;
    return all.subarray(from - size, from);
  });
}

function signaturesFault({ id }: ImageRecord, what: string): StoreError {
  return new StoreError('ERR_STORE_SIGNATURES', `image ${id}: ${what}`);
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** A data item of an image, by its key: looked for by image id through all folders that know the image, first one that has it. */
export async function readDataItem(
  host: Host,
  store: ImageStore,
  id: string,
  key: string,
  limitBytes?: number,
): Promise<Buffer | undefined> {
  for (const folder of store.folders) {
    if (!folder.ids.has(id)) continue;
    const bytes = await host.readBytes(`${folder.path}/${id}/${dataFileName(key)}`, limitBytes);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

async function readFolder(
  host: Host,
  path: string,
  kind: StoreFolder['kind'],
): Promise<StoreFolder> {
  const file = `${path}/images.json`;
  for (let attempt = 1; ; attempt++) {
    let identity = '';
    try {
      identity = await identityOf(host, path);
      const bytes = await host.readBytes(file, RECORDS_LIMIT_BYTES);
      const isSettled = (await identityOf(host, path)) === identity;
      // A writer that never rests: the list is whole all the same, and `isUnchanged` will say that it is old.
      if (!isSettled && attempt < ATTEMPTS) {
        await delay(PAUSE_MS * attempt);
        continue;
      }
      const { records, damaged } =
        bytes === undefined ? NOTHING : parseImageRecords(bytes.toString(), file);
      const ids = new Set(records.map(({ id }) => id));
      return { path, kind, identity, records, ids, damaged };
    } catch (error) {
      if (!(error instanceof HostError) && !(error instanceof StoreError)) throw error;
      const { reason, message } = error;
      return { path, kind, identity, ...NOTHING, problem: { reason, message } };
    }
  }
}

/** The lock's content changes before the list does, so neither is enough alone. Some read-only stores have no lock. */
async function identityOf(host: Host, path: string): Promise<string> {
  const lock = await host.readBytes(`${path}/images.lock`, 4096);
  const file = await host.resolve(`${path}/images.json`);
  const list = file === undefined ? undefined : host.identify(file);
  const token = lock?.subarray(0, 64).toString('hex') ?? '';
  return list === undefined ? token : `${token} ${list.text}`;
}

async function shownDriver(host: Host, config: StorageConfig): Promise<string | undefined> {
  const root = config.imageStore ?? config.graphRoot;
  const names = (await host.list(root).catch(() => undefined)) ?? [];
  return DRIVERS.find((driver) => names.includes(`${driver}-images`));
}

function namedImages(folders: readonly StoreFolder[]): readonly StoredImage[] {
  const images: StoredImage[] = [];
  const taken = new Set<string>();
  const known = new Set<string>();
  for (const { path, records } of folders) {
    const owners = new Map<string, ImageRecord>();
    for (const record of records) for (const name of record.names) owners.set(name, record);
    const byId = new Map(records.map((record) => [record.id, record]));
    for (const record of byId.values()) {
      const ownNames = [...new Set(record.names)].filter((name) => owners.get(name) === record);
      const names = ownNames.filter((name) => !taken.has(name));
      const isShadowed = known.has(record.id) && names.length === 0;
      images.push({ ...record, names, ownNames, isShadowed, folder: path });
    }
    for (const id of byId.keys()) known.add(id);
    for (const name of owners.keys()) taken.add(name);
  }
  return images;
}
