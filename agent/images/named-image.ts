import { guessManifestType, MANIFEST_TYPE, manifestDigest } from '../../shared/trust/manifest.ts';
import {
  parseReference,
  type Reference,
  referenceText,
  tryParseReference,
  withDefaultTag,
} from '../../shared/trust/reference.ts';
import type { CandidateImage } from '../../shared/trust/verdict-types.ts';
import type { Host } from '../host.ts';
import { signatureSizes } from './metadata.ts';
import { StoreError } from './records.ts';
import type { SelectedImage } from './select.ts';
import { type ImageStore, readManifest, type StoredImage } from './store.ts';
import { ImageError } from './trouble.ts';

/** One stored image under one of its names, with the manifest that counts for that name. */
export interface NamedImage {
  readonly image: StoredImage;
  /** As CRI-O reads the name: no tag beside a digest, `latest` where there is neither. Absent for a nameless image. */
  readonly reference?: Reference;
  readonly manifest: Uint8Array;
  readonly manifestDigest: string;
  /** The list the image was pulled through, when its name is the digest of that. */
  readonly list?: Uint8Array;
}

/** What there is to judge of an image under one name. Throws what `troubleOf` understands. */
export async function readNamedImage(
  host: Host,
  store: ImageStore,
  { image, name }: SelectedImage,
): Promise<NamedImage> {
  // An image whose metadata cannot be read cannot be opened at all, with signatures or without.
  signatureSizes(image);
  if (name === undefined) return { image, ...(await readStored(host, store, image)) };
  const reference = judgedReference(name);
  const { digest } = reference;
  const manifest =
    digest === undefined
      ? await readStored(host, store, image)
      : await readByDigest(host, store, image, digest);
  return { image, reference, ...manifest };
}

/** The image as the policy's judge wants it: by its Docker name as CRI-O does, a nameless one by its place. */
export function candidateOf(
  { image, reference, manifest, list }: NamedImage,
  store: ImageStore,
): Omit<CandidateImage, 'signatures'> {
  const content = { manifest, ...(list === undefined ? {} : { list }) };
  if (reference === undefined) {
    const policyReference = `[${store.driver}@${store.root}]@${image.id}`;
    return { transport: 'containers-storage', policyReference, ...content };
  }
  const dockerReference = referenceText(reference);
  return {
    transport: 'docker',
    policyReference: dockerReference,
    dockerReference,
    ...content,
  };
}

/** A name as it is judged: complete, without a tag beside a digest; as it stands when it is no name. */
export function judgedName(name: string): string {
  const reference = tryParseReference(name);
  return reference === undefined ? name : referenceText(judgedReference(name));
}

function judgedReference(name: string): Reference {
  const reference = parseReference(name);
  if (reference.digest === undefined) return withDefaultTag(reference);
  const { tag: _, ...byDigest } = reference;
  return byDigest;
}

type Manifest = Pick<NamedImage, 'manifest' | 'manifestDigest' | 'list'>;

async function readStored(host: Host, store: ImageStore, image: StoredImage): Promise<Manifest> {
  const manifest = await readDefaultManifest(host, store, image);
  if (isManifestList(manifest)) {
    const message = `image ${image.id}: a list of images, not one that can run`;
    throw new ImageError('unknown', 'manifest-list', message);
  }
  return { manifest, manifestDigest: manifestDigest(manifest) };
}

async function readDefaultManifest(
  host: Host,
  store: ImageStore,
  image: StoredImage,
): Promise<Uint8Array> {
  try {
    return await readManifest(host, store, image);
  } catch (error) {
    // A pull writes the name last: a nameless image without a manifest is not damaged, it is not there yet.
    const isArriving = image.names.length === 0 && !image.dataNames.includes('manifest');
    if (!(error instanceof StoreError) || !isArriving) throw error;
    throw new ImageError('unknown', 'incomplete', error.message);
  }
}

/** The manifest that an image asked for by digest has: of that digest, or of the instance pulled through that list. */
async function readByDigest(
  host: Host,
  store: ImageStore,
  image: StoredImage,
  digest: string,
): Promise<Manifest> {
  const kept = await readKept(host, store, image, digest);
  // Old versions kept only the one manifest.
  if (kept === undefined) return await readStored(host, store, image);
  if (isManifestList(kept)) return { ...(await readStored(host, store, image)), list: kept };
  return { manifest: kept, manifestDigest: manifestDigest(kept) };
}

async function readKept(
  host: Host,
  store: ImageStore,
  image: StoredImage,
  digest: string,
): Promise<Uint8Array | undefined> {
  try {
    return await readManifest(host, store, image, digest);
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

function isManifestList(manifest: Uint8Array): boolean {
  if (!mayBeList(manifest)) return false;
  const type = guessManifestType(manifest);
  return type === MANIFEST_TYPE.ociIndex || type === MANIFEST_TYPE.dockerList;
}

/**
 * Spares reading most manifests whole: a list has a member `manifests`, or names its own type or that of a configuration as
 * one of the two of lists. Each shows in the text unless it is escaped or folded from Unicode.
 */
function mayBeList(manifest: Uint8Array): boolean {
  const text = Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length).toString(
    'latin1',
  );
  return /manifests|image\.index|manifest\.list|[\\\x80-\xff]/i.test(text);
}
