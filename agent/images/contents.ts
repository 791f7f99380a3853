import { sha256 } from '../../shared/canonical.ts';
import { ManifestError, manifestDigest } from '../../shared/trust/manifest.ts';
import { type Host, HostError } from '../host.ts';
import { type ImageStore, readDataItem, type StoredImage } from './store.ts';

/** A data item whose bytes are not what its name or its record says. */
export interface ContentFault {
  /** Key of the data item: `manifest`, `manifest-sha256:…`, `sha256:…` (the configuration). */
  readonly item: string;
  /** Digest that was recorded. */
  readonly expected: string;
  /** Digest of the bytes; absent when it cannot be told. */
  readonly found?: string;
}

/** Manifests and configuration of one stored image, held against their digests. */
export interface ImageContents {
  readonly imageId: string;
  /** Data items compared. */
  readonly compared: number;
  readonly faults: readonly ContentFault[];
  /** Why nothing more can be said; the rest could not be read. */
  readonly problem?: string;
}

const MANIFEST_PREFIX = 'manifest-';
const CONFIG = /^sha256:[0-9a-f]{64}$/;

/**
 * Holds the bytes of an image's manifests and configuration against their digests, as no tool of the node does: podman and
 * CRI-O read them by name. The digest is in the name of the item; that of `manifest` in its record. A file that is not
 * there is not compared. Layers are not read. Never throws for what is in the store.
 */
export async function inspectContents(
  host: Host,
  store: ImageStore,
  image: StoredImage,
): Promise<ImageContents> {
  const { id: imageId } = image;
  const faults: ContentFault[] = [];
  let compared = 0;
  try {
    for (const [item, expected] of expectations(store, image)) {
      const bytes = await readDataItem(host, store, imageId, item);
      if (bytes === undefined) continue;
      compared++;
      const found = CONFIG.test(item) ? sha256(bytes) : digestOf(bytes);
      if (found === expected) continue;
      faults.push({ item, expected, ...(found === undefined ? {} : { found }) });
    }
    return { imageId, compared, faults };
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return { imageId, compared, faults, problem: error.message };
  }
}

function expectations(
  store: ImageStore,
  { id, dataNames, dataDigests, folder }: StoredImage,
): readonly (readonly [item: string, digest: string])[] {
  // Where several folders have the image, the first one's `manifest` is read, whatever a later record says of its own.
  const isFirst = store.folders.find(({ ids }) => ids.has(id))?.path === folder;
  return [...new Set(dataNames)].flatMap((item) => {
    if (CONFIG.test(item)) return [[item, item] as const];
    const digest = item.startsWith(MANIFEST_PREFIX)
      ? item.slice(MANIFEST_PREFIX.length)
      : item === 'manifest' && isFirst
        ? dataDigests.get(item)
        : undefined;
    // Digests of another algorithm are allowed and never used.
    return digest !== undefined && CONFIG.test(digest) ? [[item, digest] as const] : [];
  });
}

function digestOf(manifest: Uint8Array): string | undefined {
  try {
    return manifestDigest(manifest);
  } catch (error) {
    if (error instanceof ManifestError) return undefined;
    throw error;
  }
}
