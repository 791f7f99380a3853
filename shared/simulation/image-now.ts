import type { ImageVerdict } from '../images.ts';
import type { ImageOutcome } from '../simulation.ts';

/** Which image an outcome is of, and what the policy in force says of it. */
export type ImageNow = Omit<ImageOutcome, 'after' | 'reason' | 'message' | 'scope'>;

export function imageNow(verdict: ImageVerdict): ImageNow {
  const { imageId, reference, digest, namespace, pods, reason } = verdict;
  return {
    imageId,
    reference,
    digest,
    ...(namespace === undefined ? {} : { namespace }),
    pods,
    now: verdict.verdict,
    ...(reason === undefined ? {} : { nowReason: reason }),
  };
}
