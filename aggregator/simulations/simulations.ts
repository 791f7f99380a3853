import { randomUUID } from 'node:crypto';
import { Refusal } from '../identity/credentials.ts';
import {
  Simulation,
  type SimulationContext,
  type SimulationLimits,
  type SimulationOrder,
} from './simulation.ts';

export interface SimulationsLimits extends SimulationLimits {
  /** Simulations that run at a time; of one person one. */
  readonly running: number;
  /** Simulations that are kept, and bytes of the answers of all of them. */
  readonly kept: number;
  readonly keptBytes: number;
}

const LIMITS: SimulationsLimits = {
  nodeMs: 60_000,
  totalMs: 300_000,
  running: 4,
  kept: 10,
  keptBytes: 128 * 1024 * 1024,
};
/** When to try again, while one is under way. */
const RETRY_SECONDS = 10;

/** The simulations of this aggregator: those that run, and the last that ran. A restart forgets them. */
export class Simulations implements Disposable {
  readonly #context: SimulationContext;
  readonly #limits: SimulationsLimits;
  readonly #stop = new AbortController();
  /** Oldest first. */
  readonly #all = new Map<string, Simulation>();

  constructor(context: SimulationContext, limits: Partial<SimulationsLimits> = {}) {
    this.#context = context;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Newest first. */
  list(): readonly Simulation[] {
    return [...this.#all.values()].reverse();
  }

  get(id: string): Simulation | undefined {
    return this.#all.get(id);
  }

  /** Throws `Refusal` 429 while this person has one under way, or too many have. */
  start(order: Omit<SimulationOrder, 'id'>): Simulation {
    const running = this.list().filter(({ isRunning }) => isRunning);
    const own = running.find((one) => one.order.by === order.by);
    if (own !== undefined || running.length >= this.#limits.running) {
      const which = own === undefined ? `${running.length} simulations are` : `${own.order.id} is`;
      throw new Refusal(429, 'simulationRunning', `${which} under way`, RETRY_SECONDS);
    }
    const id = randomUUID();
    const simulation = new Simulation(
      { ...order, id },
      this.#limits,
      this.#context,
      this.#stop.signal,
    );
    this.#all.set(id, simulation);
    this.#forget();
    void simulation.done.then(() => this.#forget());
    return simulation;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  /** The oldest go first; the newest stays, however large it is. */
  #forget(): void {
    const { kept, keptBytes } = this.#limits;
    let bytes = this.list().reduce((sum, { answers }) => sum + answers.bytes, 0);
    for (const [id, { isRunning, answers }] of this.#all) {
      if (this.#all.size <= 1 || (this.#all.size <= kept && bytes <= keptBytes)) return;
      if (isRunning) continue;
      this.#all.delete(id);
      bytes -= answers.bytes;
    }
  }
}
