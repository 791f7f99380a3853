import { type Host, HostError } from '../host.ts';
import { placeOf } from './layer-archive.ts';
import type { LayerRecord } from './layer-records.ts';
import { chainOf, type LayerFolder } from './layers.ts';
import { REFERENCES_PATH } from './release-references.ts';
import { type ImageStore, readDataItem, type StoredImage } from './store.ts';

const LABEL = 'io.openshift.release';
const CONFIG = /^sha256:[0-9a-f]{64}$/;

/**
 * Which images of a store look like release images: by the label of their configuration, or by the list of images among the
 * files of a layer. Only tells where to look; nothing is trusted for it. Each image is looked at once.
 */
export class ReleaseCandidates {
  readonly #known = new Map<string, boolean>();
  /** By the same key, what was told of configurations since the last search. */
  readonly #labelled = new Map<string, boolean>();
  /** What came of these very records, when nothing was left open. */
  #last:
    | { readonly images: ImageStore['images']; readonly found: readonly StoredImage[] }
    | undefined;

  /** Looks for the label while a pass holds the configuration, which then need not be read again. */
  async readLabel(host: Host, store: ImageStore, image: StoredImage): Promise<void> {
    const key = keyOf(image);
    if (this.#known.has(key)) return;
    const isLabelled = await hasLabel(host, store, image);
    if (isLabelled !== undefined) this.#labelled.set(key, isLabelled);
  }

  async find(
    host: Host,
    store: ImageStore,
    layers: readonly LayerFolder[],
  ): Promise<readonly StoredImage[]> {
    if (this.#last?.images === store.images) return this.#last.found;
    const present = new Set<string>();
    const found: StoredImage[] = [];
    // Most layers are those of many images.
    const withList = new Map<LayerRecord, boolean>();
    for (const image of store.images) {
      // An image on its way gets its manifest and its name last.
      const isArriving = image.names.length === 0 && !image.dataNames.includes('manifest');
      if (image.isShadowed || isArriving) continue;
      const key = keyOf(image);
      present.add(key);
      const isRelease =
        this.#known.get(key) ?? (await this.#look(host, store, layers, image, withList));
      if (isRelease) found.push(image);
    }
    this.#labelled.clear();
    for (const key of this.#known.keys()) if (!present.has(key)) this.#known.delete(key);
    const isWhole = [...present].every((key) => this.#known.has(key));
    this.#last = isWhole ? { images: store.images, found } : undefined;
    return found;
  }

  async #look(
    host: Host,
    store: ImageStore,
    layers: readonly LayerFolder[],
    image: StoredImage,
    withList: Map<LayerRecord, boolean>,
  ): Promise<boolean> {
    const key = keyOf(image);
    const hasList = await listAmongFiles(host, store, layers, image, withList);
    const isLabelled =
      hasList === true || (this.#labelled.get(key) ?? (await hasLabel(host, store, image)));
    // What is not there or cannot be read now may be the next time.
    if (isLabelled !== undefined && hasList !== undefined) this.#known.set(key, isLabelled);
    return isLabelled === true;
  }
}

function keyOf({ id, layer, folder }: StoredImage): string {
  return `${id} ${layer} ${folder}`;
}

/** Undefined when its layers are not all there. `known`: layers that were looked at, and whether the list is in them. */
async function listAmongFiles(
  host: Host,
  { driver }: ImageStore,
  layers: readonly LayerFolder[],
  { layer }: StoredImage,
  known: Map<LayerRecord, boolean>,
): Promise<boolean | undefined> {
  if (layer === undefined) return false;
  const chain = chainOf(layers, layer);
  if (chain.kind !== 'whole') return undefined;
  for (const one of chain.layers) {
    const hasList = known.get(one.record) ?? (await isListIn(host, placeOf(one, driver).files));
    known.set(one.record, hasList);
    if (hasList) return true;
  }
  return false;
}

async function isListIn(host: Host, files: string): Promise<boolean> {
  const folder = await host.resolve(files).catch(() => undefined);
  return folder !== undefined && host.identify(`${folder}/${REFERENCES_PATH}`) !== undefined;
}

/** Undefined when the configuration cannot be read. */
async function hasLabel(
  host: Host,
  store: ImageStore,
  { id, dataNames }: StoredImage,
): Promise<boolean | undefined> {
  const item = dataNames.find((name) => CONFIG.test(name));
  if (item === undefined) return false;
  try {
    const bytes = await readDataItem(host, store, id, item);
    if (bytes === undefined) return undefined;
    return bytes.includes(`"${LABEL}"`) && labelsIn(bytes).includes(LABEL);
  } catch (error) {
    if (error instanceof HostError) return undefined;
    throw error;
  }
}

function labelsIn(bytes: Buffer): readonly string[] {
  try {
    const { config } = JSON.parse(bytes.toString()) as { config?: { Labels?: unknown } | null };
    const labels = config?.Labels;
    return typeof labels === 'object' && labels !== null ? Object.keys(labels) : [];
  } catch {
    return [];
  }
}
