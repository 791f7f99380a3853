/** What a requirement takes key material for: OpenPGP keys, a sigstore key, certificates of an authority. */
export type KeyRole = 'openpgp' | 'sigstore' | 'authority';

/** Why a key protects less than people think. */
export type KeyWeakness =
  /** RSA below 2048 bits, DSA, or Elgamal. */
  | 'algorithm'
  /** Nothing but SHA-1 or RIPEMD-160 vouches for its user IDs. */
  | 'self-signature';

export interface KeyFacts {
  /** Fingerprint of an OpenPGP primary key, upper-case; `sha256:…` of the SubjectPublicKeyInfo of any other. */
  readonly fingerprint: string;
  /** `RSA 4096`, `DSA`, `ECDSA`, … */
  readonly algorithm: string;
  /** Milliseconds since 1970; absent for a key without an end. */
  readonly endsMs?: number;
  readonly isExpired: boolean;
  readonly isRevoked: boolean;
  readonly weaknesses: readonly KeyWeakness[];
}

/** The keys of a file or member; `undecided` are those that OpenSSL does not offer the means for here. */
export interface KeyMaterialFacts {
  readonly keys: readonly KeyFacts[];
  /** Fingerprints, as those of `keys`; empty where even these cannot be told. */
  readonly undecided: readonly string[];
  /** Why nothing in it is a key that a signature could be checked with. */
  readonly problem?: string;
}

/** A shorter RSA key is weak, of whatever standard. */
export const MIN_RSA_BITS = 2048;
