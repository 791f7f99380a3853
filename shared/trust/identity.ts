import type { SignedIdentity } from './policy-types.ts';
import { isNameOnly, type Reference, referenceText, tryParseReference } from './reference.ts';

type RemapIdentity = Extract<SignedIdentity, { readonly type: 'remapIdentity' }>;

/**
 * Does a `signedIdentity` rule accept the reference that a signature carries? `intended` is the image's own Docker
 * reference as the user meant it, default tag included; undefined when it has none (dir:, oci:, untagged), so that
 * only the exact rules can accept. Neither gets a tag added. containers-policy.json(5), "signedIdentity".
 */
export function matchesIdentity(
  identity: SignedIdentity,
  intended: string | undefined,
  signed: string,
): boolean {
  const signature = tryParseReference(signed);
  if (signature === undefined) return false;
  const image = intended === undefined ? undefined : tryParseReference(intended);
  switch (identity.type) {
    case 'matchExact':
      return isSameReference(image, signature);
    case 'matchRepoDigestOrExact':
      return isSameRepositoryOrReference(image, signature);
    case 'matchRepository':
      return image?.name === signature.name;
    case 'exactReference':
      return isSameReference(tryParseReference(identity.dockerReference), signature);
    case 'exactRepository':
      return tryParseReference(identity.dockerRepository)?.name === signature.name;
    case 'remapIdentity':
      return isSameRepositoryOrReference(image && remapped(identity, image), signature);
  }
}

function isSameReference(expected: Reference | undefined, signature: Reference): boolean {
  if (expected === undefined || isNameOnly(expected) || isNameOnly(signature)) return false;
  return referenceText(expected) === referenceText(signature);
}

/** By repository for an image meant by digest alone: the manifest is held against that digest elsewhere. */
function isSameRepositoryOrReference(image: Reference | undefined, signature: Reference): boolean {
  if (image?.tag !== undefined || image?.digest === undefined)
    return isSameReference(image, signature);
  return !isNameOnly(signature) && image.name === signature.name;
}

/** The name under which the signer knows the image; undefined when the rewritten text is not in normal form. */
function remapped(
  { prefix, signedPrefix }: RemapIdentity,
  image: Reference,
): Reference | undefined {
  if (image.name !== prefix && !image.name.startsWith(`${prefix}/`)) return image;
  const text = `${signedPrefix}${referenceText(image).slice(prefix.length)}`;
  const reference = tryParseReference(text);
  return reference !== undefined && referenceText(reference) === text ? reference : undefined;
}
