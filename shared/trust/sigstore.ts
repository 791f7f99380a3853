import { counted } from '../counted.ts';
import { ClaimsJudge, claimsOf, conclusion } from './claims.ts';
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
  const none = noSignature(blobs.length, found.length);
  const unless = { none, reason: 'signature-invalid' } as const;
  return { requirement, keys, signatures, ...conclusion(signatures, unless) };
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

function noSignature(blobs: number, attachments: number): string {
  if (blobs === 0) return 'a signature is required, but the image has none';
  const others = `${counted(blobs - attachments, 'simple signature')}, ${counted(attachments, 'other attachment')}`;
  return `a sigstore signature is required, but the image has none (${others})`;
}

/** Holds attachments against one requirement. */
class AttachmentJudge {
  readonly #claims: ClaimsJudge;
  readonly #root: TrustRoot | SignatureError;
  readonly #nowMs: number;

  constructor(
    requirement: SigstoreSigned,
    image: CandidateImage,
    root: TrustRoot | SignatureError,
    { nowMs }: EvaluationContext,
  ) {
    this.#claims = new ClaimsJudge(image, requirement.signedIdentity);
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
      this.#claims.require(claims);
      return { index, format, accepted: true, signer, ...claimsOf(claims) };
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      const { code: reason, message } = error;
      const who = signer === undefined ? {} : { signer };
      const claims = claimsOf(untrustedClaims(blob.payload));
      return { index, format, accepted: false, reason, message, ...who, ...claims };
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
