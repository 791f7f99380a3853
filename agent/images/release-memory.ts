import type { Host } from '../host.ts';
import { type DataIdentity, type DataReader, isStillThere } from './data-reader.ts';
import { placeOf } from './layer-archive.ts';
import type { PlacedLayer } from './layers.ts';
import { ReleaseCandidates } from './release-candidates.ts';
import type { ReleaseTrouble } from './release-error.ts';
import { REFERENCES_PATH, type ReleaseContent } from './release-references.ts';
import type { ImageStore, StoredImage } from './store.ts';
import { MAX_AGE_MS } from './verdict-cache.ts';

/** What the layers of a release image came to. */
export type ContentOutcome =
  | { readonly content: ReleaseContent }
  | { readonly trouble: ReleaseTrouble };

interface KnownContent {
  readonly identity: string;
  readonly atMs: number;
  readonly outcome: ContentOutcome;
}

interface KnownDigests {
  readonly state: string;
  readonly identity: DataIdentity;
  readonly digests: ReadonlySet<string>;
}

/** Spares a pass to rebuild layers and to hash manifests that nobody has touched since an earlier one. */
export class ReleaseMemory {
  readonly candidates: ReleaseCandidates = new ReleaseCandidates();
  readonly #contents = new Map<string, KnownContent>();
  readonly #digests = new Map<string, KnownDigests>();

  /**
   * What a release image names. That it does was proven once and for all, so the answer stands as long as the files it
   * came from are the same ones; a failure may have its cause in another file, and is looked into again after 15 minutes.
   */
  recallContent(image: StoredImage, identity: string, nowMs: number): ContentOutcome | undefined {
    const known = this.#contents.get(image.id);
    if (known?.identity !== identity) return undefined;
    const isFresh = 'content' in known.outcome || Math.abs(nowMs - known.atMs) <= MAX_AGE_MS;
    return isFresh ? known.outcome : undefined;
  }

  keepContent(image: StoredImage, identity: string, nowMs: number, outcome: ContentOutcome): void {
    this.#contents.set(image.id, { identity, atMs: nowMs, outcome });
  }

  /** Of these digests those whose manifest the image was found to have. */
  recallDigests(host: Host, image: StoredImage, state: string): ReadonlySet<string> | undefined {
    const known = this.#digests.get(image.id);
    if (known?.state !== state || !isStillThere(host, known.identity)) return undefined;
    return known.digests;
  }

  keepDigests(
    reader: DataReader,
    store: ImageStore,
    image: StoredImage,
    state: string,
    digests: ReadonlySet<string>,
  ): void {
    const identity = reader.identityOf(store, image);
    if (identity === undefined) this.#digests.delete(image.id);
    else this.#digests.set(image.id, { state, identity, digests });
  }

  /** Forgets images that are gone. */
  endPass({ images }: ImageStore): void {
    const present = new Set(images.map(({ id }) => id));
    for (const known of [this.#contents, this.#digests]) {
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
    }
  }
}

/** Which files a rebuilt layer came from: of each layer the kept pieces, and the list where it lies unpacked. */
export async function layersIdentity(
  host: Host,
  driver: string,
  chain: readonly PlacedLayer[],
): Promise<string> {
  const parts: string[] = [];
  for (const layer of chain) {
    const { tarSplit, files } = placeOf(layer, driver);
    for (const path of [tarSplit, `${files}/${REFERENCES_PATH}`]) {
      const resolved = await host.resolve(path).catch(() => undefined);
      const identity = resolved === undefined ? undefined : host.identify(resolved);
      parts.push(`${resolved} ${identity?.text}`);
    }
  }
  return parts.join('\n');
}
