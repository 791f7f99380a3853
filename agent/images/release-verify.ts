import { CodedError } from '../../shared/errors.ts';
import type { ImageRelease, ImageVerdict } from '../../shared/images.ts';
import type { Host } from '../host.ts';
import type { DataReader } from './data-reader.ts';
import type { LayerFolder } from './layers.ts';
import { ReleaseError, type ReleaseTrouble, releaseTroubleOf } from './release-error.ts';
import { chainIn, readReleaseContent } from './release-image.ts';
import { type ContentOutcome, layersIdentity, type ReleaseMemory } from './release-memory.ts';
import { parseReferences, REFERENCES_LIMIT_BYTES } from './release-references.ts';
import {
  type ReleaseSettings,
  readWhole,
  releaseSigners,
  thisMachine,
} from './release-signature.ts';
import { digestsOf } from './select.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** A release whose signature verified, with the digests it names. */
export interface Release extends ImageRelease {
  /** Signed by the keys that were configured for releases, not merely as the policy asks of any image there. */
  readonly isByKeys: boolean;
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
    const { digest, signedBy, isByKeys } = await signedOf(scene, image);
    const outcome = await contentOf(scene, image, digest);
    if ('trouble' in outcome) return outcome.trouble;
    return { ...outcome.content, image: digest, signedBy, isByKeys, source: 'node' };
  } catch (error) {
    return releaseTroubleOf(error);
  }
}

/** The release whose list of images is a file of this machine, when one is configured; or why it vouches for nothing. */
export async function releaseByFile({
  settings,
  host,
  nowMs,
}: ReleaseScene): Promise<Release | ReleaseTrouble | undefined> {
  const { imageReferences: path, image } = settings ?? {};
  if (settings === undefined || path === undefined || image === undefined) return undefined;
  try {
    const signedBy = await releaseSigners(settings, host, image, nowMs);
    const bytes = await readWhole(thisMachine, path, REFERENCES_LIMIT_BYTES);
    return { ...parseReferences(bytes, path), image, signedBy, isByKeys: true, source: 'file' };
  } catch (error) {
    return releaseTroubleOf(error);
  }
}

interface Signed {
  /** Digest that was signed, of the manifest or of the list it is in. */
  readonly digest: string;
  readonly signedBy: readonly string[];
  readonly isByKeys: boolean;
}

/** By the keys for releases, else as the policy asks. Throws what stands against the first of these that applies. */
async function signedOf(scene: ReleaseScene, image: StoredImage): Promise<Signed> {
  const byKeys = await signedByKeys(scene, image);
  if (byKeys !== undefined && !(byKeys instanceof CodedError)) return byKeys;
  const verdicts = await scene.verdictsOn(image);
  for (const { verdict, signatures, signedBy } of verdicts) {
    if (verdict !== 'accepted') continue;
    const digest = signatures.find(({ accepted }) => accepted)?.signedDigest;
    if (digest !== undefined) return { digest, signedBy, isByKeys: false };
  }
  if (byKeys !== undefined) throw byKeys;
  const refusal = verdicts.find(({ verdict }) => verdict === 'rejected' || verdict === 'unknown');
  const why =
    refusal === undefined
      ? 'the policy asks for no signature of it'
      : `the policy does not accept it (${refusal.message ?? refusal.reason})`;
  const message = `${why}, and no keys for releases are configured`;
  throw new ReleaseError('ERR_RELEASE_SIGNATURE', message);
}

/** Why it is not signed by them; undefined when there are none. */
async function signedByKeys(
  { settings, host, nowMs }: ReleaseScene,
  image: StoredImage,
): Promise<Signed | CodedError<string> | undefined> {
  if (settings === undefined) return undefined;
  let trouble: CodedError<string> = new ReleaseError(
    'ERR_RELEASE_SIGNATURE',
    'the image has no digest',
  );
  for (const digest of digestsOf(image)) {
    try {
      const signedBy = await releaseSigners(settings, host, digest, nowMs);
      return { digest, signedBy, isByKeys: true };
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      trouble = error;
    }
  }
  return trouble;
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
