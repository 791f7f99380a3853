import type { Verbs } from '../../agent/uplink/commands.ts';
import { type Json, sha256 } from '../../shared/canonical.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { Items } from '../../shared/report.ts';
import { readCandidate } from '../../shared/simulation/candidate.ts';
import { lastKnownOutcome } from '../../shared/simulation/last-known.ts';
import { answerParts } from '../../shared/simulation/node-answer.ts';

const POLICY = '/etc/containers/policy.json';

/** The images of a simulated node, the same on every one; as an agent reports them. */
export function imagesOf(count: number): readonly ImageVerdict[] {
  return Array.from({ length: count }, (_, index) => {
    const digest = sha256(`image ${index}`);
    const namespace = `openshift-component-${index % 20}`;
    return {
      imageId: sha256(`config ${index}`).replace('sha256:', ''),
      reference: `registry.example.com/team-${index % 8}/component-${index}@${digest}`,
      digest,
      policy: POLICY,
      verdict: 'unenforced',
      signedBy: [],
      scope: 'default',
      requirements: [{ type: 'insecureAcceptAnything' }],
      signatures: [],
      source: 'none',
      pods: [{ namespace, pod: `component-${index}-7d9f8b6c5-x2x4z`, container: 'main' }],
    };
  });
}

export function itemsOfImages(images: readonly ImageVerdict[]): Items {
  return new Map(
    images.map((image) => [
      `${image.imageId} ${image.reference}`,
      { ...image } as unknown as Json, // plain data: what its type says is JSON
    ]),
  );
}

/** Judges them by a candidate as far as that needs no signature, as they have none. */
export function judgeOf(images: readonly ImageVerdict[]): Verbs[string] {
  return async (command) => {
    const candidate = readCandidate(command.arguments);
    const outcomes = images.map((image) => lastKnownOutcome(image, candidate));
    return answerParts({ policy: POLICY, images: outcomes, gaps: [], notes: [] });
  };
}
