import type { ImageVerdict } from '../../shared/images.ts';
import type { ImageVerification } from '../images/verify.ts';

/** Which policy is the node's own: `policyPath` of a verification. */
type NodePolicyPath = Pick<ImageVerification, 'policyPath'>;

/**
 * Subject of what is said of an image under one of its judges: its reference, its id where it has none; with the namespace
 * whose policy judged, or with podman where that has another policy than CRI-O.
 */
export function subjectOf(image: ImageVerdict, node: NodePolicyPath): string {
  const { reference, imageId, namespace } = image;
  const name = reference === '<none>' ? imageId : reference;
  if (namespace !== undefined) return `${name} (namespace ${namespace})`;
  return image.policy === node.policyPath ? name : `${name} (podman)`;
}

/** Key of an item of the section `images`, by the same rule; no namespace looks like a path. */
export function itemKeyOf(image: ImageVerdict, node: NodePolicyPath): string {
  const { imageId, reference, namespace, policy } = image;
  const key = `${imageId} ${reference}`;
  if (namespace !== undefined) return `${key} ${namespace}`;
  return policy === node.policyPath ? key : `${key} ${policy}`;
}
