import { Counter, Gauge, Histogram, type OpenMetricsContentType, Registry } from 'prom-client';
import { NODE_STATES } from '../shared/api.ts';
import { VERDICTS } from '../shared/images.ts';
import { VERSION } from '../shared/version.ts';
import type { Fleet } from './fleet.ts';
import type { Sessions } from './sessions.ts';
import type { Store } from './store/store.ts';

/** Above so many nodes a series for each would cost the monitoring more than it tells. */
const MAX_NODE_SERIES = 5000;
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600, 3600];

/** Counters that the parts move, and gauges read when somebody asks; names as in the documentation. */
export class Metrics {
  readonly #registry: Registry<OpenMetricsContentType> = openMetrics();
  readonly events: Counter = this.#counter('ingest_events', 'Events stored');
  readonly eventsLost: Counter = this.#counter('events_lost', 'Events that nodes report as lost');
  readonly rejects: Counter<'code'> = this.#counter('rejects', 'Events refused', 'code');
  readonly gaps: Counter = this.#counter('event_gaps', 'Holes in a stream of events, asked again');
  readonly resyncs: Counter<'reason'> = this.#counter(
    'state_resync',
    'Sections asked for in full',
    'reason',
  );
  readonly hashMismatches: Counter = this.#counter(
    'hash_mismatch',
    'Announced and computed hash of a state differ',
  );
  readonly badFrames: Counter<'code'> = this.#counter('bad_frames', 'Frames refused', 'code');
  readonly admission: Counter<'result'> = this.#counter(
    'admission',
    'Attempts of agents to connect',
    'result',
  );
  readonly authFailures: Counter<'reason'> = this.#counter(
    'auth_failures',
    'Requests without a credential that holds',
    'reason',
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

  /** What is read when somebody asks. */
  observe(fleet: Fleet, sessions: Sessions, store: Store): void {
    this.#gauge('build_info', 'Version of the aggregator', ['version'], (gauge) =>
      gauge.set({ version: VERSION }, 1),
    );
    this.#gauge('nodes', 'Nodes by state', ['state'], (gauge) => {
      for (const [state, count] of Object.entries(fleet.countStates())) gauge.set({ state }, count);
    });
    this.#gauge('nodes_expected', 'Nodes that should report', [], (gauge) =>
      gauge.set(fleet.coverage().expected),
    );
    this.#gauge('nodes_reporting', 'Nodes that do report', [], (gauge) =>
      gauge.set(fleet.coverage().reporting),
    );
    this.#gauge('identity_conflicts', 'Nodes whose credential two machines use', [], (gauge) =>
      gauge.set(fleet.countStates().conflict),
    );
    this.#gauge('node_state', 'State of a node', ['node', 'state'], (gauge) => {
      const items = fleet.items();
      if (items.length > MAX_NODE_SERIES) return;
      for (const { name, state } of items) {
        for (const each of NODE_STATES) {
          gauge.set({ node: name, state: each }, each === state ? 1 : 0);
        }
      }
    });
    this.#gauge('node_last_seen_timestamp_seconds', 'When heard last', ['node'], (gauge) => {
      const items = fleet.items();
      if (items.length > MAX_NODE_SERIES) return;
      for (const { name, lastSeen } of items) {
        if (lastSeen !== null) gauge.set({ node: name }, Date.parse(lastSeen) / 1000);
      }
    });
    this.#gauge('drift_open', 'Files that differ from what they should be', [], (gauge) =>
      gauge.set(fleet.items().reduce((sum, item) => sum + item.drift, 0)),
    );
    this.#gauge('images', 'Images by verdict', ['verdict'], (gauge) => {
      const items = fleet.items();
      for (const verdict of VERDICTS) {
        gauge.set(
          { verdict },
          items.reduce((sum, item) => sum + item.images[verdict], 0),
        );
      }
    });
    this.#gauge('findings', 'Nodes by failing check', ['severity', 'check'], async (gauge) => {
      for (const { subject, outcome, severity, nodes } of await store.outcomes('checks')) {
        if (outcome === 'fail') gauge.set({ severity, check: subject }, nodes);
      }
    });
    this.#gauge('resident_memory_bytes', 'Memory of this process', [], (gauge) =>
      gauge.set(process.memoryUsage.rss()),
    );
    this.#gauge('sessions', 'Connected agents', [], (gauge) => gauge.set(sessions.count));
    this.#gauge('ws_buffered_bytes', 'Bytes that agents have not read yet', [], (gauge) =>
      gauge.set(sessions.bufferedBytes),
    );
    this.#gauge('db_size_bytes', 'Size of the database', [], async (gauge) =>
      gauge.set(await store.sizeBytes()),
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition in OpenMetrics 1.0 text. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #counter<Label extends string>(name: string, help: string, label?: Label): Counter<Label> {
    return new Counter({
      name: `nodeseal_${name}_total`,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.#registry],
    });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name: `nodeseal_${name}`, help, buckets, registers: [this.#registry] });
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (gauge: Gauge<Label>) => void | Promise<void>,
  ): void {
    new Gauge({
      name: `nodeseal_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        this.reset();
        await read(this);
      },
    });
  }
}

function openMetrics(): Registry<OpenMetricsContentType> {
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}
