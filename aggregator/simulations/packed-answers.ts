import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { NodeImageOutcome } from '../../shared/api-simulation.ts';
import type { NodeAnswer, NodeSimulation } from '../../shared/simulation.ts';

const LEVEL = { level: 1 } as const;
const [compress, expand] = [promisify(gzip), promisify(gunzip)];

interface Packed {
  readonly known: Omit<NodeAnswer, 'simulation'>;
  /** Compressed JSON of what the node answered. */
  readonly body?: Buffer;
}

/** Where a page begins: the place of a node among the answers, and of an image among its own. */
export interface Place {
  readonly node: number;
  readonly image: number;
}

/** The answers of nodes, compressed: those of one simulation differ little, and a thousand nodes are 80,000 outcomes. */
export class PackedAnswers {
  readonly #packed: Packed[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  async add({ simulation, ...known }: NodeAnswer): Promise<void> {
    const body =
      simulation === undefined ? undefined : await compress(JSON.stringify(simulation), LEVEL);
    this.#bytes += body?.length ?? 0;
    this.#packed.push({ known, ...(body === undefined ? {} : { body }) });
  }

  /** All are there: from now on they are in order of name. */
  seal(): void {
    this.#packed.sort(({ known: a }, { known: b }) => (a.node < b.node ? -1 : 1));
  }

  /** At most `limit` wanted outcomes from the image of a node on, and where the next page begins. */
  async page(
    from: Place,
    limit: number,
    isWanted: (outcome: NodeImageOutcome) => boolean,
  ): Promise<{ readonly items: readonly NodeImageOutcome[]; readonly next?: Place }> {
    const items: NodeImageOutcome[] = [];
    for (let node = from.node; node < this.#packed.length; node++) {
      const outcomes = await this.#outcomesOf(node);
      for (let image = node === from.node ? from.image : 0; image < outcomes.length; image++) {
        const outcome = outcomes[image];
        if (outcome === undefined || !isWanted(outcome)) continue;
        if (items.length === limit) return { items, next: { node, image } };
        items.push(outcome);
      }
    }
    return { items };
  }

  async #outcomesOf(at: number): Promise<readonly NodeImageOutcome[]> {
    const { known, body } = this.#packed[at] ?? {};
    if (known === undefined || body === undefined) return [];
    // What `add` wrote.
    const { images } = JSON.parse((await expand(body)).toString()) as NodeSimulation;
    const { node, source } = known;
    return images.map((image) => ({ node, source, ...image }));
  }
}
