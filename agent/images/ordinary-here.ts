import type { CandidateImage } from '../../shared/trust/verdict-types.ts';
import {
  type Evaluation,
  type EvaluationBasis,
  type Evaluator,
  inThisThread,
} from './evaluator.ts';

/** A signature by an RSA key of 4096 bits takes 900 bytes; so little cannot unpack to much. */
const MAX_SIMPLE_BYTES = 2048;
/** With certificates and an entry of a log a sigstore signature takes 8 KiB; nothing in it is packed. */
const MAX_NAMED_BYTES = 16 * 1024;
const MAX_SIGNATURES = 4;
const MAX_KEY_BYTES = 64 * 1024;
/** Processor time for one image, a hundred times what an ordinary one takes. */
const SLOW_MS = 250;

export interface OrdinaryHereOptions {
  /** Judges here; another one only in tests. */
  readonly here?: Evaluator;
  /** Processor time that this thread has taken so far, microseconds; another one only in tests. */
  readonly takenUs?: () => number;
}

/**
 * Judges in this thread what is ordinary, few signatures of usual size, and leaves the rest to another evaluator: to
 * start a thread takes longer than to judge 200 images, and what a thread leaves behind stays resident. The first
 * image that takes long all the same is the last: from then on all are left to the other.
 */
export class OrdinaryHere implements Evaluator {
  readonly #other: Evaluator;
  readonly #here: Evaluator;
  readonly #takenUs: () => number;
  #isWary = false;

  constructor(other: Evaluator, options: OrdinaryHereOptions = {}) {
    this.#other = other;
    this.#here = options.here ?? inThisThread;
    this.#takenUs = options.takenUs ?? threadUs;
  }

  async evaluate(
    basis: EvaluationBasis,
    images: readonly CandidateImage[],
    nowMs: number,
  ): Promise<readonly Evaluation[]> {
    const answers: (Evaluation | undefined)[] = [];
    const hasUsualKeys = keyBytes(basis) <= MAX_KEY_BYTES;
    for (const image of images) {
      const isHere = hasUsualKeys && !this.#isWary && isOrdinary(image);
      answers.push(isHere ? await this.#judgeHere(basis, image, nowMs) : undefined);
    }
    const left = images.filter((_, index) => answers[index] === undefined);
    const others = left.length === 0 ? [] : await this.#other.evaluate(basis, left, nowMs);
    const rest = others.values();
    return answers.map((answer) => answer ?? rest.next().value ?? NO_ANSWER);
  }

  async #judgeHere(
    basis: EvaluationBasis,
    image: CandidateImage,
    nowMs: number,
  ): Promise<Evaluation | undefined> {
    const startUs = this.#takenUs();
    const [answer] = await this.#here.evaluate(basis, [image], nowMs);
    this.#isWary = this.#takenUs() - startUs > SLOW_MS * 1000;
    return answer;
  }
}

const NO_ANSWER: Evaluation = { reason: 'evaluation-failed', message: 'no answer' };

function isOrdinary({ signatures }: CandidateImage): boolean {
  return signatures.length <= MAX_SIGNATURES && signatures.every(isOfUsualSize);
}

/** What names its format begins with NUL. */
function isOfUsualSize(signature: Uint8Array): boolean {
  return signature.length <= (signature[0] === 0 ? MAX_NAMED_BYTES : MAX_SIMPLE_BYTES);
}

function keyBytes({ keyFiles }: EvaluationBasis): number {
  return [...keyFiles.values()].reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
}

function threadUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}
