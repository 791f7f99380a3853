import type { ImageRelease } from '../../shared/images.ts';
import { type ReleaseTrouble, releaseTroubleOf } from './release-error.ts';
import { runnableManifest } from './release-image.ts';
import { type Release, type ReleaseScene, releaseByFile, releaseOf } from './release-verify.ts';
import { compareVersions } from './release-version.ts';
import { digestsOf } from './select.ts';
import type { StoredImage } from './store.ts';

/** A release image, or a list of images, that vouches for nothing. */
export interface ReleaseNote extends ReleaseTrouble {
  /** The image of the store; absent for a list that is a file. */
  readonly imageId?: string;
  /** A name of that image, or the path of the file. */
  readonly subject: string;
}

/** Which verified releases there are, and which images belong to them. */
export class Releases {
  readonly #scene: ReleaseScene;
  readonly #releases: readonly Release[];
  readonly notes: readonly ReleaseNote[];

  private constructor(
    scene: ReleaseScene,
    releases: readonly Release[],
    notes: readonly ReleaseNote[],
  ) {
    this.#scene = scene;
    this.#releases = releases;
    this.notes = notes;
  }

  /** No release is verified, nor is there one that could not be. */
  get isNothing(): boolean {
    return this.#releases.length === 0 && this.notes.length === 0;
  }

  /** Never throws for a state of the node; throws the signal's reason. */
  static async read(scene: ReleaseScene): Promise<Releases> {
    const { host, store, layers, memory } = scene;
    const releases: Release[] = [];
    const notes: ReleaseNote[] = [];
    for (const image of await memory.candidates.find(host, store, layers)) {
      const found = await releaseOf(scene, image);
      if ('digests' in found) releases.push(found);
      else notes.push({ imageId: image.id, subject: image.names[0] ?? image.id, ...found });
    }
    const named = await releaseByFile(scene);
    if (named !== undefined) {
      if ('digests' in named) releases.push(named);
      else notes.push({ subject: scene.settings?.imageReferences ?? '', ...named });
    }
    memory.endPass(store);
    return new Releases(scene, releases.sort(byWeight), notes);
  }

  /**
   * The release that an image belongs to, by a digest that its own bytes were held against; of several the newest,
   * of those that the keys for releases signed if there are such. The release image itself belongs to its release.
   */
  async of(image: StoredImage): Promise<ImageRelease | undefined> {
    if (this.#releases.length === 0) return undefined;
    const named = [...digestsOf(image)].filter((digest) =>
      this.#releases.some((release) => names(release, digest)),
    );
    if (named.length === 0) return undefined;
    const proven = await this.#proven(image, named);
    const release = this.#releases.find((one) => [...proven].some((digest) => names(one, digest)));
    if (release === undefined) return undefined;
    const { version, image: digest, signedBy, source } = release;
    return { version, image: digest, signedBy, source };
  }

  /** Digests are what the store's records say: those count whose manifest is there. */
  async #proven(image: StoredImage, named: readonly string[]): Promise<ReadonlySet<string>> {
    const { reader, store, memory, host } = this.#scene;
    const state = JSON.stringify([reader.placesOf(store, image), named]);
    const known = memory.recallDigests(host, image, state);
    if (known !== undefined) return known;
    const proven = new Set<string>();
    for (const digest of named) {
      try {
        await runnableManifest(reader, store, image, digest);
        proven.add(digest);
      } catch (error) {
        // That its manifest is damaged is what the verdict and images.content-consistent say.
        releaseTroubleOf(error);
      }
    }
    memory.keepDigests(reader, store, image, state, proven);
    reader.release();
    return proven;
  }
}

function names({ digests, image }: Release, digest: string): boolean {
  return image === digest || digests.has(digest);
}

/** What the keys for releases signed comes first; of one version, the list that was proven on the node. */
function byWeight(a: Release, b: Release): number {
  return (
    Number(b.isByKeys) - Number(a.isByKeys) ||
    compareVersions(b.version, a.version) ||
    Number(b.source === 'node') - Number(a.source === 'node')
  );
}
