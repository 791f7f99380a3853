import { API_VERSION, type Coverage } from '../api.ts';
import { sha256 } from '../canonical.ts';
import type { Verdict } from '../images.ts';
import {
  IMAGE_CHANGES,
  type ImageChangeKind,
  type ImageOutcome,
  type NodeAnswer,
  type SimulatedNode,
  type SimulationResult,
  type VerdictCounts,
} from '../simulation.ts';
import type { CheckedCandidate } from './candidate.ts';
import { byWeight, ChangeGroup, keyOf } from './change-group.ts';
import { scopeUse } from './scopes.ts';

export interface ResultOptions {
  /** What is unknown counts as refused; default false. */
  readonly strict?: boolean;
  /** Only images in use count; default false. */
  readonly onlyRunning?: boolean;
  /** Absent for one node alone. */
  readonly coverage?: Coverage;
}

/** The answers of nodes as one result. */
export function simulationResult(
  checked: CheckedCandidate,
  answers: readonly NodeAnswer[],
  { coverage, ...options }: ResultOptions = {},
): SimulationResult {
  const tally = new SimulationTally(checked, options);
  for (const answer of answers) tally.add(answer);
  return tally.result(coverage);
}

type Counts = Record<Verdict, number>;

/** Adds answers up one after the other, so that those of a large fleet need not all be there at once. */
export class SimulationTally {
  readonly #checked: CheckedCandidate;
  readonly #strict: boolean;
  readonly #onlyRunning: boolean;
  readonly #nodes: SimulatedNode[] = [];
  readonly #images = new Set<string>();
  readonly #groups = new Map<string, ChangeGroup>();
  /** Uses by the scope that spoke for them; of scopes the candidate has a part in. */
  readonly #scopes = new Map<string, number>();
  readonly #changes: Record<ImageChangeKind, number> = {
    newlyRefused: 0,
    newlyAccepted: 0,
    noLongerVerified: 0,
    undecided: 0,
  };
  #uses = 0;

  constructor(
    checked: CheckedCandidate,
    { strict = false, onlyRunning = false }: Omit<ResultOptions, 'coverage'> = {},
  ) {
    this.#checked = checked;
    this.#strict = strict;
    this.#onlyRunning = onlyRunning;
  }

  add(answer: NodeAnswer): void {
    const { node, source, asOf, problem, simulation } = answer;
    const [now, after] = [noCounts(), noCounts()];
    for (const outcome of simulation?.images ?? []) {
      if (this.#onlyRunning && outcome.pods.length === 0) continue;
      now[outcome.now]++;
      after[outcome.after]++;
      this.#add(outcome, answer);
    }
    this.#nodes.push({
      node,
      source,
      asOf,
      ...(problem === undefined ? {} : { problem }),
      now,
      after,
      gaps: simulation?.gaps ?? [],
      notes: simulation?.notes ?? [],
    });
  }

  result(coverage?: Coverage): SimulationResult {
    const { candidate, policy } = this.#checked;
    const { policyMode, registriesD, registriesDMode } = candidate;
    const groups = [...this.#groups.values()];
    return {
      apiVersion: API_VERSION,
      kind: 'Simulation',
      candidate: {
        digest: sha256(candidate.policy),
        policyMode,
        registriesD: registriesD === undefined ? 'keep' : registriesDMode,
      },
      strict: this.#strict,
      onlyRunning: this.#onlyRunning,
      summary: {
        nodes: this.#nodes.filter(({ source }) => source !== 'none').length,
        uses: this.#uses,
        images: this.#images.size,
        now: summed(this.#nodes.map(({ now }) => now)),
        after: summed(this.#nodes.map(({ after }) => after)),
        changes: { ...this.#changes },
      },
      items: IMAGE_CHANGES.flatMap((kind) =>
        groups
          .filter(({ change }) => change === kind)
          .map((group) => group.toChange())
          .sort(byWeight),
      ),
      ...scopeUse(policy, policyMode, this.#scopes),
      nodes: this.#nodes.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
      ...(coverage === undefined ? {} : { coverage }),
    };
  }

  #add(outcome: ImageOutcome, answer: NodeAnswer): void {
    const { digest, imageId, namespace, scope } = outcome;
    this.#uses++;
    this.#images.add(digest || imageId);
    // A policy of a namespace stays what it is; only what is added to it is the candidate's.
    const isOfCandidate = namespace === undefined || this.#checked.candidate.policyMode === 'add';
    if (isOfCandidate) this.#scopes.set(scope, (this.#scopes.get(scope) ?? 0) + 1);
    const change = changeOf(outcome, this.#strict);
    if (change === undefined) return;
    this.#changes[change]++;
    const key = keyOf(change, outcome);
    const group = this.#groups.get(key) ?? new ChangeGroup(change, outcome);
    this.#groups.set(key, group);
    group.add(outcome, answer);
  }
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

function noCounts(): Counts {
  return { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
}

function summed(all: readonly VerdictCounts[]): VerdictCounts {
  const sum = noCounts();
  for (const counts of all) {
    sum.accepted += counts.accepted;
    sum.unenforced += counts.unenforced;
    sum.rejected += counts.rejected;
    sum.unknown += counts.unknown;
  }
  return sum;
}
