import { messageOf } from '../../shared/errors.ts';
import type { Policy } from '../../shared/trust/policy-types.ts';
import { evaluateImage } from '../../shared/trust/verdict.ts';
import type {
  CandidateImage,
  EvaluationContext,
  PolicyVerdict,
} from '../../shared/trust/verdict-types.ts';
import type { TrustContent } from '../trust-files.ts';

/** What images are judged by: a policy and the key material it names, as read at one moment. */
export interface EvaluationBasis {
  readonly policy: Policy;
  readonly keyFiles: ReadonlyMap<string, TrustContent>;
  /** As in `EvaluationContext`. */
  readonly signingSubkeys?: boolean;
}

/** A verdict, or why there is none. */
export type Evaluation =
  | { readonly verdict: PolicyVerdict }
  | { readonly reason: 'evaluation-failed' | 'evaluation-timeout'; readonly message: string };

/** Judges images; one answer for each, in order. Never throws for what is in an image. */
export interface Evaluator {
  evaluate(
    basis: EvaluationBasis,
    images: readonly CandidateImage[],
    nowMs: number,
  ): Promise<readonly Evaluation[]>;
}

/** Judges in this thread: for a program that ends when it has its answer. */
export const inThisThread: Evaluator = {
  async evaluate(basis, images, nowMs): Promise<readonly Evaluation[]> {
    const context = contextOf(basis, nowMs);
    const evaluations: Evaluation[] = [];
    for (const image of images) {
      try {
        evaluations.push({ verdict: await evaluateImage(image, basis.policy, context) });
      } catch (error) {
        evaluations.push({ reason: 'evaluation-failed', message: messageOf(error) });
      }
    }
    return evaluations;
  },
};

function contextOf(
  { keyFiles, signingSubkeys }: EvaluationBasis,
  nowMs: number,
): EvaluationContext {
  return {
    nowMs,
    ...(signingSubkeys === undefined ? {} : { signingSubkeys }),
    readFile: async (path) => {
      const file = keyFiles.get(path);
      if (file?.bytes !== undefined) return file.bytes;
      throw new Error(file?.problem?.message ?? `${path}: no such file`);
    },
  };
}
