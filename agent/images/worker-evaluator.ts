import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../shared/errors.ts';
import type { CandidateImage } from '../../shared/trust/verdict-types.ts';
import type { Evaluation, EvaluationBasis, Evaluator } from './evaluator.ts';
import type { WorkerAnswer, WorkerBasis, WorkerRequest } from './worker.ts';

type Failure = Exclude<Evaluation, { readonly verdict: unknown }>;

export interface WorkerOptions {
  /** Longest time for one request; then the thread is ended and its images are asked one by one. Default 10 s. */
  readonly limitMs?: number;
  /** Heap of the thread, MiB. Default 128. */
  readonly heapMiB?: number;
  /** The thread ends after so long without a request. Default 1 s. */
  readonly idleMs?: number;
  /** The thread's program; another one only in tests. */
  readonly program?: URL;
}

const LIMIT_MS = 10_000;
const HEAP_MIB = 128;
const IDLE_MS = 1_000;
/** In a build the same module is JavaScript. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
);

/**
 * Judges in a thread of its own that lives only while there is work: nothing of it is loaded or resident on a
 * quiet node, and a hostile signature can at worst end the thread and leave its own image undecided.
 */
export class WorkerEvaluator implements Evaluator {
  readonly #options: WorkerOptions;
  #running: { readonly worker: Worker; readonly basis: WorkerBasis } | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Requests are answered one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: WorkerOptions = {}) {
    this.#options = options;
  }

  /** True while a thread is there. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  async evaluate(
    basis: EvaluationBasis,
    images: readonly CandidateImage[],
    nowMs: number,
  ): Promise<readonly Evaluation[]> {
    if (images.length === 0) return [];
    const answer = this.#queue.then(() => this.#ask(basis, images, nowMs));
    this.#queue = answer;
    return await answer;
  }

  /** Ends the thread now. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    await this.#end();
  }

  async #ask(
    basis: EvaluationBasis,
    images: readonly CandidateImage[],
    nowMs: number,
  ): Promise<readonly Evaluation[]> {
    const answer = await this.#request(basis, { policy: basis.policy, images, nowMs });
    if (!('reason' in answer)) return answer;
    // One of them brought the thread down: alone each can only harm itself.
    if (images.length === 1) return [answer];
    const evaluations: Evaluation[] = [];
    for (const image of images) evaluations.push(...(await this.#ask(basis, [image], nowMs)));
    return evaluations;
  }

  async #request(basis: EvaluationBasis, request: WorkerRequest): Promise<WorkerAnswer | Failure> {
    const worker = await this.#start(basis);
    const limit = AbortSignal.timeout(this.#options.limitMs ?? LIMIT_MS);
    const settled = new AbortController();
    const signal = AbortSignal.any([limit, settled.signal]);
    try {
      worker.ref();
      const answered = once(worker, 'message', { signal });
      const ended = once(worker, 'exit', { signal }).then(([code]) => {
        throw new Error(`the thread ended with status ${code}`);
      });
      for (const either of [answered, ended]) either.catch(() => {});
      worker.postMessage(request);
      const [answer] = await Promise.race([answered, ended]);
      this.#endWhenIdle();
      return answer as WorkerAnswer; // worker.ts posts nothing else
    } catch (error) {
      await this.#end();
      return limit.aborted
        ? {
            reason: 'evaluation-timeout',
            message: 'judging the signatures took longer than allowed',
          }
        : { reason: 'evaluation-failed', message: messageOf(error) };
    } finally {
      settled.abort();
    }
  }

  /** The policies of a pass share their keys, and with them the thread. */
  async #start({ policy: _, ...basis }: EvaluationBasis): Promise<Worker> {
    clearTimeout(this.#idle);
    if (this.#running !== undefined && !isSame(this.#running.basis, basis)) await this.#end();
    if (this.#running === undefined) {
      const worker = new Worker(this.#options.program ?? PROGRAM, {
        workerData: basis,
        // What this process was started with (loaders, inspectors) is not for the thread, whose memory is counted.
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: this.#options.heapMiB ?? HEAP_MIB },
      });
      // What the thread throws ends it; that is seen by its exit.
      worker.on('error', () => {});
      this.#running = { worker, basis };
    }
    return this.#running.worker;
  }

  #endWhenIdle(): void {
    this.#idle = setTimeout(() => void this.#end(), this.#options.idleMs ?? IDLE_MS);
    this.#idle.unref();
    this.#running?.worker.unref();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    const { worker } = this.#running ?? {};
    this.#running = undefined;
    await worker?.terminate();
  }
}

/** By identity: what was read at another moment may be something else. */
function isSame(a: WorkerBasis, b: WorkerBasis): boolean {
  return a.keyFiles === b.keyFiles && a.signingSubkeys === b.signingSubkeys;
}
