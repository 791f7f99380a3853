import type { ImageVerdict } from '../../shared/images.ts';
import type { PolicyRequirements, PolicyScope } from '../../shared/trust/policy-types.ts';
import { findScope } from '../../shared/trust/scope.ts';
import { readSignatureBlob } from '../../shared/trust/signature-blob.ts';
import type { CandidateImage, PolicyVerdict } from '../../shared/trust/verdict-types.ts';
import type { Host } from '../host.ts';
import type { SignatureQuery, SignatureSource } from '../signatures/source.ts';
import { keyPathsOf } from '../trust-keys.ts';
import {
  type Evaluation,
  type EvaluationBasis,
  type Evaluator,
  inThisThread,
} from './evaluator.ts';
import { type Attempt, isFinal, toImageVerdict } from './image-verdict.ts';
import { candidateOf, readNamedImage } from './named-image.ts';
import type { JudgedImage } from './policy-judges.ts';
import type { ImageStore } from './store.ts';
import { type Trouble, troubleOf } from './trouble.ts';
import { requirementsKey, type VerdictCache, verdictKey } from './verdict-cache.ts';

export interface JudgeOptions {
  readonly host: Host;
  readonly store: ImageStore;
  readonly basis: EvaluationBasis;
  /** Asked in this order, until one satisfies the policy. */
  readonly sources: readonly SignatureSource[];
  readonly evaluator: Evaluator;
  readonly cache: VerdictCache;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** What is known of an image before its signatures; without it the image is settled by its first attempt. */
interface Known {
  readonly scope: PolicyScope;
  readonly candidate: Omit<CandidateImage, 'signatures'>;
  readonly query: SignatureQuery;
}

interface Case {
  readonly selected: JudgedImage;
  readonly known?: Known;
  readonly attempts: Attempt[];
}

/** What one source has for an image. */
interface Found {
  readonly attempts: Attempt[];
  readonly scope: PolicyScope;
  /** Absent when the source refused, so that there is nothing to judge. */
  readonly image?: CandidateImage;
  readonly trouble?: Trouble;
  readonly looked: readonly string[];
}

/** A verdict, and all that was tried for it. */
export interface Judged {
  readonly verdict: ImageVerdict;
  readonly attempts: readonly Attempt[];
}

/** What came of judging one image, now or in an earlier pass. */
interface Answer {
  readonly evaluation: Evaluation;
  readonly judged?: Attempt['judged'];
}

/** Judges images of one store by one policy, at one moment. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #keys = new Map<PolicyRequirements, string>();
  #evaluations = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Images whose signatures had to be verified, because no earlier pass knew them. */
  get evaluations(): number {
    return this.#evaluations;
  }

  /** One verdict for each image, in order. Never throws for what is in the store; throws the signal's reason. */
  async judge(images: readonly JudgedImage[]): Promise<readonly Judged[]> {
    const { sources, signal } = this.#options;
    const cases = await Promise.all(images.map((selected) => this.#open(selected)));
    // A pull reads the signatures under any policy; those of a stored image nobody reads who does not ask for them.
    const isPull = !sources.some(({ id }) => id === 'store');
    await this.#attempt(
      isPull ? [] : cases.filter(({ known }) => known !== undefined && !asks(known.scope)),
    );
    for (const source of sources) {
      signal.throwIfAborted();
      await this.#attempt(
        cases.filter(({ attempts }) => !attempts.some(isFinal)),
        source,
      );
    }
    return cases.map(({ selected, known, attempts }) => ({
      verdict: toImageVerdict(selected, known?.scope, attempts),
      attempts,
    }));
  }

  async #open(selected: JudgedImage): Promise<Case> {
    const { host, store, basis } = this.#options;
    try {
      const named = await readNamedImage(host, store, selected);
      const candidate = candidateOf(named, store);
      const scope = findScope(basis.policy, candidate.transport, candidate.policyReference);
      const query = {
        image: named.image,
        manifestDigest: named.manifestDigest,
        wantsSigstore: scope.requirements.some(({ type }) => type === 'sigstoreSigned'),
        ...(named.list === undefined ? {} : { instance: named.manifestDigest }),
        ...(named.reference === undefined ? {} : { reference: named.reference }),
      };
      return { selected, known: { scope, candidate, query }, attempts: [] };
    } catch (error) {
      return { selected, attempts: [{ source: 'none', count: 0, outcome: troubleOf(error) }] };
    }
  }

  /** Adds to each case what the signatures of one source come to; without a source, what none come to. */
  async #attempt(cases: readonly Case[], source?: SignatureSource): Promise<void> {
    const found = await Promise.all(cases.flatMap((one) => this.#find(one, source) ?? []));
    const evaluations = await this.#evaluate(found);
    for (const { attempts, image, trouble, looked } of found) {
      const answer = image === undefined ? undefined : evaluations.get(image);
      const outcome = answer === undefined ? trouble : this.#outcomeOf(answer.evaluation);
      if (outcome === undefined) continue;
      attempts.push({
        source: source?.id ?? 'none',
        count: image?.signatures.length ?? 0,
        outcome,
        ...(trouble === undefined ? {} : { gap: trouble }),
        ...(answer?.judged === undefined ? {} : { judged: answer.judged }),
        ...(looked.length === 0 ? {} : { looked }),
      });
    }
  }

  #find({ known, attempts }: Case, source?: SignatureSource): Promise<Found> | undefined {
    return known === undefined ? undefined : this.#read(known, attempts, source);
  }

  async #read(
    { scope, candidate, query }: Known,
    attempts: Attempt[],
    source?: SignatureSource,
  ): Promise<Found> {
    const signatures: Uint8Array[] = [];
    const image = { ...candidate, signatures };
    const looked: string[] = [];
    const told = { ...query, onLook: (path: string) => void looked.push(path) };
    try {
      for await (const signature of source?.signatures(told, this.#options.signal) ?? []) {
        // What cannot be recognised spoils the image, not only itself.
        readSignatureBlob(signature);
        signatures.push(signature);
      }
      return { attempts, scope, image, looked };
    } catch (error) {
      const trouble = troubleOf(error);
      const left = trouble.verdict === 'rejected' ? {} : { image };
      return { attempts, scope, trouble, looked, ...left };
    }
  }

  async #evaluate(found: readonly Found[]): Promise<ReadonlyMap<CandidateImage, Answer>> {
    const { basis, cache, evaluator, nowMs } = this.#options;
    const evaluations = new Map<CandidateImage, Answer>();
    const keys = new Map<CandidateImage, string>();
    for (const { image, scope } of found) {
      if (image === undefined) continue;
      const key = verdictKey(image, this.#requirementsKey(scope.requirements));
      const known = cache.get(key, nowMs);
      if (known === undefined) keys.set(image, key);
      else evaluations.set(image, { evaluation: known, judged: { key, atMs: known.judgedAtMs } });
    }
    // Without signatures there is nothing to verify, and no thread to start for it.
    const [signed, unsigned] = [
      [...keys.keys()].filter(isSigned),
      [...keys.keys()].filter((image) => !isSigned(image)),
    ];
    this.#evaluations += signed.length;
    for (const [judge, images] of [
      [inThisThread, unsigned],
      [evaluator, signed],
    ] as const) {
      const answers = await judge.evaluate(basis, images, nowMs);
      for (const [index, image] of images.entries()) {
        const evaluation = answers[index] ?? NO_ANSWER;
        const key = keys.get(image) ?? '';
        evaluations.set(image, { evaluation, judged: { key, atMs: nowMs } });
        if ('verdict' in evaluation) cache.set(key, evaluation.verdict, nowMs);
      }
    }
    return evaluations;
  }

  /** What this process could not look at is no refusal of the node: its own answer is then not known. */
  #outcomeOf(evaluation: Evaluation): PolicyVerdict | Trouble {
    const outcome = outcomeOf(evaluation);
    return ('allowed' in outcome && unreadKey(outcome, this.#options.basis)) || outcome;
  }

  #requirementsKey(requirements: PolicyRequirements): string {
    const known = this.#keys.get(requirements);
    if (known !== undefined) return known;
    const { keyFiles, signingSubkeys } = this.#options.basis;
    const key = requirementsKey(requirements, keyFiles, signingSubkeys);
    this.#keys.set(requirements, key);
    return key;
  }
}

const NO_ANSWER: Evaluation = { reason: 'evaluation-failed', message: 'no answer' };

function isSigned({ signatures }: CandidateImage): boolean {
  return signatures.length > 0;
}

/** This machine may lack an algorithm that the signature needs; what the node would say is then not known. */
function outcomeOf(evaluation: Evaluation): PolicyVerdict | Trouble {
  if (!('verdict' in evaluation)) {
    const { reason, message } = evaluation;
    return { verdict: 'unknown', reason, message };
  }
  const { verdict } = evaluation;
  const reasons = verdict.requirements.flatMap(({ reason, signatures }) => [
    reason,
    ...signatures.map((signature) => signature.reason),
  ]);
  if (verdict.allowed || !reasons.includes('algorithm-unavailable')) return verdict;
  const message = 'a signature needs an algorithm that this process does not have';
  return { verdict: 'unknown', reason: 'algorithm-unavailable', message };
}

/** Of a key file: what keeps us from reading it and would not keep root from it. */
const OURS: ReadonlySet<string> = new Set(['permission', 'too-large', 'changed', 'not-visible']);

/** Why a refusal is none: all that refuses is a key that only we cannot read. */
function unreadKey(verdict: PolicyVerdict, { keyFiles }: EvaluationBasis): Trouble | undefined {
  const refusing = verdict.requirements.filter(({ satisfied }) => !satisfied);
  const problems = refusing.map(({ requirement, reason, signatures }) => {
    const reasons = [reason, ...signatures.map((signature) => signature.reason)];
    if (!reasons.includes('key-unreadable')) return undefined;
    const found = keyPathsOf(requirement).map((path) => keyFiles.get(path)?.problem);
    return found.find((problem) => problem !== undefined && OURS.has(problem.reason));
  });
  const [first] = problems;
  if (first === undefined || problems.includes(undefined)) return undefined;
  if (verdict.reason === 'reference-digest-mismatch' || verdict.reason === 'manifest-error') {
    return undefined;
  }
  return { verdict: 'unknown', reason: first.reason, message: first.message };
}

function asks({ requirements }: PolicyScope): boolean {
  return requirements.some(({ type }) => type !== 'insecureAcceptAnything' && type !== 'reject');
}
