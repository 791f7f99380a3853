import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Account, accountOf } from '../support/account.ts';
import { type Fate, FrameProxy } from '../support/frame-proxy.ts';
import { AggregatorProcess } from '../support/processes.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { corruptSpool } from './corrupt.ts';

export interface CampaignOptions {
  readonly folder: string;
  readonly minutes: number;
  readonly seed: number;
  readonly agents: number;
}

export interface CampaignReport {
  readonly agentKills: number;
  readonly aggregatorKills: number;
  readonly cuts: number;
  /** Frames that were dropped, repeated, swapped, replayed, delayed or held. */
  readonly framesDisturbed: number;
  readonly corruptions: number;
  readonly pauses: number;
  readonly generated: number;
  readonly delivered: number;
  readonly declaredLost: number;
  readonly duplicated: number;
  /** Events that the spool had and that are neither stored under their number nor counted there. */
  readonly unaccounted: number;
  /** Numbers that were acknowledged and that no record speaks for. */
  readonly acknowledgedMissing: number;
}

/** What an agent says at its end: how many numbers this life of its spool has given. */
interface End {
  readonly epoch: string;
  readonly next: number;
}

const FATES: readonly [Fate, ...Fate[]] = [
  'drop',
  'twice',
  'swap',
  'replay',
  'hold',
  { delayMs: 30 },
];

/** Random faults from one seed for some minutes; then everything heals, and what was generated is accounted for. */
export async function runCampaign(
  options: CampaignOptions,
  say: (line: string) => void = () => {},
): Promise<CampaignReport> {
  const { folder, minutes, seed, agents } = options;
  const random = randomFrom(seed);
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'), {
    limits: { heartbeatSeconds: 1, silentSeconds: 5 },
  });
  await using proxy = await FrameProxy.listen(aggregator.url);
  const counts = {
    ...{ agentKills: 0, aggregatorKills: 0, cuts: 0, framesDisturbed: 0 },
    ...{ corruptions: 0, pauses: 0 },
  };
  const nodes: Node[] = [];
  for (let n = 0; n < agents; n++) {
    const name = `fault-${n}`;
    nodes.push(new Node(join(folder, name), name, proxy.url, await aggregator.tokenOf(name)));
  }
  try {
    for (const node of nodes) node.start(random.below(1e9));
    proxy.fate = () => {
      if (!random.chance(0.02)) return 'pass';
      counts.framesDisturbed++;
      return random.pick(FATES);
    };
    const endMs = performance.now() + minutes * 60_000;
    while (performance.now() < endMs) {
      await pause(100 + random.below(1200));
      proxy.release();
      const node = nodes[random.below(nodes.length)];
      if (node === undefined) continue;
      const fault = random.pick(['cut', 'agent', 'agent', 'corrupt', 'aggregator', 'stop']);
      if (fault === 'cut') {
        proxy.cut();
        counts.cuts++;
      } else if (fault === 'aggregator') {
        await aggregator.program.kill('SIGKILL');
        counts.aggregatorKills++;
        await pause(random.below(3000));
        await aggregator.restart();
      } else if (fault === 'stop') {
        node.signal('SIGSTOP');
        await pause(random.below(1500));
        node.signal('SIGCONT');
        counts.pauses++;
      } else {
        await node.kill();
        counts.agentKills++;
        if (fault === 'corrupt' && node.corrupt(random)) counts.corruptions++;
        node.start(random.below(1e9));
      }
      say(`${fault} ${node.name}`);
    }
    proxy.fate = () => 'pass';
    proxy.release();
    say('everything heals');
    const ends = await Promise.all(nodes.map((node) => node.rest()));
    await aggregator.program.kill('SIGTERM');
    const database = join(folder, 'aggregator/state/nodeseal.db');
    const sums = nodes.map((node, n) =>
      node.judge(accountOf(database, node.name), ends[n] ?? { epoch: '', next: 1 }),
    );
    const sum = (member: keyof Judgement): number =>
      sums.reduce((all, one) => all + one[member], 0);
    return {
      ...counts,
      generated: sum('generated'),
      delivered: sum('delivered'),
      declaredLost: sum('declaredLost'),
      duplicated: sum('duplicated'),
      unaccounted: sum('unaccounted'),
      acknowledgedMissing: sum('acknowledgedMissing'),
    };
  } finally {
    for (const node of nodes) await node.kill();
    await aggregator.program.kill('SIGKILL');
  }
}

type Judgement = Pick<
  CampaignReport,
  'generated' | 'delivered' | 'declaredLost' | 'duplicated' | 'unaccounted' | 'acknowledgedMissing'
>;

interface Line {
  readonly epoch: string;
  readonly sequence?: number;
  readonly id?: string;
  readonly acknowledged?: number;
}

/** One agent in a process of its own, and what it wrote down. */
class Node {
  readonly name: string;
  readonly #folder: string;
  readonly #url: string;
  #child: ChildProcess | undefined;

  constructor(folder: string, name: string, url: string, token: string) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'token'), token);
    this.name = name;
    this.#folder = folder;
    this.#url = url;
  }

  start(seed: number): void {
    const { name } = this;
    const [folder, url] = [this.#folder, this.#url];
    const words = { folder, url, name, seed, token: join(folder, 'token'), ledger: this.#ledger };
    const args = Object.entries(words).flatMap(([key, value]) => [`--${key}`, String(value)]);
    this.#child = fork(join(import.meta.dirname, 'agent.ts'), args);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  corrupt(random: Random): boolean {
    const spool = join(this.#folder, 'spool');
    return existsSync(spool) && corruptSpool(spool, random) !== undefined;
  }

  /** It generates nothing more; resolves when all it has is acknowledged. */
  async rest(): Promise<End> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.name} does not run`);
    const said = once(child, 'message') as Promise<[End]>;
    child.send('rest');
    const [end] = await said;
    return end;
  }

  /** Holds what the aggregator stored against what the spool has numbered and the ledger says. */
  judge({ epochs, lost, duplicates, ids, holes }: Account, end: End): Judgement {
    const records = epochs.get(end.epoch) ?? [];
    const delivered = new Map<number, string | undefined>();
    const counted = new Set<number>();
    for (const { sequence, through, kind, id } of records) {
      if (kind === 'test') delivered.set(sequence, id);
      else for (let n = sequence; n <= through; n++) counted.add(n);
    }
    let unaccounted = holes;
    let acknowledged = 0;
    for (const { epoch, sequence, id, acknowledged: upTo } of this.#lines()) {
      if (epoch !== end.epoch) throw new Error(`${this.name}: another life of the spool, ${epoch}`);
      acknowledged = Math.max(acknowledged, upTo ?? 0);
      if (sequence === undefined) continue;
      if (delivered.get(sequence) !== id && !counted.has(sequence)) unaccounted++;
    }
    let acknowledgedMissing = 0;
    for (let n = 1; n <= acknowledged; n++) {
      if (!delivered.has(n) && !counted.has(n)) acknowledgedMissing++;
    }
    return {
      generated: end.next - 1,
      delivered: delivered.size,
      declaredLost: lost,
      duplicated: duplicates + ids.length - new Set(ids).size,
      unaccounted,
      acknowledgedMissing,
    };
  }

  get #ledger(): string {
    return join(this.#folder, 'ledger');
  }

  #lines(): readonly Line[] {
    return readFileSync(this.#ledger, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
