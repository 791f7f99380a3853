import { matchesIdentity } from './identity.ts';
import { ManifestError, manifestDigest } from './manifest.ts';
import type { SignedIdentity } from './policy-types.ts';
import { SignatureError } from './signature-error.ts';
import type { SignedClaims } from './signature-payload.ts';
import type {
  CandidateImage,
  Rejection,
  RequirementVerdict,
  SignatureVerdict,
} from './verdict-types.ts';

/** Holds what verified signatures say against one image; the manifest is hashed once, when the first asks for it. */
export class ClaimsJudge {
  readonly #image: CandidateImage;
  readonly #identity: SignedIdentity;
  #digest: string | undefined;

  constructor(image: CandidateImage, identity: SignedIdentity) {
    this.#image = image;
    this.#identity = identity;
  }

  /** Throws `SignatureError` when they speak of another manifest or under a name that the rule does not accept. */
  require({ digest, reference }: SignedClaims): void {
    this.#digest ??= signedDigest(this.#image.manifest);
    requireDigest(digest, this.#digest);
    const { dockerReference } = this.#image;
    if (matchesIdentity(this.#identity, dockerReference, reference)) return;
    const image =
      dockerReference === undefined
        ? 'an image without a Docker reference'
        : `"${dockerReference}"`;
    const message = `signed as "${reference}", which ${this.#identity.type} does not accept for ${image}`;
    throw new SignatureError('identity-mismatch', message);
  }
}

/** As `manifestDigest`, for a signature: throws `SignatureError` "manifest-error". */
export function signedDigest(manifest: Uint8Array): string {
  try {
    return manifestDigest(manifest);
  } catch (cause) {
    if (!(cause instanceof ManifestError)) throw cause;
    throw new SignatureError('manifest-error', cause.message, { cause });
  }
}

/** Throws `SignatureError` "digest-mismatch". */
export function requireDigest(signed: string, found: string): void {
  if (signed === found) return;
  const message = `signed for the manifest ${signed}, found ${found}`;
  throw new SignatureError('digest-mismatch', message);
}

/** The claims as a verdict on a signature shows them. */
export function claimsOf(
  claims: SignedClaims | undefined,
): Pick<SignatureVerdict, 'signedDigest' | 'signedReference'> {
  return claims === undefined
    ? {}
    : { signedDigest: claims.digest, signedReference: claims.reference };
}

/** What the verdicts on all signatures of one format mean for a requirement: one accepted is enough. */
export function conclusion(
  signatures: readonly SignatureVerdict[],
  unless: { readonly none: string; readonly reason: Rejection },
): Pick<RequirementVerdict, 'satisfied' | 'reason' | 'message'> {
  if (signatures.some(({ accepted }) => accepted)) return { satisfied: true };
  const [first, second] = signatures;
  if (first === undefined)
    return { satisfied: false, reason: 'no-signature', message: unless.none };
  const { reason = unless.reason, message = '' } = first;
  if (second === undefined) return { satisfied: false, reason, message };
  const isUndecided = signatures.some((verdict) => verdict.reason === 'algorithm-unavailable');
  const messages = signatures.map((verdict) => verdict.message).join('; ');
  return {
    satisfied: false,
    reason: isUndecided ? 'algorithm-unavailable' : 'all-signatures-rejected',
    message: `none of ${signatures.length} signatures was accepted: ${messages}`,
  };
}
