import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TokenAuthority } from '../../aggregator/identity/tokens.ts';
import { LoopDelay } from '../../aggregator/loop-delay.ts';
import { systemClock } from '../../shared/clock.ts';
import { createLogger } from '../../shared/log.ts';
import { AggregatorProcess } from '../support/processes.ts';
import { quantileBetween, type Scrape, scrape } from './metrics.ts';
import { nameOf } from './simulated-agent.ts';
import type { Order, Status } from './worker.ts';

export interface FleetOptions {
  readonly folder: string;
  readonly nodes: number;
  /** How long the fleet runs undisturbed. */
  readonly seconds: number;
  readonly seed: number;
  /** A result changes on each node so often, on average, milliseconds. */
  readonly everyMs: number;
  /** Agents start so many a second. */
  readonly rate: number;
  /** How the aggregator is ended and started again, one after the other. */
  readonly restarts: readonly ('SIGTERM' | 'SIGKILL')[];
}

/** What the aggregator went through in one phase, by its own metrics and by its process. */
export interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** After how many seconds the aggregator answered again. */
  readonly readySeconds: number | undefined;
  /** After how many seconds all agents were connected, and all that had changed was at the aggregator. */
  readonly connectedSeconds: number | undefined;
  readonly convergedSeconds: number | undefined;
  readonly loopDelayP99Ms: number;
  /** The same of a process that does next to nothing: what the machine itself makes of it. */
  readonly machineP99Ms: number;
  /** The longest delay in the processes of the agents: above a second it is they who are late. */
  readonly agentsDelayMs: number;
  readonly rssMiB: number;
  readonly cpuSeconds: number;
}

export interface FleetReport {
  readonly nodes: number;
  readonly phases: readonly Phase[];
  /** Events at the end, when nothing changed any more. */
  readonly generated: number;
  readonly acknowledged: number;
  readonly stored: number;
  readonly lost: number;
  readonly duplicates: number;
  /** Attempts that were answered with a refusal. */
  readonly refused: number;
  readonly agentsRssMiB: number;
}

/** Three descriptors an agent, and no process may have more than 20,000. */
const AGENTS_A_PROCESS = 4000;
const LOOK_MS = 250;
const LIMIT_SECONDS = 300;

/** Runs a fleet of real agents with simulated checks against a real aggregator process; `say` is told of progress. */
export async function runFleet(
  options: FleetOptions,
  say: (line: string) => void = () => {},
): Promise<FleetReport> {
  const { folder, nodes, seed, everyMs } = options;
  const server = join(folder, 'aggregator');
  const tokens = await makeTokens(join(server, 'state'), nodes);
  say(`${nodes} tokens made`);
  const aggregator = await AggregatorProcess.start(server);
  const workers: ChildProcess[] = [];
  const delays: number[] = [];
  using _here = new LoopDelay(systemClock, (seconds) => delays.push(seconds));
  try {
    const run = new Run(aggregator, workers, nodes, delays, say);
    await run.phase('start', async () => {
      const processes = Math.ceil(nodes / AGENTS_A_PROCESS);
      for (let n = 0, from = 0; n < processes; n++) {
        const count = Math.ceil((nodes - from) / (processes - n));
        const worker = fork(join(import.meta.dirname, 'worker.ts'));
        workers.push(worker);
        const rate = options.rate / processes;
        const { url } = aggregator;
        const start: Order = {
          ...{ order: 'start', from, count, seed, tokens, url, everyMs, rate, images: 0 },
          folder: join(folder, 'agents'),
        };
        worker.send(start);
        from += count;
      }
    });
    await run.steady(options.seconds);
    for (const signal of options.restarts) {
      await run.phase(`after ${signal}`, async () => {
        await run.refusedSoFar();
        await aggregator.program.kill(signal);
        await aggregator.restart();
      });
    }
    const status = await run.rest();
    await run.refusedSoFar();
    return {
      nodes,
      phases: run.phases,
      generated: status.generated,
      acknowledged: status.acknowledged,
      ...storedIn(join(server, 'state/nodeseal.db')),
      refused: run.refused,
      agentsRssMiB: Math.round(status.rssBytes / 2 ** 20),
    };
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await aggregator.program.kill('SIGKILL');
  }
}

class Run {
  readonly phases: Phase[] = [];
  refused = 0;
  readonly #aggregator: AggregatorProcess;
  readonly #workers: readonly ChildProcess[];
  readonly #nodes: number;
  /** Of this process. */
  readonly #delays: number[];
  readonly #say: (line: string) => void;
  #agentsDelaySeconds = 0;

  constructor(
    aggregator: AggregatorProcess,
    workers: readonly ChildProcess[],
    nodes: number,
    delays: number[],
    say: (line: string) => void,
  ) {
    this.#aggregator = aggregator;
    this.#workers = workers;
    this.#nodes = nodes;
    this.#delays = delays;
    this.#say = say;
  }

  /** From what `begin` does until every agent is connected and nothing is outstanding. */
  async phase(name: string, begin: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    const since = (): number => Math.round((performance.now() - startMs) / 100) / 10;
    const pid = this.#aggregator.program.child.pid;
    const before = await this.#scrape();
    const cpu = cpuSecondsOf(pid);
    await begin();
    // A new process counts from its own beginning.
    const isNew = this.#aggregator.program.child.pid !== pid;
    const readySeconds = isNew ? since() : undefined;
    let connectedSeconds: number | undefined;
    let convergedSeconds: number | undefined;
    while (convergedSeconds === undefined && since() < LIMIT_SECONDS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const { started, connected, converged } = await this.#look('look');
      this.#say(`${name}: ${since()} s, ${connected} connected, ${converged} converged`);
      if (started < this.#nodes) continue;
      if (connected === this.#nodes) connectedSeconds ??= since();
      if (converged === this.#nodes) convergedSeconds = since();
    }
    await this.#note(name, since(), isNew ? undefined : before, isNew ? 0 : cpu, {
      readySeconds,
      connectedSeconds,
      convergedSeconds,
    });
  }

  async steady(seconds: number): Promise<void> {
    const before = await this.#scrape();
    const cpu = cpuSecondsOf(this.#aggregator.program.child.pid);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const { connected, converged } = await this.#look('look');
    this.#say(`steady: ${connected} connected, ${converged} converged`);
    await this.#note('steady', seconds, before, cpu, {
      readySeconds: undefined,
      connectedSeconds: undefined,
      convergedSeconds: undefined,
    });
  }

  /** Nothing changes any more; resolves when everything is acknowledged. */
  async rest(): Promise<Status> {
    await this.#look('rest');
    for (;;) {
      const status = await this.#look('look');
      if (status.settled === this.#nodes) return status;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** The counters of a process end with it. */
  async refusedSoFar(): Promise<void> {
    const values = await this.#scrape();
    for (const result of ['busy', 'refused']) {
      this.refused += values.get(`nodeseal_admission_total{result="${result}"}`) ?? 0;
    }
  }

  async #note(
    name: string,
    seconds: number,
    before: Scrape | undefined,
    cpuBefore: number,
    times: Pick<Phase, 'readySeconds' | 'connectedSeconds' | 'convergedSeconds'>,
  ): Promise<void> {
    const after = await this.#scrape();
    const p99 = quantileBetween(before, after, 'nodeseal_loop_delay_seconds', 0.99);
    const rss = after.get('process_resident_memory_bytes') ?? Number.NaN;
    this.phases.push({
      name,
      seconds,
      ...times,
      loopDelayP99Ms: Math.round(p99 * 1e4) / 10,
      agentsDelayMs: Math.round(this.#agentsDelaySeconds * 1000),
      machineP99Ms: Math.round(this.#ownP99() * 1e4) / 10,
      rssMiB: Math.round(rss / 2 ** 20),
      cpuSeconds:
        Math.round((cpuSecondsOf(this.#aggregator.program.child.pid) - cpuBefore) * 10) / 10,
    });
    this.#agentsDelaySeconds = 0;
  }

  /** Since it was asked last. */
  #ownP99(): number {
    const sorted = this.#delays.splice(0).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
  }

  async #scrape(): Promise<Scrape> {
    return await scrape(this.#aggregator.url, this.#aggregator.adminToken);
  }

  async #look(order: 'look' | 'rest'): Promise<Status> {
    const all = await Promise.all(
      this.#workers.map(async (worker) => {
        const answer = once(worker, 'message') as Promise<[Status]>;
        worker.send({ order });
        return (await answer)[0];
      }),
    );
    const longest = Math.max(...all.map(({ loopDelaySeconds }) => loopDelaySeconds));
    this.#agentsDelaySeconds = Math.max(this.#agentsDelaySeconds, longest);
    const sum = (member: keyof Status): number => all.reduce((n, one) => n + one[member], 0);
    return {
      started: sum('started'),
      connected: sum('connected'),
      converged: sum('converged'),
      settled: sum('settled'),
      generated: sum('generated'),
      acknowledged: sum('acknowledged'),
      rssBytes: sum('rssBytes'),
      loopDelaySeconds: longest,
    };
  }
}

/** Gives each node of a fleet its token; the folder of the tokens. */
export async function makeTokens(stateDir: string, nodes: number): Promise<string> {
  const log = createLogger({ program: 'fleet', level: 'error', fd: 2 });
  const authority = await TokenAuthority.open(stateDir, systemClock, log);
  for (let from = 0; from < nodes; from += 64) {
    const some = Array.from({ length: Math.min(64, nodes - from) }, (_, n) => nameOf(from + n));
    await Promise.all(some.map((name) => authority.ensureAgent(name, 'fleet')));
  }
  return join(stateDir, 'tokens/agents');
}

function storedIn(path: string): Pick<FleetReport, 'stored' | 'lost' | 'duplicates'> {
  const database = new DatabaseSync(path, { readOnly: true });
  const [row] = database
    .prepare(
      `SELECT count(*) AS n, count(DISTINCT spool || ' ' || sequence) AS d FROM event
         JOIN spool ON spool.id = event.spool WHERE spool.epoch NOT LIKE '@%' AND kind <> 'lost'`,
    )
    .all();
  const [node] = database.prepare('SELECT sum(lost) AS lost FROM node').all();
  database.close();
  const stored = Number(row?.['n']);
  return { stored, duplicates: stored - Number(row?.['d']), lost: Number(node?.['lost']) };
}

/** User and system time: proc_pid_stat(5), in ticks of 10 ms. */
function cpuSecondsOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
