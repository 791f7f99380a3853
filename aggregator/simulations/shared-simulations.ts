import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { SimulationItem } from '../../shared/api-simulation.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import type { RecordChanges, Records } from '../store/records.ts';

/** What is told of a simulation, whichever aggregator runs it. */
export interface SimulationView {
  readonly item: SimulationItem;
  readonly result?: SimulationResult | undefined;
}

/** One record. */
interface Told {
  readonly item: SimulationItem;
  /** Compressed JSON of the result, base64. */
  readonly result?: string;
}

const [compress, expand] = [promisify(gzip), promisify(gunzip)];
/** Simulations of all aggregators together. */
const MOST = 40;

/** What aggregators on one database tell each other of their simulations, so that each answers for all. */
export class SharedSimulations {
  readonly #records: Records;
  /** Oldest first. */
  readonly #known = new Map<string, Told>();

  constructor(records: Records) {
    this.#records = records;
  }

  async tell({ item, result }: SimulationView): Promise<void> {
    const body = result && (await compress(JSON.stringify(result))).toString('base64');
    const told: Told = { item, ...(body === undefined ? {} : { result: body }) };
    const learn = (changes: RecordChanges): void => this.#learn(changes);
    await this.#records.inTurn(learn, async ({ keep, remove }) => {
      await keep(item.id, JSON.stringify(told));
      const others = [...this.#known.keys()].filter((id) => id !== item.id);
      const surplus = others.slice(0, Math.max(0, others.length + 1 - MOST));
      for (const id of surplus) await remove(id);
      for (const id of surplus) this.#known.delete(id);
      this.#known.set(item.id, told);
    });
  }

  /** Without results, oldest first. */
  async items(): Promise<readonly SimulationItem[]> {
    this.#learn(await this.#records.changes());
    return [...this.#known.values()].map(({ item }) => item);
  }

  async view(id: string): Promise<SimulationView | undefined> {
    this.#learn(await this.#records.changes());
    const told = this.#known.get(id);
    if (told?.result === undefined) return told && { item: told.item };
    const json = await expand(Buffer.from(told.result, 'base64'));
    // What `tell` wrote.
    return { item: told.item, result: JSON.parse(json.toString()) as SimulationResult };
  }

  #learn(changes: RecordChanges): void {
    for (const [id, text] of changes) {
      if (text === null) this.#known.delete(id);
      // What `tell` wrote.
      else this.#known.set(id, JSON.parse(text) as Told);
    }
  }
}
