import type { Json } from '../../shared/canonical.ts';
import { type Hashes, LIMITS, type State, type StateNeeded } from '../../shared/protocol.ts';
import { diffItems, EMPTY_HASH, SECTIONS, type SectionName } from '../../shared/report.ts';
import type { NodeState, Section } from '../node-state.ts';
import type { Send } from './event-sender.ts';

/** What the aggregator was seen to hold, over all connections: bases for deltas. */
export type HeldSections = Map<SectionName, Section>;

/** A part stays well below a frame's limit before gzip: what compresses badly fits too. */
const PART_BYTES = 900_000;

/** Brings every section at the aggregator to what it is on the node. One for each connection. */
export class StateSender {
  readonly #state: NodeState;
  readonly #send: Send<State>;
  readonly #held: HeldSections;
  readonly #now: () => string;
  /** Hash of each section at the aggregator; undefined when it is not known. */
  readonly #hashes: Map<SectionName, string | undefined>;
  /** Sent, and neither applied nor refused yet. */
  readonly #underWay = new Map<SectionName, Section>();
  #work: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly state: NodeState;
    readonly send: Send<State>;
    readonly held: HeldSections;
    readonly now: () => string;
    /** As `welcome` says it. */
    readonly hashes: Hashes;
  }) {
    this.#state = options.state;
    this.#send = options.send;
    this.#held = options.held;
    this.#now = options.now;
    this.#hashes = new Map(SECTIONS.map((name) => [name, options.hashes[name] ?? EMPTY_HASH]));
  }

  /** Sends what differs; of one section only one change at a time is under way. */
  async sync(names: readonly SectionName[] = SECTIONS): Promise<void> {
    this.#work = this.#work.then(async () => {
      for (const name of names) await this.#syncOne(name);
    });
    await this.#work;
  }

  async applied(name: SectionName, hash: string): Promise<void> {
    const section = this.#underWay.get(name);
    if (section?.hash !== hash) return;
    this.#underWay.delete(name);
    this.#held.set(name, section);
    this.#hashes.set(name, hash);
    await this.sync([name]);
  }

  async needed({ section: name }: StateNeeded): Promise<void> {
    this.#underWay.delete(name);
    this.#hashes.set(name, undefined);
    await this.sync([name]);
  }

  async #syncOne(name: SectionName): Promise<void> {
    const section = this.#state.section(name);
    const hash = this.#hashes.get(name);
    if (this.#underWay.has(name) || hash === section.hash) return;
    this.#underWay.set(name, section);
    const base = this.#held.get(name);
    const isDelta = base !== undefined && base.hash === hash;
    const delta = isDelta ? diffItems(base.items, section.items) : undefined;
    const upsert = delta?.upsert ?? [...section.items];
    const parts = partsOf(upsert, delta?.remove ?? []);
    for (const [index, part] of parts.entries()) {
      await this.#send({
        type: 'state',
        section: name,
        mode: delta === undefined ? 'full' : 'delta',
        ...(delta === undefined ? {} : { base: delta.base }),
        to: section.hash,
        part: index + 1,
        of: parts.length,
        ...part,
        asOf: this.#now(),
      });
    }
  }
}

type Part = Pick<State, 'upsert' | 'remove'>;

function partsOf(upsert: State['upsert'], remove: readonly string[]): readonly Part[] {
  const parts: { upsert: (readonly [string, Json])[]; remove: string[] }[] = [
    { upsert: [], remove: [] },
  ];
  let bytes = 0;
  let items = 0;
  const roomFor = (value: Json): (typeof parts)[number] => {
    const size = Buffer.byteLength(JSON.stringify(value)) + 1;
    const last = parts.at(-1);
    const isRoom = bytes === 0 || (bytes + size <= PART_BYTES && items < LIMITS.partItems);
    if (last !== undefined && isRoom) {
      bytes += size;
      items++;
      return last;
    }
    items = 1;
    const fresh = { upsert: [], remove: [] };
    parts.push(fresh);
    bytes = size;
    return fresh;
  };
  for (const pair of upsert) roomFor(pair).upsert.push(pair);
  for (const key of remove) roomFor(key).remove.push(key);
  return parts;
}
