import type { ImageVerdict } from '../../shared/images.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import { imageNow } from '../../shared/simulation/image-now.ts';
import type { ImageOutcome, NodeSimulation } from '../../shared/simulation.ts';
import type { Host } from '../host.ts';
import type { NodeTrust } from '../trust.ts';
import { trustWith } from './candidate-trust.ts';
import { type ImageVerification, verifyImages } from './verify.ts';
import type { VerifyOptions } from './verify-options.ts';

/** A sentence about one image; what is longer is cut. */
const MAX_MESSAGE = 500;

/**
 * What a candidate would say of the images on a node, beside what was said of them just `now`. Judged by the same engine
 * with nothing remembered of other passes, and nothing remembered of it. Only reads. Throws the signal's reason.
 */
export async function rehearse(
  host: Host,
  trust: NodeTrust,
  checked: CheckedCandidate,
  now: ImageVerification,
  options: VerifyOptions = {},
): Promise<NodeSimulation> {
  const { cache: _, memory: __, contents: ___, ...rest } = options;
  const changed = await trustWith(host, trust, checked);
  const after = await verifyImages(host, changed, { ...rest, release: false });
  return nodeSimulation(trust, changed, now, after, checked);
}

/** What one pass said, as far as a rehearsal goes by it. */
export type Said = Pick<ImageVerification, 'verdicts' | 'policyPath'> & {
  readonly faults: readonly { readonly message: string }[];
};

/** What two passes said, laid side by side. */
export function nodeSimulation(
  trust: NodeTrust,
  changed: NodeTrust,
  now: Said,
  after: Said,
  checked: CheckedCandidate,
): NodeSimulation {
  const present = new Map(now.verdicts.map((verdict) => [keyOf(verdict), verdict]));
  const images = after.verdicts.flatMap((verdict) => {
    const known = present.get(keyOf(verdict));
    return known === undefined ? [] : [outcomeOf(known, verdict)];
  });
  const faults = new Set([...now.faults, ...after.faults].map(({ message }) => message));
  const isSettled = images.length === present.size && images.length === after.verdicts.length;
  return {
    policy: now.policyPath,
    images,
    gaps: [
      ...faults,
      ...(isSettled ? [] : ['the store was being changed: images that came or went are left out']),
    ],
    notes: notesOn(trust, changed, checked),
  };
}

function keyOf({ imageId, reference, namespace, policy }: ImageVerdict): string {
  return JSON.stringify([imageId, reference, namespace, policy]);
}

function outcomeOf(now: ImageVerdict, after: ImageVerdict): ImageOutcome {
  const { verdict, reason, message, scope } = after;
  return {
    ...imageNow(now),
    after: verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message: message.slice(0, MAX_MESSAGE).toWellFormed() }),
    scope,
  };
}

function notesOn(
  { policy, crio, keyFiles }: NodeTrust,
  changed: NodeTrust,
  { candidate }: CheckedCandidate,
): readonly string[] {
  const notes: string[] = [];
  const { signaturePolicy, namespacePolicies } = crio;
  const isReplaced = candidate.policyMode === 'replace';
  if (signaturePolicy !== undefined && isReplaced) {
    const places = `${signaturePolicy.path} as well as of ${policy.path}`;
    notes.push(`CRI-O has a policy of its own: the candidate takes the place of ${places}`);
  }
  if (namespacePolicies.length > 0 && isReplaced) {
    const files = namespacePolicies.map(({ path }) => path).join(', ');
    notes.push(`policies of namespaces stay as they are: ${files}`);
  }
  const { problem } = changed.registriesD;
  if (problem !== undefined) {
    notes.push(`registries.d could not be used then, and no image be pulled: ${problem.message}`);
  }
  for (const { path, problem } of changed.keyFiles.values()) {
    const isNews = keyFiles.get(path)?.problem === undefined;
    if (problem !== undefined && isNews) notes.push(`key file: ${problem.message}`);
  }
  return notes;
}
