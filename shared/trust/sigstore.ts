import { matchesIdentity } from './identity.ts';
import { ManifestError, manifestDigest } from './manifest.ts';
import type { SigstoreSigned } from './policy-types.ts';
import type { SignatureBlob } from './signature-blob.ts';
import { SignatureError } from './signature-error.ts';
import { parseSigstorePayload, type SignedClaims } from './signature-payload.ts';
import { readSigstoreBlob, SIGNATURE_MEDIA_TYPE, type SigstoreBlob } from './sigstore/blob.ts';
import { fingerprint } from './sigstore/public-key.ts';
import { verifySigner } from './sigstore/signer.ts';
import { loadTrustRoot, type TrustRoot, trustedFingerprints } from './sigstore/trust-root.ts';
import type {
  CandidateImage,
  EvaluationContext,
  RequirementVerdict,
  SignatureVerdict,
} from './verdict-types.ts';

/**
 * Judges a `sigstoreSigned` requirement: one attachment whose signature a trusted key made over a payload for this
 * manifest, under an identity its rule accepts, is enough; simple signatures do not count here. Every signature is
 * judged, so that the answer can say who signed. Refusals are values, never thrown. containers-policy.json(5),
 * "sigstoreSigned".
 */
export async function evaluateSigstoreSigned(
  requirement: SigstoreSigned,
  image: CandidateImage,
  blobs: readonly SignatureBlob[],
  context: EvaluationContext,
): Promise<RequirementVerdict> {
  const root = await orRefusal(() => loadTrustRoot(requirement, context.readFile));
  const keys = root instanceof SignatureError ? [] : trustedFingerprints(root);
  const found = await orRefusal(() => readAttachments(blobs));
  if (found instanceof SignatureError) {
    const { code: reason, message } = found;
    return { requirement, keys, satisfied: false, reason, message, signatures: [] };
  }
  const judge = new AttachmentJudge(requirement, image, root, context);
  const signatures = found.flatMap(({ index, blob }) =>
    blob.mediaType === SIGNATURE_MEDIA_TYPE ? [judge.judge(index, blob)] : [],
  );
  return { requirement, keys, signatures, ...conclusion(signatures, blobs.length, found.length) };
}

interface Attachment {
  readonly index: number;
  readonly blob: SigstoreBlob;
}

/** Throws `SignatureError` "blob-format" for one that cannot be read, which spoils the image. */
function readAttachments(blobs: readonly SignatureBlob[]): readonly Attachment[] {
  return blobs.flatMap((blob, index) =>
    blob.format === 'sigstore-json' ? [{ index, blob: readSigstoreBlob(blob.json) }] : [],
  );
}

async function orRefusal<T>(attempt: () => T | Promise<T>): Promise<T | SignatureError> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof SignatureError) return error;
    throw error;
  }
}

/** What the verdicts on all signatures mean for the requirement: one accepted is enough. */
function conclusion(
  signatures: readonly SignatureVerdict[],
  blobs: number,
  attachments: number,
): Pick<RequirementVerdict, 'satisfied' | 'reason' | 'message'> {
  if (signatures.some(({ accepted }) => accepted)) return { satisfied: true };
  const [first, second] = signatures;
  if (first === undefined) {
    const others = `${blobs - attachments} simple signatures, ${attachments} other attachments`;
    const message =
      blobs === 0
        ? 'a signature is required, but the image has none'
        : `a sigstore signature is required, but the image has none (${others})`;
    return { satisfied: false, reason: 'no-signature', message };
  }
  const { reason = 'signature-invalid', message = '' } = first;
  if (second === undefined) return { satisfied: false, reason, message };
  const isUndecided = signatures.some((verdict) => verdict.reason === 'algorithm-unavailable');
  const messages = signatures.map((verdict) => verdict.message).join('; ');
  return {
    satisfied: false,
    reason: isUndecided ? 'algorithm-unavailable' : 'all-signatures-rejected',
    message: `none of ${signatures.length} signatures was accepted: ${messages}`,
  };
}

/** Holds attachments against one requirement; the manifest is hashed once, when a signature asks for it. */
class AttachmentJudge {
  readonly #requirement: SigstoreSigned;
  readonly #image: CandidateImage;
  readonly #root: TrustRoot | SignatureError;
  readonly #nowMs: number;
  #digest: string | undefined;

  constructor(
    requirement: SigstoreSigned,
    image: CandidateImage,
    root: TrustRoot | SignatureError,
    { nowMs }: EvaluationContext,
  ) {
    this.#requirement = requirement;
    this.#image = image;
    this.#root = root;
    this.#nowMs = nowMs;
  }

  judge(index: number, blob: SigstoreBlob): SignatureVerdict {
    const format = 'sigstore-json' as const;
    let signer: string | undefined;
    try {
      if (this.#root instanceof SignatureError) throw this.#root;
      signer = fingerprint(verifySigner(blob, this.#root, this.#nowMs));
      const claims = parseSigstorePayload(blob.payload);
      this.#compare(claims);
      return { index, format, accepted: true, signer, ...claimsOf(claims) };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { code: reason, message } = error;
      const who = signer === undefined ? {} : { signer };
      const claims = claimsOf(untrustedClaims(blob.payload));
      return { index, format, accepted: false, reason, message, ...who, ...claims };
    }
  }

  #compare({ digest, reference }: SignedClaims): void {
    const manifest = this.#manifestDigest();
    if (digest !== manifest) {
      const message = `signed for the manifest ${digest}, found ${manifest}`;
      throw new SignatureError('digest-mismatch', message);
    }
    const { signedIdentity } = this.#requirement;
    const intended = this.#image.dockerReference;
    if (!matchesIdentity(signedIdentity, intended, reference)) {
      const image =
        intended === undefined ? 'an image without a Docker reference' : `"${intended}"`;
      const message = `signed as "${reference}", which ${signedIdentity.type} does not accept for ${image}`;
      throw new SignatureError('identity-mismatch', message);
    }
  }

  #manifestDigest(): string {
    try {
      this.#digest ??= manifestDigest(this.#image.manifest);
      return this.#digest;
    } catch (cause) {
      if (!(cause instanceof ManifestError)) throw cause;
      throw new SignatureError('manifest-error', cause.message, { cause });
    }
  }
}

/** What a payload says of itself before anyone checked who signed it: for messages, never for decisions. */
function untrustedClaims(payload: Uint8Array): SignedClaims | undefined {
  try {
    return parseSigstorePayload(payload);
  } catch (error) {
    if (error instanceof SignatureError) return undefined;
    throw error;
  }
}

function claimsOf(
  claims: SignedClaims | undefined,
): Pick<SignatureVerdict, 'signedDigest' | 'signedReference'> {
  return claims === undefined
    ? {}
    : { signedDigest: claims.digest, signedReference: claims.reference };
}
