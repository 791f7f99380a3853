import { API_VERSION, type Coverage } from '../api.ts';
import { sha256 } from '../canonical.ts';
import type { ImageUser, Verdict } from '../images.ts';
import {
  IMAGE_CHANGES,
  type ImageChange,
  type ImageChangeKind,
  type ImageOutcome,
  type NodeAnswer,
  type SimulatedNode,
  type SimulationResult,
  type VerdictCounts,
} from '../simulation.ts';
import type { CheckedCandidate } from './candidate.ts';
import { hintFor } from './hints.ts';
import { scopeUse } from './scopes.ts';

export interface ResultOptions {
  /** What is unknown counts as refused; default false. */
  readonly strict?: boolean;
  /** Only images in use count; default false. */
  readonly onlyRunning?: boolean;
  /** Absent for one node alone. */
  readonly coverage?: Coverage;
}

/** One outcome, and where it comes from. */
interface Use {
  readonly outcome: ImageOutcome;
  readonly answer: NodeAnswer;
}

/** The answers of nodes as one result. */
export function simulationResult(
  { candidate, policy }: CheckedCandidate,
  answers: readonly NodeAnswer[],
  { strict = false, onlyRunning = false, coverage }: ResultOptions = {},
): SimulationResult {
  const uses = answers.flatMap((answer) =>
    outcomesOf(answer, onlyRunning).map((outcome): Use => ({ outcome, answer })),
  );
  const outcomes = uses.map(({ outcome }) => outcome);
  const changed = Map.groupBy(uses, ({ outcome }) => changeOf(outcome, strict));
  const usesOf = (kind: ImageChangeKind): readonly Use[] => changed.get(kind) ?? [];
  return {
    apiVersion: API_VERSION,
    kind: 'Simulation',
    candidate: {
      digest: sha256(candidate.policy),
      policyMode: candidate.policyMode,
      registriesD: candidate.registriesD === undefined ? 'keep' : candidate.registriesDMode,
    },
    strict,
    onlyRunning,
    summary: {
      nodes: answers.filter(({ simulation }) => simulation !== undefined).length,
      uses: uses.length,
      images: new Set(outcomes.map(({ digest, imageId }) => digest || imageId)).size,
      now: counts(outcomes.map(({ now }) => now)),
      after: counts(outcomes.map(({ after }) => after)),
      changes: {
        newlyRefused: usesOf('newlyRefused').length,
        newlyAccepted: usesOf('newlyAccepted').length,
        noLongerVerified: usesOf('noLongerVerified').length,
        undecided: usesOf('undecided').length,
      },
    },
    items: IMAGE_CHANGES.flatMap((kind) => changes(kind, usesOf(kind))),
    ...scopeUse(policy, candidate.policyMode, outcomes),
    nodes: answers.map((answer) => nodeOf(answer, onlyRunning)),
    ...(coverage === undefined ? {} : { coverage }),
  };
}

/** What changes for an image on a node; undefined when nothing does that anyone has to look at. */
export function changeOf(
  { now, after }: Pick<ImageOutcome, 'now' | 'after'>,
  strict: boolean,
): ImageChangeKind | undefined {
  const isAllowedNow = now === 'accepted' || now === 'unenforced';
  if (after === 'rejected') return now === 'rejected' ? undefined : 'newlyRefused';
  if (after === 'unknown') {
    if (!strict) return 'undecided';
    return isAllowedNow ? 'newlyRefused' : undefined;
  }
  if (now === 'rejected') return 'newlyAccepted';
  return now === 'accepted' && after === 'unenforced' ? 'noLongerVerified' : undefined;
}

function outcomesOf({ simulation }: NodeAnswer, onlyRunning: boolean): readonly ImageOutcome[] {
  const images = simulation?.images ?? [];
  return onlyRunning ? images.filter(({ pods }) => pods.length > 0) : images;
}

function counts(verdicts: readonly Verdict[]): VerdictCounts {
  const found: Record<Verdict, number> = { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
  for (const verdict of verdicts) found[verdict]++;
  return found;
}

function changes(kind: ImageChangeKind, uses: readonly Use[]): readonly ImageChange[] {
  const alike = Map.groupBy(uses, ({ outcome }) => keyOf(outcome));
  return [...alike.values()].map((group) => changeFor(kind, group)).sort(byWeight);
}

/** What makes two outcomes the same change. */
function keyOf({ reference, digest, now, after, nowReason, reason, scope }: ImageOutcome): string {
  return JSON.stringify([reference, digest, now, after, nowReason, reason, scope]);
}

function changeFor(change: ImageChangeKind, group: readonly Use[]): ImageChange {
  const [first] = group;
  if (first === undefined) throw new Error('a group without a member');
  const { reference, digest, now, after, nowReason, reason, message, scope } = first.outcome;
  const hint = after === 'rejected' || after === 'unknown' ? hintFor(first.outcome) : undefined;
  const users = group.flatMap(({ outcome, answer }) =>
    outcome.pods.map((user) => ({ user, node: answer.node })),
  );
  const spaces = users.flatMap(({ user }) => user.namespace ?? []);
  const stale = group.filter(({ answer }) => answer.source !== 'live');
  return {
    change,
    reference,
    digest,
    now,
    after,
    ...(nowReason === undefined ? {} : { nowReason }),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    scope,
    nodes: nodeNames(group),
    staleNodes: nodeNames(stale),
    pods: new Set(users.map(({ user, node }) => placeOf(user, node))).size,
    namespaces: [...new Set(spaces)].sort(),
    ...(hint === undefined ? {} : { hint }),
  };
}

function nodeNames(uses: readonly Use[]): readonly string[] {
  return [...new Set(uses.map(({ answer }) => answer.node))].sort();
}

/** A pod counts once, however many of its containers are of the image; so does a container of podman. */
function placeOf({ namespace, pod, container }: ImageUser, node: string): string {
  return JSON.stringify(pod === undefined ? [node, container] : [node, namespace, pod]);
}

function byWeight(a: ImageChange, b: ImageChange): number {
  const name = a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : 0;
  return b.nodes.length - a.nodes.length || b.pods - a.pods || name;
}

function nodeOf(answer: NodeAnswer, onlyRunning: boolean): SimulatedNode {
  const { node, source, asOf, problem, simulation } = answer;
  const outcomes = outcomesOf(answer, onlyRunning);
  return {
    node,
    source,
    asOf,
    ...(problem === undefined ? {} : { problem }),
    now: counts(outcomes.map(({ now }) => now)),
    after: counts(outcomes.map(({ after }) => after)),
    gaps: simulation?.gaps ?? [],
    notes: simulation?.notes ?? [],
  };
}
