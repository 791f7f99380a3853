/**
 * The members of containers-policy.json(5), shaped as in the file: a value of these types is what the parser
 * accepted, nothing else. Key material stays base64 text here and is decoded when an image is judged, as the
 * real library does.
 */

export type SignedIdentity =
  | { readonly type: 'matchExact' | 'matchRepoDigestOrExact' | 'matchRepository' }
  | { readonly type: 'exactReference'; readonly dockerReference: string }
  | { readonly type: 'exactRepository'; readonly dockerRepository: string }
  | { readonly type: 'remapIdentity'; readonly prefix: string; readonly signedPrefix: string };

export const KEY_TYPES = [
  'GPGKeys',
  'signedByGPGKeys',
  'X509Certificates',
  'signedByX509CAs',
] as const;
/** Only `GPGKeys` is implemented anywhere; the others parse and always refuse. */
export type KeyType = (typeof KEY_TYPES)[number];

export interface InsecureAcceptAnything {
  readonly type: 'insecureAcceptAnything';
}
export interface Reject {
  readonly type: 'reject';
}
export interface SignedBaseLayer {
  readonly type: 'signedBaseLayer';
  readonly baseLayerIdentity: SignedIdentity;
}
/** Exactly one of `keyPath`, `keyPaths`, `keyData` is present. */
export interface SignedBy {
  readonly type: 'signedBy';
  readonly keyType: KeyType;
  readonly keyPath?: string;
  readonly keyPaths?: readonly string[];
  readonly keyData?: string;
  /** `matchRepoDigestOrExact` when the file leaves it out. */
  readonly signedIdentity: SignedIdentity;
}
export interface FulcioTrust {
  readonly caPath?: string;
  readonly caData?: string;
  readonly oidcIssuer: string;
  readonly subjectEmail: string;
}
export interface PkiTrust {
  readonly caRootsPath?: string;
  readonly caRootsData?: string;
  readonly caIntermediatesPath?: string;
  readonly caIntermediatesData?: string;
  readonly subjectEmail?: string;
  readonly subjectHostname?: string;
}
/** Exactly one of `keyPath`, `keyPaths`, `keyData`, `keyDatas`, `fulcio`, `pki` has a value; at most one `rekorPublicKey…`. */
export interface SigstoreSigned {
  readonly type: 'sigstoreSigned';
  readonly keyPath?: string;
  readonly keyPaths?: readonly string[];
  readonly keyData?: string;
  readonly keyDatas?: readonly string[];
  readonly fulcio?: FulcioTrust;
  readonly pki?: PkiTrust;
  readonly rekorPublicKeyPath?: string;
  readonly rekorPublicKeyPaths?: readonly string[];
  readonly rekorPublicKeyData?: string;
  readonly rekorPublicKeyDatas?: readonly string[];
  /** `matchRepoDigestOrExact` when the file leaves it out. */
  readonly signedIdentity: SignedIdentity;
}
export type PolicyRequirement =
  | InsecureAcceptAnything
  | Reject
  | SignedBaseLayer
  | SignedBy
  | SigstoreSigned;

/** Never empty: an empty list is an error of the file. */
export type PolicyRequirements = readonly PolicyRequirement[];

export interface Policy {
  readonly default: PolicyRequirements;
  /** Transport to scope to requirements; the scope "" is the transport's own default. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, PolicyRequirements>>;
}

/** Which entry of a policy speaks for an image; nothing is merged. */
export interface PolicyScope {
  /** `scope`: an entry of a transport (then `transport` and `scope`); `default`: the policy's own. */
  readonly section: 'scope' | 'default';
  readonly transport?: string;
  readonly scope?: string;
  readonly requirements: PolicyRequirements;
  /** Scopes tried before this one, in order. */
  readonly passedOver: readonly string[];
}
