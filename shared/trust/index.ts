/**
 * `nodeseal/trust`: the trust decisions of containers/image as functions from bytes to values. Nothing here opens a
 * file or a socket; clock and files come as arguments. What this list names is kept from one release to the next.
 */

/** What every error of the library extends: `code` to switch on, a message for people. */
export { CodedError } from '../errors.ts';
/** Manifests: the digest by which signatures mean them, their type, the images of a list. */
export {
  guessManifestType,
  ManifestError,
  type ManifestInstance,
  manifestDigest,
  manifestInstances,
} from './manifest.ts';
/** One simple signature without a policy. */
export type { Keyring } from './openpgp/keyring.ts';
export { loadKeys } from './openpgp/keys.ts';
/** containers-policy.json(5): the file, and which of its entries speaks for an image. */
export { PolicyError, parsePolicy } from './policy.ts';
/** What changes for images between two policies. */
export {
  diffPolicies,
  type PolicyChange,
  type PolicyDiffOptions,
  type TrustConfiguration,
} from './policy-diff.ts';
export type {
  FulcioTrust,
  InsecureAcceptAnything,
  KeyType,
  PkiTrust,
  Policy,
  PolicyRequirement,
  PolicyRequirements,
  PolicyScope,
  Reject,
  SignedBaseLayer,
  SignedBy,
  SignedIdentity,
  SigstoreSigned,
} from './policy-types.ts';
/** References: reading them, completing them, writing them. */
export {
  ImageReferenceError,
  parseReference,
  type Reference,
  referenceText,
  tryParseReference,
  withDefaultTag,
} from './reference.ts';
/** containers-registries.conf(5): where images are fetched from. */
export {
  type NamedContent,
  parseRegistriesConf,
  type RegistriesConf,
  type RegistryResolution,
  type RegistrySource,
  resolveRegistry,
} from './registries-conf.ts';
export { RegistriesConfError, type Registry, type RegistryMirror } from './registries-conf-file.ts';
/** containers-registries.d(5): where signatures lie. */
export {
  attachmentTag,
  lookupRegistriesD,
  parseRegistriesD,
  type RegistriesD,
  type RegistriesDLookup,
  type RegistriesDOptions,
  signatureUrl,
} from './registries-d.ts';
export { RegistriesDError, type RegistriesDSection } from './registries-d-file.ts';
export { findScope } from './scope.ts';
export type { ImageStoreName, ScopeOptions } from './scope-candidates.ts';
export { SignatureError } from './signature-error.ts';
export type { SignedClaims } from './signature-payload.ts';
/** Verdicts: may an image be used under a policy, and why. */
export { evaluateImage, isUnenforced } from './verdict.ts';
export {
  type CandidateImage,
  type EvaluationContext,
  type PolicyVerdict,
  REJECTIONS,
  type Rejection,
  type RequirementVerdict,
  type SignatureVerdict,
} from './verdict-types.ts';
export {
  type SignatureAnswer,
  type SignatureQuestion,
  verifySignature,
} from './verify-signature.ts';
