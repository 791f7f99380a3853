import { join } from 'node:path';
import { openHost } from '../../../agent/host.ts';
import { inThisThread } from '../../../agent/images/evaluator.ts';
import { candidateOf, type NamedImage, readNamedImage } from '../../../agent/images/named-image.ts';
import { dataFileName, StoreError } from '../../../agent/images/records.ts';
import { type SelectedImage, selectImages } from '../../../agent/images/select.ts';
import { type ImageStore, readImageStore, readSignatures } from '../../../agent/images/store.ts';
import { readKeyFiles } from '../../../agent/trust-keys.ts';
import { manifestDigest } from '../../../shared/trust/manifest.ts';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import type { Policy } from '../../../shared/trust/policy-types.ts';
import { parseReference, referenceText } from '../../../shared/trust/reference.ts';
import { readSignatureBlob } from '../../../shared/trust/signature-blob.ts';
import { SignatureError } from '../../../shared/trust/signature-error.ts';
import { type ConformanceKind, conformanceKind, withRoot } from '../kind.ts';

interface FileInput {
  readonly bigDataKey: string;
}
interface LookupInput {
  readonly graph: string;
  readonly additionalImageStores?: readonly string[];
  readonly lookup: { readonly id?: string; readonly name?: string };
  readonly reference?: string;
  readonly policy?: unknown;
}

const host = openHost('/');

export const containersStorage: ConformanceKind = conformanceKind(
  'containers-storage',
  async (input: FileInput | LookupInput, root: string) => {
    if ('bigDataKey' in input) return { fileName: dataFileName(input.bigDataKey) };
    const { graph, additionalImageStores = [] } = input;
    const store = await readImageStore(host, {
      graphRoot: join(root, graph),
      runRoot: '/nowhere',
      additionalImageStores: additionalImageStores.map((path) => join(root, path)),
      additionalLayerStores: [],
      additionalArtifactStores: [],
      transientStore: false,
      files: [],
      problems: [],
    });
    const selected = lookUp(store, input.lookup);
    if (selected === undefined) return { error: 'not-found' };
    const policy =
      input.policy === undefined
        ? undefined
        : parsePolicy(withRoot(JSON.stringify(input.policy), root));
    try {
      return policy ? await evaluate(store, selected, policy, input) : await read(store, selected);
    } catch (error) {
      if (error instanceof StoreError) return { error: error.reason };
      if (error instanceof SignatureError) return { error: 'signatures' };
      throw error;
    }
  },
);

/** By id an image is looked at without any of its names. */
function lookUp(store: ImageStore, { id, name }: LookupInput['lookup']): SelectedImage | undefined {
  const [first] = selectImages(store, [id ?? name ?? '']).selected;
  return first === undefined || id === undefined ? first : { image: first.image };
}

async function read(store: ImageStore, selected: SelectedImage): Promise<object> {
  const named = await readNamedImage(host, store, selected);
  const signatures = await signaturesOf(store, named);
  return {
    imageId: named.image.id,
    topManifestDigest: manifestDigest(named.list ?? named.manifest),
    ...(named.list === undefined ? {} : { instance: named.manifestDigest }),
    signatureFormats: signatures.map((signature) => readSignatureBlob(signature).format),
  };
}

async function evaluate(
  store: ImageStore,
  selected: SelectedImage,
  policy: Policy,
  { lookup, reference = '' }: LookupInput,
): Promise<object> {
  const named = await readNamedImage(host, store, selected);
  const image = {
    ...candidateOf(named, store),
    transport: 'docker',
    policyReference: reference,
    dockerReference: lookup.id === undefined ? reference : ofThisManifest(reference, named),
    signatures: await signaturesOf(store, named),
  };
  const basis = { policy, keyFiles: await readKeyFiles(host, [policy]) };
  const [evaluation] = await inThisThread.evaluate(basis, [image], Date.now());
  if (evaluation === undefined || !('verdict' in evaluation)) return { evaluation };
  const { allowed, reason } = evaluation.verdict;
  // The table has one word for whatever is wrong with a manifest.
  return { allowed, reason: reason === 'reference-digest-mismatch' ? 'manifest' : reason };
}

/**
 * The table asks what CRI-O says of an image found by its id: it does not compare the digest in the user's
 * reference with the manifest, which the product does on purpose. So the manifest's own digest is put there.
 */
function ofThisManifest(text: string, { manifestDigest: digest }: NamedImage): string {
  const reference = parseReference(text);
  return reference.digest === undefined ? text : referenceText({ ...reference, digest });
}

function signaturesOf(store: ImageStore, named: NamedImage): Promise<readonly Uint8Array[]> {
  const instance = named.list === undefined ? undefined : named.manifestDigest;
  return readSignatures(host, store, named.image, instance);
}
