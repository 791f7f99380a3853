import type { PolicyRequirement, PolicyScope } from './policy-types.ts';
import type { ScopeOptions } from './scope-candidates.ts';

/**
 * Why a signature, a requirement or an image was refused. Classes, not messages; stable. `algorithm-unavailable` is no
 * judgement: this machine's OpenSSL (FIPS mode, crypto policy) does not offer what the signature needs, so the node's own
 * answer is not known.
 */
export const REJECTIONS = [
  'policy-reject',
  'no-signature',
  'blob-format',
  'openpgp-invalid',
  'openpgp-signature-count',
  'no-usable-keys',
  'key-unreadable',
  'key-invalid',
  'unsupported-key-type',
  'not-implemented',
  'payload-invalid',
  'digest-mismatch',
  'reference-digest-mismatch',
  'identity-mismatch',
  'manifest-error',
  'signature-invalid',
  'annotation-missing',
  'rekor-set',
  'certificate-invalid',
  'certificate-issuer',
  'certificate-subject',
  'all-signatures-rejected',
  'algorithm-unavailable',
] as const;
export type Rejection = (typeof REJECTIONS)[number];

/** What one requirement made of one signature. */
export interface SignatureVerdict {
  /** Place among the image's signatures, from 0. */
  readonly index: number;
  readonly format: 'simple-signing' | 'sigstore-json';
  readonly accepted: boolean;
  readonly reason?: Rejection;
  /** One sentence for people: what was found, what was expected. */
  readonly message?: string;
  /** Who signed, once that is verified: OpenPGP fingerprint (upper-case hex) or `sha256:` of a public key's SPKI. */
  readonly signer?: string;
  /** What the signature claims of the image; trusted only when `accepted`. */
  readonly signedReference?: string;
  readonly signedDigest?: string;
}

export interface RequirementVerdict {
  readonly requirement: PolicyRequirement;
  readonly satisfied: boolean;
  readonly reason?: Rejection;
  readonly message?: string;
  /** Fingerprints of the keys this requirement asks for, as far as they could be loaded. */
  readonly keys: readonly string[];
  readonly signatures: readonly SignatureVerdict[];
}

/** The answer of containers/image: may this image be used, and why. Every requirement of the scope must be satisfied. */
export interface PolicyVerdict {
  readonly allowed: boolean;
  /** First cause of a refusal. */
  readonly reason?: Rejection;
  readonly message?: string;
  readonly scope: PolicyScope;
  readonly requirements: readonly RequirementVerdict[];
  /** Distinct signers of accepted signatures; empty when nothing asked for a signature. */
  readonly signedBy: readonly string[];
}

/** An image as its judge sees it: one manifest, under one name, with the signatures found for it. */
export interface CandidateImage {
  /** Transport whose scopes apply: `docker`, `containers-storage`, … */
  readonly transport: string;
  /** What the policy is looked up by, in the transport's own syntax (`docker`: a reference without `//`). */
  readonly policyReference: string;
  /** The image's Docker reference for identity rules; absent when it has none (dir:, oci:). */
  readonly dockerReference?: string;
  /** The manifest that was or would be used: of one platform, never a list unless the list itself is judged. */
  readonly manifest: Uint8Array;
  /**
   * The list the manifest was chosen from. A digest in `dockerReference` is then the list's, and the manifest has to be
   * one of its instances; without it that digest has to be the manifest's own.
   */
  readonly list?: Uint8Array;
  /** Signature blobs in stored form, in order; not read when the policy asks for none. */
  readonly signatures: readonly Uint8Array[];
}

/** What an evaluation needs from outside; trust itself opens nothing. */
export interface EvaluationContext {
  /** Content of a file named by the policy. Throws when it cannot be read: that is `key-unreadable`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Milliseconds since 1970: expiry and revocation are judged now, not at signing time. */
  readonly nowMs: number;
  /** Signing subkeys count (containers/image 5.37.0 and later, September 2025). Default true. */
  readonly signingSubkeys?: boolean;
  /** What looking up a scope has to know of the node: its store, and where links lead. */
  readonly scopeOptions?: ScopeOptions;
}
