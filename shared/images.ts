import type { PolicyRequirement } from './trust/policy-types.ts';
import type { SignatureVerdict } from './trust/verdict-types.ts';

export const VERDICTS = ['accepted', 'unenforced', 'rejected', 'unknown'] as const;
/**
 * What one policy in force says of one image under one name. `unenforced`: nothing asked for a signature, so
 * it is never shown as verified. `unknown`: could not be decided, `reason` says why.
 */
export type Verdict = (typeof VERDICTS)[number];

/** A pod (or podman container, then without namespace) that uses an image. */
export interface ImageUser {
  readonly namespace?: string;
  readonly pod?: string;
  readonly container: string;
}

/** The OpenShift release that names an image by digest, once the release's own signature verified. */
export interface ImageRelease {
  /** As `4.16.3`. */
  readonly version: string;
  /** Digest of the release image, for which the signature is. */
  readonly image: string;
  /** Who signed the release: OpenPGP fingerprints, or `sha256:` of public keys. */
  readonly signedBy: readonly string[];
  /**
   * Where the list of images comes from: `node`, a layer of the release image in this node's store, rebuilt and held
   * against the signed digest; `file`, one that somebody vouches for by naming it.
   */
  readonly source: 'node' | 'file';
}

/** The item of `ImageVerdictList` and of the section `images`. */
export interface ImageVerdict {
  /** Image id: hex. */
  readonly imageId: string;
  /** The name judged, `<none>` for a nameless image. */
  readonly reference: string;
  /** Digest of the record, `sha256:…`. */
  readonly digest: string;
  /** Path of the policy file that judged. */
  readonly policy: string;
  /** The namespace whose policy judged, for containers of its pods; absent for the node as a whole. */
  readonly namespace?: string;
  readonly verdict: Verdict;
  /**
   * `rejected`: a `Rejection`, or `store-metadata`, `store-manifest`, `store-signatures`, `signatures-unreadable` for
   * what no tool of the node could read either. `unknown`: why it could not be decided (agent/images/trouble.ts).
   */
  readonly reason?: string;
  readonly message?: string;
  readonly signedBy: readonly string[];
  /** The scope that spoke: `docker "quay.io/x"` or `default`. */
  readonly scope: string;
  readonly requirements: readonly PolicyRequirement[];
  readonly signatures: readonly SignatureVerdict[];
  /** Where the signatures came from: `store`, `lookaside`, `registry`; `none` when there were none. */
  readonly source: string;
  readonly pods: readonly ImageUser[];
  /** The verified release that the image belongs to. The verdict is the node's own all the same. */
  readonly release?: ImageRelease;
}
