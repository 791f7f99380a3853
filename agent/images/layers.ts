import { setTimeout as delay } from 'node:timers/promises';
import { type Host, HostError } from '../host.ts';
import { type LayerRecord, parseLayerRecords } from './layer-records.ts';
import { StoreError } from './records.ts';
import type { ImageStore, StoreProblem } from './store.ts';

/** The layer records of one root of a store. */
export interface LayerFolder {
  /** `<root>/<driver>-layers`. */
  readonly path: string;
  readonly root: string;
  readonly layers: ReadonlyMap<string, LayerRecord>;
  /** False when there may be layers that are not among `layers`: nothing can then be called missing. */
  readonly isComplete: boolean;
  /** Why nothing can be read from it; absent when it is fine or simply not there. */
  readonly problem?: StoreProblem;
  /** Entries that are no records. */
  readonly damaged: readonly string[];
  readonly identity: string;
}

/** Where one layer of an image is kept. */
export interface PlacedLayer {
  readonly record: LayerRecord;
  readonly folder: LayerFolder;
}

/** The layers of an image from the lowest up, or what keeps them from being one image. */
export type LayerChain =
  | { readonly kind: 'whole'; readonly layers: readonly PlacedLayer[] }
  | { readonly kind: 'missing' | 'loop'; readonly layer: string };

/** The layer of a container is in `volatile-layers.json`; those of images never are, but their parents are looked up in both. */
const FILE_NAMES = ['layers.json', 'volatile-layers.json'] as const;
/** 1,500 layers take a MiB. */
const RECORDS_LIMIT_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 5;
const PAUSE_MS = 20;

/** Reads the records of the layers beside those of the images. Never throws for a state of the node. */
export async function readLayers(host: Host, store: ImageStore): Promise<readonly LayerFolder[]> {
  const folders: LayerFolder[] = [];
  for (const { path, records, problem } of store.folders) {
    const root = path.slice(0, path.lastIndexOf('/'));
    const mayBeEmpty = records.length === 0 && problem === undefined;
    folders.push(await readFolder(host, root, store.driver, mayBeEmpty));
  }
  return folders;
}

/** False when a writer has been at work since the layers were read. */
export async function areUnchanged(host: Host, folders: readonly LayerFolder[]): Promise<boolean> {
  for (const { path, identity, problem } of folders) {
    if (problem !== undefined) return false;
    if ((await identityOf(host, path).catch(() => undefined)) !== identity) return false;
  }
  return true;
}

/** The layers that `top` stands on, itself included; looked up through all roots, as containers-storage does. */
export function chainOf(folders: readonly LayerFolder[], top: string): LayerChain {
  const layers: PlacedLayer[] = [];
  const seen = new Set<string>();
  for (let id: string | undefined = top; id !== undefined; ) {
    const layer = placed(folders, id);
    if (layer === undefined) return { kind: 'missing', layer: id };
    if (seen.has(id)) return { kind: 'loop', layer: id };
    seen.add(id);
    layers.unshift(layer);
    id = layer.record.parent;
  }
  return { kind: 'whole', layers };
}

function placed(folders: readonly LayerFolder[], id: string): PlacedLayer | undefined {
  for (const folder of folders) {
    const record = folder.layers.get(id);
    if (record !== undefined) return { record, folder };
  }
  return undefined;
}

async function readFolder(
  host: Host,
  root: string,
  driver: string,
  mayBeEmpty: boolean,
): Promise<LayerFolder> {
  const path = `${root}/${driver}-layers`;
  for (let attempt = 1; ; attempt++) {
    let identity = '';
    try {
      identity = await identityOf(host, path);
      const layers = new Map<string, LayerRecord>();
      const damaged: string[] = [];
      let isThere = false;
      for (const name of FILE_NAMES) {
        const file = `${path}/${name}`;
        const bytes = await host.readBytes(file, RECORDS_LIMIT_BYTES);
        if (bytes === undefined) continue;
        isThere = true;
        const found = parseLayerRecords(bytes.toString(), file);
        for (const record of found.records) layers.set(record.id, record);
        damaged.push(...found.damaged);
      }
      const isSettled = (await identityOf(host, path)) === identity;
      if (!isSettled && attempt < ATTEMPTS) {
        await delay(PAUSE_MS * attempt);
        continue;
      }
      const isComplete = isSettled && damaged.length === 0 && (isThere || mayBeEmpty);
      return { path, root, layers, isComplete, damaged, identity };
    } catch (error) {
      if (!(error instanceof HostError) && !(error instanceof StoreError)) throw error;
      const { reason, message } = error;
      const nothing = { layers: new Map<string, LayerRecord>(), isComplete: false, damaged: [] };
      return { path, root, ...nothing, identity, problem: { reason, message } };
    }
  }
}

/** As of the list of images: the lock's content changes before the lists do, so all are looked at. */
async function identityOf(host: Host, path: string): Promise<string> {
  const lock = await host.readBytes(`${path}/layers.lock`, 4096);
  const token = lock?.subarray(0, 64).toString('hex') ?? '';
  const folder = await host.resolve(path);
  const lists = FILE_NAMES.map((name) =>
    folder === undefined ? '' : (host.identify(`${folder}/${name}`)?.text ?? ''),
  );
  return [token, ...lists].join('\n');
}

/** Spares a pass to read records that nobody has touched since the last one. */
export class LayerMemory {
  #known: { readonly store: string; readonly folders: readonly LayerFolder[] } | undefined;

  /** As `readLayers`. */
  async read(host: Host, store: ImageStore): Promise<readonly LayerFolder[]> {
    const key = JSON.stringify(store.folders.map(({ path, identity }) => [path, identity]));
    const known = this.#known;
    if (known?.store === key && (await areUnchanged(host, known.folders))) return known.folders;
    const folders = await readLayers(host, store);
    this.#known = { store: key, folders };
    return folders;
  }
}
