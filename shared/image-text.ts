import type { ImageRelease, ImageVerdict } from './images.ts';
import { requirementTexts, signatureTexts, userTexts } from './reported-text.ts';

/** A step on the way to a verdict: what it is, empty where it goes on with the one before, and what it says. */
export type ImageStep = readonly [name: string, text: string];

/** How a verdict came about: the same on a terminal and on the page. Texts of nodes stand as they came. */
export function imageSteps(image: ImageVerdict): readonly ImageStep[] {
  const { digest, imageId, policy, namespace, scope, requirements } = image;
  const { signatures, source, signedBy, release, pods } = image;
  return [
    ['image', `${digest} (id ${imageId})`],
    ['policy', namespace === undefined ? policy : `${policy}, of the namespace ${namespace}`],
    ['scope', scope === '' ? 'none: no policy was asked' : scope],
    ...requirementTexts(requirements).map((text): ImageStep => ['asks for', text]),
    ['source', source === 'none' ? 'no signature was found or needed' : source],
    ...signatureTexts(signatures).map((text): ImageStep => ['', text]),
    ...(signedBy.length > 0 ? [['signed by', signedBy.join(', ')] as const] : []),
    ...(release === undefined ? [] : chainOf(release, digest)),
    ...userTexts(pods).map((text): ImageStep => ['used by', text]),
  ];
}

/** Why, in a word. That nobody asked for a signature is not all there is to say of an image whose release is signed. */
export function imageReason({ verdict, reason, release }: ImageVerdict): string {
  if (verdict === 'unenforced' && release !== undefined) return `release ${release.version}`;
  return reason ?? '';
}

/** From the signature of a release to one of its images. */
function chainOf(
  { version, image, signedBy, source }: ImageRelease,
  digest: string,
): readonly ImageStep[] {
  const list = {
    node: 'release-manifests/image-references in a layer of it, rebuilt from the store and held against its digest',
    file: 'a file that was named as its list of images',
  };
  return [
    ['release', `${version}, the image ${image}`],
    ['', `signed by ${signedBy.join(', ')}`],
    // The release image is no image of its own list.
    ...(digest === image ? [] : [['', `named in ${list[source]}`] as const]),
  ];
}
