import type { Clock } from '../../shared/clock.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import type { NodeSimulation } from '../../shared/simulation.ts';
import type { Host } from '../host.ts';
import { HttpReader } from '../signatures/http.ts';
import type { SourceId } from '../signatures/source.ts';
import { readNodeTrust } from '../trust.ts';
import { OrdinaryHere } from './ordinary-here.ts';
import { PassMemory } from './pass-memory.ts';
import { rehearse } from './rehearse.ts';
import type { ReleaseSettings } from './release-signature.ts';
import { VerdictCache } from './verdict-cache.ts';
import { type ImageVerification, verifyImages } from './verify.ts';
import { WorkerEvaluator } from './worker-evaluator.ts';

/** As of `VerifyOptions`. */
interface VerifierSettings {
  readonly sources?: readonly SourceId[] | undefined;
  readonly release?: ReleaseSettings | undefined;
}

/**
 * Judges the images of one node again and again: what has not changed since the last pass is not verified anew, and
 * signatures that are not of the usual kind and size are verified in a thread that lives only while there are some.
 */
export class ImageVerifier {
  readonly #host: Host;
  readonly #settings: VerifierSettings;
  /** Remembers from pass to pass which servers did not answer. */
  readonly #http = new HttpReader();
  readonly #cache = new VerdictCache();
  readonly #memory = new PassMemory();
  readonly #evaluator = new OrdinaryHere(new WorkerEvaluator());
  #latest: ImageVerification | undefined;
  /** Rehearsals take the memory of a whole pass each: one after another. */
  #rehearsed: Promise<unknown> = Promise.resolve();

  constructor(host: Host, settings: VerifierSettings = {}) {
    this.#host = host;
    this.#settings = settings;
  }

  /** What the last pass said; undefined before the first. */
  get latest(): ImageVerification | undefined {
    return this.#latest;
  }

  /** One pass over the whole store under the trust configuration now in force. Throws the signal's reason. */
  async verify(clock: Clock, signal: AbortSignal): Promise<ImageVerification> {
    const trust = await readNodeTrust(this.#host);
    const { sources, release } = this.#settings;
    this.#latest = await verifyImages(this.#host, trust, {
      ...(sources === undefined ? {} : { sources }),
      ...(release === undefined ? {} : { release }),
      http: this.#http,
      clock,
      signal,
      evaluator: this.#evaluator,
      cache: this.#cache,
      memory: this.#memory,
      contents: true,
    });
    return this.#latest;
  }

  /** What a candidate would say of the images beside a pass made for it. Throws the signal's reason. */
  async rehearse(
    candidate: CheckedCandidate,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<NodeSimulation> {
    const rehearsal = this.#rehearsed.then(() => this.#rehearse(candidate, clock, signal));
    this.#rehearsed = rehearsal.catch(() => {});
    return await rehearsal;
  }

  async #rehearse(
    candidate: CheckedCandidate,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<NodeSimulation> {
    signal.throwIfAborted();
    const now = await this.verify(clock, signal);
    const trust = await readNodeTrust(this.#host);
    const { sources } = this.#settings;
    return await rehearse(this.#host, trust, candidate, now, {
      ...(sources === undefined ? {} : { sources }),
      http: this.#http,
      clock,
      signal,
      evaluator: this.#evaluator,
    });
  }
}

/** The verifier belongs to its node, so the check and the report that look at one node share its passes. */
const verifiers: WeakMap<Host, ImageVerifier> = new WeakMap();

/** The one verifier of a node; settings count for who asks first, as the agent does at its start. */
export function verifierOf(host: Host, settings?: VerifierSettings): ImageVerifier {
  const known = verifiers.get(host);
  if (known !== undefined) return known;
  const verifier = new ImageVerifier(host, settings);
  verifiers.set(host, verifier);
  return verifier;
}
