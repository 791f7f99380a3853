import type { SimulationItem, SimulationProgress } from '../../shared/api-simulation.ts';
import { sha256 } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { CheckedCandidate } from '../../shared/simulation/candidate.ts';
import { SimulationTally } from '../../shared/simulation/result.ts';
import type { NodeAnswer, SimulationResult } from '../../shared/simulation.ts';
import type { FleetNode } from '../fleet-node.ts';
import { type AskContext, type Heard, hear, isConnected, offline, recall } from './ask.ts';
import { PackedAnswers } from './packed-answers.ts';

/** What is asked, of which nodes. */
export interface SimulationOrder extends CheckedCandidate {
  readonly id: string;
  readonly by: string;
  /** In order of name. */
  readonly nodes: readonly FleetNode[];
  readonly pool?: string;
  readonly strict: boolean;
  readonly onlyRunning: boolean;
}

export interface SimulationLimits {
  /** A node has so long for its answer. */
  readonly nodeMs: number;
  /** All have; a node that was not asked by then did not answer. */
  readonly totalMs: number;
}

export interface SimulationContext extends AskContext {
  readonly log: Logger;
}

/** Nodes asked at a time: it is they who work, and answers that wait are what takes memory here. */
const AT_A_TIME = 128;

/** One candidate before the fleet, from the first question to the result. */
export class Simulation {
  readonly order: SimulationOrder;
  readonly answers: PackedAnswers = new PackedAnswers();
  /** Resolves when there is a result, or when `stop` was aborted. */
  readonly done: Promise<void>;
  readonly #context: SimulationContext;
  readonly #limits: SimulationLimits;
  readonly #startedAtMs: number;
  readonly #digest: string;
  readonly #deadlineMs: number;
  readonly #progress: { -readonly [M in keyof SimulationProgress]: SimulationProgress[M] };
  #finishedAtMs: number | undefined;
  #result: SimulationResult | undefined;

  constructor(
    order: SimulationOrder,
    limits: SimulationLimits,
    context: SimulationContext,
    stop: AbortSignal,
  ) {
    const { clock } = context;
    this.order = order;
    this.#context = context;
    this.#limits = limits;
    this.#startedAtMs = clock.nowMs();
    this.#digest = sha256(order.candidate.policy);
    this.#deadlineMs = clock.monotonicMs() + limits.totalMs;
    this.#progress = { nodes: order.nodes.length, asked: 0, answered: 0, failed: 0, offline: 0 };
    this.done = this.#run(stop);
  }

  get isRunning(): boolean {
    return this.#finishedAtMs === undefined;
  }

  get result(): SimulationResult | undefined {
    return this.#result;
  }

  get item(): SimulationItem {
    const { id, by, pool, strict, onlyRunning } = this.order;
    const finishedAtMs = this.#finishedAtMs;
    return {
      id,
      state: this.isRunning ? 'running' : 'done',
      by,
      startedAt: rfc3339(this.#startedAtMs),
      finishedAt: finishedAtMs === undefined ? null : rfc3339(finishedAtMs),
      digest: this.#digest,
      ...(pool === undefined ? {} : { pool }),
      strict,
      onlyRunning,
      progress: { ...this.#progress },
    };
  }

  /** Never rejects. */
  async #run(stop: AbortSignal): Promise<void> {
    const waiting = this.order.nodes.values();
    const tally = new SimulationTally(this.order, this.order);
    const work = async (): Promise<void> => {
      for (const node of waiting) {
        if (stop.aborted) return;
        const answer = await this.#answerOf(node);
        await this.answers.add(answer);
        tally.add(answer);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    this.answers.seal();
    const names = new Set(this.order.nodes.map(({ name }) => name));
    this.#result = tally.result(this.#context.fleet.coverage(names));
    this.#finishedAtMs = this.#context.clock.nowMs();
  }

  /** Never rejects. */
  async #answerOf(node: FleetNode): Promise<NodeAnswer> {
    let problem = '';
    try {
      const heard = await this.#hear(node);
      if ('answer' in heard) return heard.answer;
      problem = heard.absence;
      return await recall(this.#context, node, this.order, heard.absence);
    } catch (error) {
      const { log } = this.#context;
      log.error({ err: error, node: node.name }, 'node could not be simulated');
      const words = [problem, messageOf(error)].filter(Boolean).join('; ');
      return { node: node.name, source: 'none', asOf: null, problem: words };
    }
  }

  async #hear(node: FleetNode): Promise<Heard> {
    const progress = this.#progress;
    if (!isConnected(this.#context, node)) {
      progress.offline++;
      return { absence: offline(this.#context, node) };
    }
    const leftMs = this.#deadlineMs - this.#context.clock.monotonicMs();
    const withinMs = Math.min(this.#limits.nodeMs, leftMs);
    if (withinMs <= 0) {
      progress.failed++;
      return { absence: 'no time was left to ask it' };
    }
    progress.asked++;
    const heard = await hear(this.#context, node, this.order, withinMs);
    if ('answer' in heard) progress.answered++;
    else progress.failed++;
    return heard;
  }
}
