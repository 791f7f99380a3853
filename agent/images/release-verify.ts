import type { ImageRelease, ImageVerdict } from '../../shared/images.ts';
import type { Host } from '../host.ts';
import type { DataReader } from './data-reader.ts';
import type { LayerFolder } from './layers.ts';
import { ReleaseError, type ReleaseTrouble, releaseTroubleOf } from './release-error.ts';
import { chainIn, readReleaseContent } from './release-image.ts';
import { type ContentOutcome, layersIdentity, type ReleaseMemory } from './release-memory.ts';
import { parseReferences, REFERENCES_LIMIT_BYTES } from './release-references.ts';
import { type ReleaseSettings, readWhole, thisMachine } from './release-signature.ts';
import { digestsOf } from './select.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** A release whose signature verified, with the digests it names. */
export interface Release extends ImageRelease {
  readonly digests: ReadonlySet<string>;
}

export interface ReleaseScene {
  readonly host: Host;
  readonly store: ImageStore;
  readonly layers: readonly LayerFolder[];
  readonly reader: DataReader;
  readonly memory: ReleaseMemory;
  readonly settings: ReleaseSettings | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
  /** What the policy in force says of an image, one for each of its names. */
  readonly verdictsOn: (image: StoredImage) => Promise<readonly ImageVerdict[]>;
}

/** The release of a release image in the store, or why it vouches for nothing. Throws the signal's reason. */
export async function releaseOf(
  scene: ReleaseScene,
  image: StoredImage,
): Promise<Release | ReleaseTrouble> {
  try {
    const byPolicy = await signedByPolicy(scene, image);
    const { digest, signedBy } = byPolicy ?? (await signedByKeys(scene, image));
    const outcome = await contentOf(scene, image, digest);
    if ('trouble' in outcome) return outcome.trouble;
    return { ...outcome.content, image: digest, signedBy, source: 'node' };
  } catch (error) {
    return releaseTroubleOf(error);
  }
}

/** The release whose list of images is a file of this machine, when one is configured; or why it vouches for nothing. */
export async function releaseByFile({
  settings,
  memory,
  host,
  nowMs,
}: ReleaseScene): Promise<Release | ReleaseTrouble | undefined> {
  const { imageReferences: path, image } = settings ?? {};
  if (settings === undefined || path === undefined || image === undefined) return undefined;
  try {
    const signedBy = await memory.signers.signersOf(settings, host, image, nowMs);
    const bytes = await readWhole(thisMachine, path, REFERENCES_LIMIT_BYTES);
    return { ...parseReferences(bytes, path), image, signedBy, source: 'file' };
  } catch (error) {
    return releaseTroubleOf(error);
  }
}

interface Signed {
  /** Digest that was signed, of the manifest or of the list it is in. */
  readonly digest: string;
  readonly signedBy: readonly string[];
}

async function signedByPolicy(
  scene: ReleaseScene,
  image: StoredImage,
): Promise<Signed | undefined> {
  for (const { verdict, signatures, signedBy } of await scene.verdictsOn(image)) {
    if (verdict !== 'accepted') continue;
    const digest = signatures.find(({ accepted }) => accepted)?.signedDigest;
    if (digest !== undefined) return { digest, signedBy };
  }
  return undefined;
}

async function signedByKeys(scene: ReleaseScene, image: StoredImage): Promise<Signed> {
  const { settings, memory, host, nowMs } = scene;
  if (settings === undefined) {
    const [first] = await scene.verdictsOn(image);
    const why =
      first?.verdict === 'rejected' || first?.verdict === 'unknown'
        ? `the policy does not accept it (${first.message ?? first.reason})`
        : 'the policy asks for no signature of it';
    const message = `${why}, and no keys for releases are configured`;
    throw new ReleaseError('ERR_RELEASE_SIGNATURE', message);
  }
  let trouble: unknown = new ReleaseError('ERR_RELEASE_SIGNATURE', 'the image has no digest');
  for (const digest of digestsOf(image)) {
    try {
      const signedBy = await memory.signers.signersOf(settings, host, digest, nowMs);
      return { digest, signedBy };
    } catch (error) {
      releaseTroubleOf(error);
      trouble = error;
    }
  }
  throw trouble;
}

async function contentOf(
  { host, store, layers, memory, nowMs, signal }: ReleaseScene,
  image: StoredImage,
  digest: string,
): Promise<ContentOutcome> {
  const files = await layersIdentity(host, store.driver, chainIn(layers, image));
  const identity = `${digest}\n${files}`;
  const known = memory.recallContent(image, identity, nowMs);
  if (known !== undefined) return known;
  const outcome = await readContent({ host, store, layers, signal }, image, digest);
  memory.keepContent(image, identity, nowMs, outcome);
  return outcome;
}

async function readContent(
  { host, store, layers, signal }: Pick<ReleaseScene, 'host' | 'store' | 'layers' | 'signal'>,
  image: StoredImage,
  digest: string,
): Promise<ContentOutcome> {
  try {
    return { content: await readReleaseContent(host, store, layers, image, digest, signal) };
  } catch (error) {
    signal.throwIfAborted();
    return { trouble: releaseTroubleOf(error) };
  }
}
