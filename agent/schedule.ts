export interface ScheduleOptions {
  /** Runs what goes by this id; must not reject. */
  readonly run: (id: string, signal: AbortSignal) => Promise<void>;
  readonly ids: readonly string[];
  /** From one run to the next without a change, ± 10 %. */
  readonly intervalMs: number;
  readonly random: () => number;
  /** A change is looked at when it has been quiet for so long … */
  readonly debounceMs?: number;
  /** … or, when it never is, after so long; and never so soon after the last look. */
  readonly maxWaitMs?: number;
  readonly pauseMs?: number;
}

/** Half a file is not to be judged: who truncates and writes does so within a few milliseconds. */
const DEBOUNCE_MS = 50;
const MAX_WAIT_MS = 2000;
/** The first change is looked at soon, the many of an image that is pulled are looked at together. */
const PAUSE_MS = 250;
/**
 * Looking takes some tenth of a processor while changes go on: so many times what the last run took of it is paused. A change
 * that comes during a run does not wait for the pause behind it, but for what is left of the one before …
 */
const PAUSE_PER_RUN = 9;
/** … but no longer than this, so that a change is seen within 2 s on a busy machine too; or than a longer run took. */
const MAX_PAUSE_MS = 1000;

interface Job {
  readonly id: string;
  timer: NodeJS.Timeout | undefined;
  /** When a change was first seen that no run has looked at yet, milliseconds. */
  changedMs: number | undefined;
  /** No change is looked at before, milliseconds. */
  restsUntilMs: number;
  running: Promise<void> | undefined;
  /** One more run is to follow the one under way; resolved when that one is done. */
  again: PromiseWithResolvers<void> | undefined;
}

/** When each check runs: at the start, at the interval, after a change; never twice at a time. */
export class Schedule implements AsyncDisposable {
  readonly #options: ScheduleOptions;
  readonly #jobs: ReadonlyMap<string, Job>;
  readonly #stopping = new AbortController();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#jobs = new Map(
      options.ids.map((id) => [
        id,
        {
          id,
          timer: undefined,
          changedMs: undefined,
          restsUntilMs: -Infinity,
          running: undefined,
          again: undefined,
        },
      ]),
    );
  }

  /** Runs everything; resolves when each has been run from a moment after this call. Used at start and by `rescan`. */
  async runAll(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => this.#runNow(job)));
  }

  /** Something that these look at may have changed. Ids that are not scheduled are none of ours. */
  changed(ids: Iterable<string>): void {
    const { debounceMs = DEBOUNCE_MS, maxWaitMs = MAX_WAIT_MS } = this.#options;
    const nowMs = performance.now();
    for (const id of ids) {
      const job = this.#jobs.get(id);
      if (job === undefined) continue;
      job.changedMs ??= nowMs;
      const waitMs = Math.min(debounceMs, job.changedMs + maxWaitMs - nowMs);
      this.#arm(job, Math.max(0, waitMs, job.restsUntilMs - nowMs));
    }
  }

  /** Ends what runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort(new Error('stopping'));
    for (const job of this.#jobs.values()) clearTimeout(job.timer);
    await Promise.all([...this.#jobs.values()].map(({ running }) => running));
  }

  async #runNow(job: Job): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    if (job.running !== undefined) {
      job.again ??= Promise.withResolvers();
      await job.again.promise;
      return;
    }
    job.running = this.#runUntilCurrent(job);
    await job.running;
  }

  async #runUntilCurrent(job: Job): Promise<void> {
    const { run, intervalMs, random, pauseMs = PAUSE_MS } = this.#options;
    const { signal } = this.#stopping;
    for (let waiting: Job['again']; ; ) {
      clearTimeout(job.timer);
      job.changedMs = undefined;
      const startMs = performance.now();
      // Out of a quiet time a look is slow, its code being cold, and often the only one.
      const isOneOfMany = startMs - job.restsUntilMs < MAX_PAUSE_MS;
      const before = process.cpuUsage();
      await run(job.id, signal);
      const endMs = performance.now();
      const restMs = restAfter(endMs - startMs, isOneOfMany ? millisecondsSince(before) : 0);
      job.restsUntilMs = endMs + Math.max(pauseMs, restMs);
      waiting?.resolve();
      waiting = job.again;
      job.again = undefined;
      if (signal.aborted) waiting?.resolve();
      if (waiting === undefined || signal.aborted) break;
    }
    job.running = undefined;
    if (signal.aborted) return;
    // A change that came during the run has its timer already.
    if (job.changedMs === undefined) this.#arm(job, intervalMs * (0.9 + 0.2 * random()));
  }

  #arm(job: Job, delayMs: number): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(job.timer);
    job.timer = setTimeout(() => void this.#runNow(job), delayMs);
  }
}

/** `cpuMs`: of the processor, by this process; what waits for the disk or for others on the machine is no work. */
function restAfter(tookMs: number, cpuMs: number): number {
  return tookMs > MAX_PAUSE_MS ? tookMs : Math.min(cpuMs * PAUSE_PER_RUN, MAX_PAUSE_MS);
}

function millisecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
