import type { Coverage } from '../shared/api.ts';
import { VERDICTS } from '../shared/images.ts';
import { RESULTS } from '../shared/results.ts';
import type { SourceStatus } from './coverage/expected.ts';
import type { Fleet } from './fleet.ts';
import { countStates } from './fleet-coverage.ts';
import { resultsOf } from './fleet-node.ts';
import type { Metrics, Sample } from './metrics.ts';
import { nodeSeries, type StatedNode } from './node-series.ts';

/** Series for each node of a larger fleet would cost the monitoring more than they tell. */
const MAX_NODE_SERIES = 5000;
/** Rules come from agents: what no agent of ours has is not to fill the monitoring. */
const MAX_RULES = 2000;

/** The fleet as it is when somebody asks, looked at once for all gauges. */
interface Snapshot {
  readonly nodes: readonly StatedNode[];
  readonly coverage: Coverage;
}

/** What the state of the fleet adds up to. `sources` are the lists of expected nodes. */
export function observeFleet(
  metrics: Metrics,
  fleet: Fleet,
  sources: () => readonly SourceStatus[],
): void {
  let snapshot: Snapshot = { nodes: [], coverage: fleet.coverage() };
  metrics.before(() => {
    const stateNow = fleet.stateNow();
    const nodes = [...fleet.members()].map((node) => ({ node, state: stateNow(node) }));
    snapshot = { nodes, coverage: fleet.coverage() };
  });
  const sum = (count: (stated: StatedNode) => number): number =>
    snapshot.nodes.reduce((total, each) => total + (isCounted(each) ? count(each) : 0), 0);
  const states = () => countStates(snapshot.nodes.map(({ state }) => state));

  metrics.gauge('nodes', 'Nodes by state', ['state'], () =>
    Object.entries(states()).map(([state, count]) => [{ state }, count]),
  );
  metrics.gauge('nodes_expected', 'Nodes that should report', [], () => [
    [{}, snapshot.coverage.expected],
  ]);
  metrics.gauge('nodes_reporting', 'Nodes that do report', [], () => [
    [{}, snapshot.coverage.reporting],
  ]);
  metrics.gauge('identity_conflicts', 'Nodes whose credential two machines use', [], () => [
    [{}, states().conflict],
  ]);
  metrics.gauge('findings', 'Nodes by failing rule', ['severity', 'check'], () =>
    failingRules(fleet),
  );
  metrics.gauge('results', 'Results of all rules on all nodes', ['result'], () =>
    RESULTS.map((result) => [{ result }, sum(({ node, state }) => resultsOf(node, state)[result])]),
  );
  metrics.gauge('drift_open', 'Files that differ from what they should be', [], () => [
    [{}, sum(({ node }) => node.summary.drift)],
  ]);
  metrics.gauge('images', 'Images by verdict', ['verdict'], () =>
    VERDICTS.map((verdict) => [{ verdict }, sum(({ node }) => node.summary.images[verdict])]),
  );
  metrics.sum('events_lost', 'Events recorded as lost, by nodes or here; kept over restarts', () =>
    snapshot.nodes.reduce((total, { node }) => total + node.lost, 0),
  );
  observeSources(metrics, sources);
  metrics.block(() => (snapshot.nodes.length > MAX_NODE_SERIES ? '' : nodeSeries(snapshot.nodes)));
}

/** What a retired node said last speaks for nothing. */
function isCounted({ state }: StatedNode): boolean {
  return state !== 'retired';
}

function failingRules(fleet: Fleet): readonly Sample<'severity' | 'check'>[] {
  return [...fleet.failing.rules()]
    .sort((a, b) => b.nodes.size - a.nodes.size)
    .slice(0, MAX_RULES)
    .map(({ ruleId, severity, nodes }) => [{ severity, check: ruleId }, nodes.size]);
}

function observeSources(metrics: Metrics, sources: () => readonly SourceStatus[]): void {
  const gauge = (
    name: string,
    help: string,
    value: (status: SourceStatus) => number | undefined,
  ): void =>
    metrics.gauge(`coverage_source_${name}`, help, ['source'], () =>
      sources().flatMap((status) => {
        const found = value(status);
        return found === undefined ? [] : [[{ source: status.source }, found] as const];
      }),
    );
  gauge('nodes', 'Nodes in a list of expected nodes', ({ nodes }) => nodes);
  gauge('up', 'Whether a list of expected nodes is kept up to date', ({ reason }) =>
    reason === undefined ? 1 : 0,
  );
  gauge('timestamp_seconds', 'When a list of expected nodes was known to be right', ({ asOfMs }) =>
    asOfMs === null ? undefined : asOfMs / 1000,
  );
}
