import type { SimulationDetail, SimulationItem } from '../../shared/api-simulation.ts';
import type {
  ImageChange,
  ShadowedScope,
  SimulatedNode,
  SimulationResult,
  VerdictCounts,
} from '../../shared/simulation.ts';
import { type ItemReader, reader, readList } from '../answers.ts';

const readDetail: ItemReader<SimulationDetail> = reader({ simulation: 'object' });
const readItem: ItemReader<SimulationItem> = reader({
  id: 'text',
  state: 'text',
  progress: 'object',
});
const readProgress: ItemReader<SimulationItem['progress']> = reader({
  nodes: 'number',
  asked: 'number',
  answered: 'number',
  failed: 'number',
  offline: 'number',
});
const readBody: ItemReader<SimulationResult> = reader({
  candidate: 'object',
  strict: 'boolean',
  onlyRunning: 'boolean',
  summary: 'object',
  items: 'list',
  neverMatched: 'list',
  shadowed: 'list',
  nodes: 'list',
  coverage: 'object',
});
const readSummary: ItemReader<SimulationResult['summary']> = reader({
  nodes: 'number',
  uses: 'number',
  images: 'number',
  now: 'object',
  after: 'object',
  changes: 'object',
});
const readCounts: ItemReader<VerdictCounts> = reader({
  accepted: 'number',
  unenforced: 'number',
  rejected: 'number',
  unknown: 'number',
});
const readChanges: ItemReader<SimulationResult['summary']['changes']> = reader({
  newlyRefused: 'number',
  newlyAccepted: 'number',
  noLongerVerified: 'number',
  undecided: 'number',
});
const readChange: ItemReader<ImageChange> = reader({
  change: 'text',
  reference: 'text',
  digest: 'text',
  now: 'text',
  after: 'text',
  nowReason: 'text?',
  reason: 'text?',
  message: 'text?',
  scope: 'text',
  nodes: 'list',
  staleNodes: 'list',
  pods: 'number',
  namespaces: 'list',
  hint: 'text?',
});
const readShadowed: ItemReader<ShadowedScope> = reader({
  scope: 'text',
  by: 'list',
  hidden: 'number',
  matched: 'number',
});
const readNode: ItemReader<SimulatedNode> = reader({
  node: 'text',
  source: 'text',
  asOf: 'text?',
  problem: 'text?',
  now: 'object',
  after: 'object',
  gaps: 'list',
  notes: 'list',
});

/** How far a simulation is; throws when that is not what the aggregator told. */
export function readSimulationItem(value: unknown, server: string): SimulationItem {
  const item = readItem(value, 'simulation', server);
  readProgress(item.progress, 'simulation.progress', server);
  return item;
}

/** One simulation, with its result when it is done; throws when that is not what the aggregator told. */
export function readSimulationDetail(value: unknown, server: string): SimulationDetail {
  const detail = readDetail(value, 'answer', server);
  readSimulationItem(detail.simulation, server);
  if (detail.result !== undefined) readResult(detail.result, server);
  return detail;
}

function readResult(value: unknown, server: string): void {
  const { summary, shadowed, nodes } = readBody(value, 'result', server);
  readList(value, 'Simulation', readChange, server);
  const { now, after, changes } = readSummary(summary, 'summary', server);
  readCounts(now, 'summary.now', server);
  readCounts(after, 'summary.after', server);
  readChanges(changes, 'summary.changes', server);
  shadowed.forEach((one, index) => void readShadowed(one, `shadowed[${index}]`, server));
  nodes.forEach((one, index) => void readNode(one, `nodes[${index}]`, server));
}
