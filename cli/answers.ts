import type {
  CheckDetail,
  CheckItem,
  Coverage,
  DriftItem,
  EventRecord,
  FindingItem,
  ImageItem,
  List,
  NodeDetail,
  NodeItem,
} from '../shared/api.ts';
import { API_VERSION } from '../shared/api.ts';
import type { PolicyItem, PoolBaseline } from '../shared/api-pools.ts';
import { COMPARED_SECTIONS } from '../shared/comparable.ts';
import { rubbish } from './client-errors.ts';
import { isObject, misfit, type Shape } from './shape.ts';

/**
 * Readers of what an aggregator answers. They look at every member that is used here, so that an answer of somebody
 * else ends as an error and not as an empty table; members that a newer aggregator adds are let through.
 */
export type ItemReader<Item> = (value: unknown, place: string, server: string) => Item;

const NODE: Shape = {
  name: 'text',
  uid: 'text',
  pool: 'text',
  state: 'text',
  results: 'object',
  worst: 'text',
  drift: 'number',
  images: 'object',
  lastSeen: 'text?',
  agentVersion: 'text?',
};
const FINDING: Shape = {
  node: 'text',
  ruleId: 'text',
  result: 'text',
  severity: 'text',
  subject: 'text?',
  reason: 'text?',
  message: 'text',
  since: 'text?',
};
/** As `FINDING`, where the rule itself is shown too. */
const RULE_RESULT: Shape = { ...FINDING, title: 'text', remediation: 'object', mappings: 'list' };
const IMAGE: Shape = {
  node: 'text',
  imageId: 'text',
  reference: 'text',
  digest: 'text',
  policy: 'text?',
  namespace: 'text?',
  verdict: 'text',
  reason: 'text?',
  signedBy: 'list',
  scope: 'text',
  source: 'text',
  pods: 'list',
};
const EVENT: Shape = {
  node: 'text',
  epoch: 'text',
  sequence: 'number',
  at: 'text',
  receivedAt: 'text',
  kind: 'text',
  class: 'text',
  data: 'object',
};
const DRIFT: Shape = {
  node: 'text',
  path: 'text',
  class: 'text',
  reason: 'text?',
  sha256: 'text?',
  mode: 'number?',
  uid: 'number?',
  gid: 'number?',
  expectedSha256: 'text?',
  expectedMode: 'number?',
  expectedUid: 'number?',
  expectedGid: 'number?',
  manager: 'text?',
};
const CHECK: Shape = {
  ruleId: 'text',
  checkId: 'text',
  title: 'text',
  severity: 'text',
  nodes: 'object',
  worst: 'text',
  remediation: 'object',
  mappings: 'list',
};
const POLICY: Shape = {
  digest: 'text',
  nodes: 'list',
  pools: 'list',
  majorityOf: 'list',
  outliers: 'list',
  trust: 'object?',
};
const CHECK_DETAIL: Shape = { check: 'object', findings: 'list', coverage: 'object' };
const BASELINE: Shape = { pool: 'text', trust: 'object?', sections: 'object', coverage: 'object' };
const MAJORITY: Shape = { nodes: 'number', items: 'object', varying: 'list' };
const COVERAGE: Shape = { expected: 'number', reporting: 'number', missing: 'list' };
const DETAIL: Shape = {
  node: 'object',
  sections: 'object',
  findings: 'list',
  images: 'list',
  events: 'list',
  session: 'object',
  reported: 'object?',
  absence: 'text?',
};

export const readNode: ItemReader<NodeItem> = reader(NODE);
export const readFinding: ItemReader<FindingItem> = reader(FINDING);
const readRuleResult: ItemReader<FindingItem> = reader(RULE_RESULT);
export const readImage: ItemReader<ImageItem> = reader(IMAGE);
export const readDrift: ItemReader<DriftItem> = reader(DRIFT);
export const readCheck: ItemReader<CheckItem> = reader(CHECK);
export const readPolicy: ItemReader<PolicyItem> = reader(POLICY);
export const readEvent: ItemReader<EventRecord> = reader(EVENT);

/** A reader of objects of one shape. */
export function reader<Item>(shape: Shape): ItemReader<Item> {
  return (value, place, server) => {
    const fault = misfit(value, shape, place);
    if (fault !== undefined) throw rubbish(server, fault);
    // Its shape has just been looked at.
    return value as Item;
  };
}

/** A list of one kind. Throws a `CliError` that names the member at fault. */
export function readList<Kind extends string, Item>(
  value: unknown,
  kind: Kind,
  item: ItemReader<Item>,
  server: string,
): List<Kind, Item> {
  const fault = misfit(
    value,
    { kind: 'text', items: 'list', coverage: 'object?', continue: 'text?' },
    'answer',
  );
  if (fault !== undefined || !isObject(value)) throw rubbish(server, fault ?? 'no object');
  if (value['kind'] !== kind || value['apiVersion'] !== API_VERSION) {
    throw rubbish(server, `expected a ${kind} of ${API_VERSION}`);
  }
  const items: readonly unknown[] = Array.isArray(value['items']) ? value['items'] : [];
  const { coverage, continue: next } = value;
  return {
    apiVersion: API_VERSION,
    kind,
    items: items.map((one, index) => item(one, `items[${index}]`, server)),
    ...(isObject(coverage) ? { coverage: readCoverage(coverage, server) } : {}),
    ...(typeof next === 'string' ? { continue: next } : {}),
  };
}

function readCoverage(value: unknown, server: string): Coverage {
  const coverage = reader<Coverage>(COVERAGE)(value, 'coverage', server);
  for (const [index, missing] of coverage.missing.entries()) {
    reader({ node: 'text', cause: 'text' })(missing, `coverage.missing[${index}]`, server);
  }
  return coverage;
}

/** One rule with what every node says of it. */
export function readCheckDetail(value: unknown, server: string): CheckDetail {
  const detail = reader<CheckDetail>(CHECK_DETAIL)(value, 'answer', server);
  const check = readCheck(detail.check, 'check', server);
  const remediation = reader<CheckItem['remediation']>({ kind: 'text', text: 'text' });
  remediation(check.remediation, 'check.remediation', server);
  detail.findings.forEach((one, index) => void readRuleResult(one, `findings[${index}]`, server));
  readCoverage(detail.coverage, server);
  return detail;
}

/** What most nodes of a pool say. */
export function readPoolBaseline(value: unknown, server: string): PoolBaseline {
  const baseline = reader<PoolBaseline>(BASELINE)(value, 'answer', server);
  for (const section of COMPARED_SECTIONS) {
    reader(MAJORITY)(baseline.sections[section], `sections.${section}`, server);
  }
  return baseline;
}

/** One node with everything; its members are looked at as those of the lists. */
export function readNodeDetail(value: unknown, server: string): NodeDetail {
  const detail = reader<NodeDetail>(DETAIL)(value, 'answer', server);
  readNode(detail.node, 'node', server);
  detail.findings.forEach((one, index) => void readRuleResult(one, `findings[${index}]`, server));
  detail.images.forEach((one, index) => void readImage(one, `images[${index}]`, server));
  detail.events.forEach((one, index) => void readEvent(one, `events[${index}]`, server));
  return detail;
}
