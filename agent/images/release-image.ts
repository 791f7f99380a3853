import { sha256 } from '../../shared/canonical.ts';
import { counted } from '../../shared/counted.ts';
import { parseDigest } from '../../shared/trust/digest.ts';
import {
  configDigest,
  guessManifestType,
  MANIFEST_TYPE,
  manifestDigest,
  manifestInstances,
} from '../../shared/trust/manifest.ts';
import type { Host } from '../host.ts';
import { readImageFile } from './image-file.ts';
import { chainOf, type LayerFolder, type PlacedLayer } from './layers.ts';
import { ReleaseError } from './release-error.ts';
import {
  parseReferences,
  REFERENCES_LIMIT_BYTES,
  REFERENCES_PATH,
  type ReleaseContent,
} from './release-references.ts';
import { type ImageStore, readDataItem, type StoredImage } from './store.ts';

/** Its own layer has 2 MiB; what lies below it is a small system. */
const REBUILT_LIMIT_BYTES = 1024 * 1024 * 1024;

/**
 * The images that a release image of the store names, by nothing but what `signed`, a digest somebody signed, vouches for:
 * manifest, configuration, and the archives of its layers down to the one with the list are hashed on the way. Throws what
 * `releaseTroubleOf` understands, and the signal's reason.
 */
export async function readReleaseContent(
  host: Host,
  store: ImageStore,
  layers: readonly LayerFolder[],
  image: StoredImage,
  signed: string,
  signal: AbortSignal,
): Promise<ReleaseContent> {
  const manifest = await runnableManifest(host, store, image, signed);
  const digests = await layerDigests(host, store, image, manifest);
  const chain = chainIn(layers, image);
  if (chain.length !== digests.length) {
    const message = `the image has ${counted(digests.length, 'layer')}, the store ${chain.length} of it`;
    throw new ReleaseError('ERR_RELEASE_LAYERS', message);
  }
  const limits = { fileBytes: REFERENCES_LIMIT_BYTES, budget: { bytes: REBUILT_LIMIT_BYTES } };
  const bytes = await readImageFile(
    host,
    store.driver,
    chain,
    digests,
    REFERENCES_PATH,
    limits,
    signal,
  );
  if (bytes !== undefined) return parseReferences(bytes, REFERENCES_PATH);
  throw new ReleaseError('ERR_RELEASE_REFERENCES', `the image has no ${REFERENCES_PATH}`);
}

/**
 * The bytes of the manifest that a container of the image is made by, proven to be the manifest of this digest or an
 * instance of the list of this digest. Throws `ReleaseError`, `ManifestError`, `HostError`.
 */
export async function runnableManifest(
  host: Host,
  store: ImageStore,
  { id }: StoredImage,
  digest: string,
): Promise<Uint8Array> {
  const read = async (key: string) => await readDataItem(host, store, id, key);
  const [asked, stored] = [await read(`manifest-${digest}`), await read('manifest')];
  const manifest = asked ?? stored;
  if (manifest === undefined || manifestDigest(manifest) !== digest) {
    const what = manifest === undefined ? 'has no manifest' : 'has a changed manifest';
    throw new ReleaseError('ERR_RELEASE_MANIFEST', `image ${id}: ${what} for ${digest}`);
  }
  const type = guessManifestType(manifest);
  if (type !== MANIFEST_TYPE.ociIndex && type !== MANIFEST_TYPE.dockerList) {
    // A mirror that packed the layers anew leaves two manifests of one configuration.
    if (stored === undefined || configDigest(stored) === configDigest(manifest)) return manifest;
    const message = `image ${id}: its manifest has another configuration than ${digest}`;
    throw new ReleaseError('ERR_RELEASE_MANIFEST', message);
  }
  const found = stored === undefined ? undefined : manifestDigest(stored);
  const isInstance = manifestInstances(manifest).some((instance) => instance.digest === found);
  if (stored !== undefined && isInstance) return stored;
  const message = `image ${id}: ${found ?? 'no manifest'} is not in the list ${digest}`;
  throw new ReleaseError('ERR_RELEASE_MANIFEST', message);
}

/** `rootfs.diff_ids` of the configuration that the manifest names. */
async function layerDigests(
  host: Host,
  store: ImageStore,
  { id }: StoredImage,
  manifest: Uint8Array,
): Promise<readonly string[]> {
  const fault = (what: string): ReleaseError =>
    new ReleaseError('ERR_RELEASE_CONFIG', `image ${id}: ${what}`);
  const digest = configDigest(manifest);
  if (digest === undefined || parseDigest(digest)?.algorithm !== 'sha256') {
    throw fault('its manifest names no configuration');
  }
  const bytes = await readDataItem(host, store, id, digest);
  if (bytes === undefined) throw fault(`${digest}: no such data item`);
  const found = sha256(bytes);
  if (found !== digest) throw fault(`expected the configuration ${digest}, found ${found}`);
  const digests = diffIds(bytes);
  if (digests === undefined) throw fault('its configuration names no layers');
  return digests;
}

function diffIds(config: Uint8Array): readonly string[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(config).toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('rootfs' in value)) return undefined;
  const { rootfs } = value;
  if (typeof rootfs !== 'object' || rootfs === null || !('diff_ids' in rootfs)) return undefined;
  const ids: unknown = rootfs.diff_ids;
  const isList =
    Array.isArray(ids) && ids.every((id) => parseDigest(`${id}`)?.algorithm === 'sha256');
  return isList && ids.length > 0 ? ids.map(String) : undefined;
}

/** The layers of an image as they are kept. Throws `ReleaseError` when one is not. */
export function chainIn(
  layers: readonly LayerFolder[],
  { layer }: StoredImage,
): readonly PlacedLayer[] {
  const chain = layer === undefined ? undefined : chainOf(layers, layer);
  if (chain?.kind === 'whole') return chain.layers;
  const what =
    chain === undefined ? 'the image has no layer' : `the layer ${chain.layer} is ${chain.kind}`;
  throw new ReleaseError('ERR_RELEASE_LAYERS', what);
}
