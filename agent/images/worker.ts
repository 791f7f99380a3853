import { parentPort, workerData } from 'node:worker_threads';
import type { Policy } from '../../shared/trust/policy-types.ts';
import type { CandidateImage } from '../../shared/trust/verdict-types.ts';
import { type Evaluation, type EvaluationBasis, inThisThread } from './evaluator.ts';

/** What the worker is started with: key material, and how it counts. */
export type WorkerBasis = Omit<EvaluationBasis, 'policy'>;
/** Asked of the worker: judge these by this policy. */
export interface WorkerRequest {
  readonly policy: Policy;
  readonly images: readonly CandidateImage[];
  readonly nowMs: number;
}
/** Answered by the worker: one evaluation for each image, in order. */
export type WorkerAnswer = readonly Evaluation[];

// The thread that judges signatures: it gets the basis at its start, then requests one at a time.
const basis = workerData as WorkerBasis; // WorkerEvaluator gives nothing else
parentPort?.on('message', async ({ policy, images, nowMs }: WorkerRequest) => {
  const answer: WorkerAnswer = await inThisThread.evaluate({ ...basis, policy }, images, nowMs);
  parentPort?.postMessage(answer);
});
