import { ManifestError, manifestDigest, manifestInstances } from './manifest.ts';
import type { Policy, PolicyRequirement } from './policy-types.ts';
import { tryParseReference } from './reference.ts';
import { findScope } from './scope.ts';
import { readSignatureBlob, type SignatureBlob } from './signature-blob.ts';
import { SignatureError } from './signature-error.ts';
import { readSigstoreBlob } from './sigstore/blob.ts';
import { evaluateSignedBy } from './simple-signing.ts';
import type {
  CandidateImage,
  EvaluationContext,
  PolicyVerdict,
  Rejection,
  RequirementVerdict,
} from './verdict-types.ts';

/**
 * May the image be used under the policy, and why: the answer of containers/image (`IsRunningImageAllowed`), with every
 * requirement of the scope judged so that nothing is left unsaid. Refusals are values; throws `ImageReferenceError` when
 * `policyReference` is none of its transport. Signatures are read only when a requirement asks for them, and then one
 * that cannot be recognised spoils all. Unlike the policy alone, a digest in the image's reference is checked too: who
 * pulls by it would fail.
 */
export async function evaluateImage(
  image: CandidateImage,
  policy: Policy,
  context: EvaluationContext,
): Promise<PolicyVerdict> {
  const { transport, policyReference } = image;
  const scope = findScope(policy, transport, policyReference, context.scopeOptions);
  const requirements: RequirementVerdict[] = [];
  const blobs = new Blobs(image.signatures);
  for (const requirement of scope.requirements) {
    requirements.push(await evaluateRequirement(requirement, image, blobs, context));
  }
  const refusal =
    referenceRefusal(image) ?? requirements.find(({ satisfied }) => !satisfied) ?? undefined;
  const signers = requirements
    .flatMap(({ signatures }) => signatures)
    .flatMap(({ accepted, signer }) => (accepted && signer !== undefined ? [signer] : []));
  return {
    allowed: refusal === undefined,
    ...(refusal?.reason === undefined ? {} : { reason: refusal.reason }),
    ...(refusal?.message === undefined ? {} : { message: refusal.message }),
    scope,
    requirements,
    signedBy: [...new Set(signers)],
  };
}

/** Allowed because nothing was asked: no requirement wanted a signature. Never to be shown as verified. */
export function isUnenforced({ allowed, requirements }: PolicyVerdict): boolean {
  return (
    allowed &&
    requirements.every(({ requirement }) => requirement.type === 'insecureAcceptAnything')
  );
}

type Evaluators = {
  readonly [T in PolicyRequirement['type']]: (
    requirement: Extract<PolicyRequirement, { type: T }>,
    image: CandidateImage,
    blobs: Blobs,
    context: EvaluationContext,
  ) => RequirementVerdict | Promise<RequirementVerdict>;
};

/** One evaluator a requirement type; a new type does not compile until it has its own. */
const EVALUATORS: Evaluators = {
  insecureAcceptAnything: (requirement) => ({
    requirement,
    satisfied: true,
    keys: [],
    signatures: [],
  }),
  reject: (requirement) => refused(requirement, 'policy-reject', 'the policy rejects every image'),
  signedBaseLayer: (requirement) =>
    refused(requirement, 'not-implemented', 'signedBaseLayer is not implemented anywhere'),
  signedBy: (requirement, image, blobs, context) =>
    blobs.judge(requirement, (read) => evaluateSignedBy(requirement, image, read, context)),
  sigstoreSigned: async (requirement, image, blobs, context) => {
    // Half of all the code that judges images, and most policies do not ask for it.
    const { evaluateSigstoreSigned } = await import('./sigstore.ts');
    return await blobs.judge(requirement, (read) =>
      evaluateSigstoreSigned(requirement, image, read, context),
    );
  },
};

/** Judges one requirement of a scope; refusals are values. */
function evaluateRequirement<R extends PolicyRequirement>(
  requirement: R,
  image: CandidateImage,
  blobs: Blobs,
  context: EvaluationContext,
): RequirementVerdict | Promise<RequirementVerdict> {
  // the table pairs every type with the evaluator of its own requirements, which TypeScript cannot follow by index
  const evaluate = EVALUATORS[requirement.type] as (
    requirement: R,
    image: CandidateImage,
    blobs: Blobs,
    context: EvaluationContext,
  ) => RequirementVerdict | Promise<RequirementVerdict>;
  return evaluate(requirement, image, blobs, context);
}

function refused(
  requirement: PolicyRequirement,
  reason: Rejection,
  message: string,
): RequirementVerdict {
  return { requirement, satisfied: false, reason, message, keys: [], signatures: [] };
}

/** The image's signatures, recognised when the first requirement asks for them. */
class Blobs {
  readonly #stored: readonly Uint8Array[];
  #read: readonly SignatureBlob[] | undefined;

  constructor(stored: readonly Uint8Array[]) {
    this.#stored = stored;
  }

  async judge(
    requirement: PolicyRequirement,
    evaluate: (blobs: readonly SignatureBlob[]) => Promise<RequirementVerdict>,
  ): Promise<RequirementVerdict> {
    try {
      this.#read ??= this.#stored.map(readWholeBlob);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      return refused(requirement, error.code, error.message);
    }
    return await evaluate(this.#read);
  }
}

/** A sigstore attachment is decoded as it is read, so one that cannot be is no recognisable signature either. */
function readWholeBlob(stored: Uint8Array): SignatureBlob {
  const blob = readSignatureBlob(stored);
  if (blob.format === 'sigstore-json') readSigstoreBlob(blob.json);
  return blob;
}

/** The manifest has to be the one the reference names by digest, or an instance of the list it names. */
function referenceRefusal({
  dockerReference,
  manifest,
  list,
}: CandidateImage): { readonly reason: Rejection; readonly message: string } | undefined {
  const digest = dockerReference?.includes('@')
    ? tryParseReference(dockerReference)?.digest
    : undefined;
  if (digest === undefined) return undefined;
  try {
    const found = manifestDigest(list ?? manifest);
    const isMeant =
      found === digest &&
      (list === undefined ||
        manifestInstances(list).some((instance) => instance.digest === manifestDigest(manifest)));
    return isMeant
      ? undefined
      : {
          reason: 'reference-digest-mismatch',
          message: `the reference names the manifest ${digest}, found ${found}`,
        };
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    return { reason: 'manifest-error', message: error.message };
  }
}
