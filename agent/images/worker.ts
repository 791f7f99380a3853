import { parentPort, workerData } from 'node:worker_threads';
import type { CandidateImage } from '../../shared/trust/verdict-types.ts';
import { type Evaluation, type EvaluationBasis, inThisThread } from './evaluator.ts';

/** Asked of the worker: judge these. */
export interface WorkerRequest {
  readonly images: readonly CandidateImage[];
  readonly nowMs: number;
}
/** Answered by the worker: one evaluation for each image, in order. */
export type WorkerAnswer = readonly Evaluation[];

// The thread that judges signatures: it gets the basis at its start, then requests one at a time.
const basis = workerData as EvaluationBasis; // WorkerEvaluator gives nothing else
parentPort?.on('message', async ({ images, nowMs }: WorkerRequest) => {
  const answer: WorkerAnswer = await inThisThread.evaluate(basis, images, nowMs);
  parentPort?.postMessage(answer);
});
