import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulationItem } from '../../shared/api-simulation.ts';
import { counted } from '../../shared/counted.ts';
import { messageOf } from '../../shared/errors.ts';
import { Refusal } from '../identity/credentials.ts';
import type { Records } from '../store/records.ts';
import { SharedSimulations, type SimulationView } from './shared-simulations.ts';
import { Simulation, type SimulationContext, type SimulationOrder } from './simulation.ts';

const LIMITS = {
  nodeMs: 60_000,
  totalMs: 300_000,
  /** Simulations that run at a time; of one person one. */
  running: 4,
  /** Simulations that are kept, and bytes of the answers of all of them. */
  kept: 10,
  keptBytes: 128 * 1024 * 1024,
} as const;
/** After so long one of another aggregator that still runs does not: more than all have, and a minute. */
const LOST_MS: number = LIMITS.totalMs + LIMITS.nodeMs + 60_000;
/** Others are told so often. */
const TELL_MS = 1000;
/** When to try again, while one is under way. */
const RETRY_SECONDS = 10;

/**
 * The simulations of this aggregator, those that run and the last that ran, and what others on the same database tell of
 * theirs. Single outcomes are known here alone, and forgotten with this program.
 */
export class Simulations implements Disposable {
  readonly #context: SimulationContext;
  readonly #shared: SharedSimulations | undefined;
  readonly #stop = new AbortController();
  /** Oldest first. */
  readonly #all = new Map<string, Simulation>();

  /** `records`: what aggregators on one database share; absent where there is but one. */
  constructor(context: SimulationContext, records: Records | undefined) {
    this.#context = context;
    this.#shared = records && new SharedSimulations(records);
  }

  /** One of this aggregator's own. */
  get(id: string): Simulation | undefined {
    return this.#all.get(id);
  }

  /** Newest first. */
  async items(): Promise<readonly SimulationItem[]> {
    const shared = (await this.#shared?.items()) ?? [];
    const others = shared.filter((item) => !this.#all.has(item.id) && !this.#isLost(item));
    const items = [...others, ...[...this.#all.values()].map(({ item }) => item)];
    return items.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  async view(id: string): Promise<SimulationView | undefined> {
    const own = this.#all.get(id);
    if (own !== undefined) return own;
    const other = await this.#shared?.view(id);
    return other === undefined || this.#isLost(other.item) ? undefined : other;
  }

  /** Throws `Refusal` 429 while this person has one under way, or too many have; `StoreError`. */
  async start(order: Omit<SimulationOrder, 'id'>): Promise<Simulation> {
    const running = [...this.#all.values()].filter(({ isRunning }) => isRunning);
    const own = running.find((one) => one.order.by === order.by);
    if (own !== undefined || running.length >= LIMITS.running) {
      const several = counted(running.length, 'simulation is', 'simulations are');
      const which = own === undefined ? several : `${own.order.id} is`;
      throw new Refusal(429, 'simulationRunning', `${which} under way`, RETRY_SECONDS);
    }
    const id = randomUUID();
    const simulation = new Simulation({ ...order, id }, LIMITS, this.#context, this.#stop.signal);
    this.#all.set(id, simulation);
    this.#forget();
    void simulation.done.then(() => this.#forget());
    await this.#shared?.tell(simulation);
    void this.#tell(simulation);
    return simulation;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  /** Others are told how far it is until it is done. Never rejects. */
  async #tell(simulation: Simulation): Promise<void> {
    while (this.#shared !== undefined && !this.#stop.signal.aborted) {
      const ended = new AbortController();
      const pause = sleep(TELL_MS, undefined, { signal: ended.signal, ref: false }).catch(() => {});
      await Promise.race([simulation.done, pause]);
      ended.abort();
      const { isRunning } = simulation;
      try {
        await this.#shared.tell(simulation);
        if (!isRunning) return;
      } catch (error) {
        // The database is away: it is told when that is back.
        this.#context.log.warn({ reason: messageOf(error) }, 'simulation could not be shared');
        await sleep(TELL_MS, undefined, { ref: false });
      }
    }
  }

  /** Its aggregator ended before it did. */
  #isLost({ state, startedAt }: SimulationItem): boolean {
    return state === 'running' && this.#context.clock.nowMs() - Date.parse(startedAt) > LOST_MS;
  }

  /** The oldest go first; the newest stays, however large it is. */
  #forget(): void {
    const { kept, keptBytes } = LIMITS;
    let bytes = [...this.#all.values()].reduce((sum, { answers }) => sum + answers.bytes, 0);
    for (const [id, { isRunning, answers }] of this.#all) {
      if (this.#all.size <= 1 || (this.#all.size <= kept && bytes <= keptBytes)) return;
      if (isRunning) continue;
      this.#all.delete(id);
      bytes -= answers.bytes;
    }
  }
}
