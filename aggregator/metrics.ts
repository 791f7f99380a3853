import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client';

const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600, 3600];
const END = '# EOF\n';

/** A value and the labels it goes with. */
export type Sample<Label extends string> = readonly [
  labels: Readonly<Record<Label, string>>,
  value: number,
];

/**
 * Counters that the parts move, and what is read when somebody asks. Every name begins with `nodeseal_`, as in the
 * documentation, but for those of the process, which every exporter calls alike.
 */
export class Metrics {
  readonly #registry: Registry<OpenMetricsContentType> = openMetrics();
  #blocks: readonly (() => string)[] = [];
  #before: () => void = () => {};

  readonly events: Counter = this.counter('ingest_events', 'Events stored');
  readonly rejects: Counter<'code'> = this.counter('rejects', 'Events refused', ['code']);
  readonly gaps: Counter = this.counter('event_gaps', 'Holes in a stream of events, asked again');
  readonly resyncs: Counter<'reason'> = this.counter('state_resync', 'Sections asked for in full', [
    'reason',
  ]);
  readonly hashMismatches: Counter = this.counter(
    'hash_mismatch',
    'Announced and computed hash of a state differ',
  );
  readonly badFrames: Counter<'code'> = this.counter('bad_frames', 'Frames refused', ['code']);
  readonly admission: Counter<'result'> = this.counter(
    'admission',
    'Attempts of agents to connect',
    ['result'],
  );
  readonly authFailures: Counter<'reason'> = this.counter(
    'auth_failures',
    'Requests without a credential that holds',
    ['reason'],
  );
  readonly ingestLag: Histogram = this.#histogram(
    'ingest_lag_seconds',
    'From the event on the node to its receipt',
    LAG_SECONDS,
  );
  readonly commit: Histogram = this.#histogram('commit_seconds', 'Time of a commit', SECONDS);
  readonly loopDelay: Histogram = this.#histogram(
    'loop_delay_seconds',
    'How late the event loop comes to a timer',
    SECONDS,
  );

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition in OpenMetrics 1.0 text. */
  async text(): Promise<string> {
    this.#before();
    const families = await this.#registry.metrics();
    return [families.slice(0, -END.length), ...this.#blocks.map((block) => block()), END].join('');
  }

  /** Called before anything is read, each time somebody asks. */
  before(prepare: () => void): void {
    this.#before = prepare;
  }

  /** Families that are written as text: those with so many series that objects for each would cost too much. */
  block(write: () => string): void {
    this.#blocks = [...this.#blocks, write];
  }

  counter<Label extends string = string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> {
    const registers = [this.#registry];
    return new Counter({ name: `nodeseal_${name}_total`, help, labelNames, registers });
  }

  /** A gauge that is made from state each time somebody asks: a restart takes nothing from it. */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: () => Iterable<Sample<Label>> | Promise<Iterable<Sample<Label>>>,
  ): void {
    new Gauge({
      name: name.startsWith('process_') ? name : `nodeseal_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        this.reset();
        for (const [labels, value] of await read()) this.set(labels, value);
      },
    });
  }

  /** A counter whose sum is kept elsewhere and survives a restart. */
  sum(name: string, help: string, read: () => number): void {
    new Counter({
      name: name.startsWith('process_') ? name : `nodeseal_${name}_total`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `nodeseal_${name}`, help, buckets, registers: [this.#registry] });
  }
}

function openMetrics(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}
