import type {
  CheckItem,
  DriftItem,
  EventRecord,
  FindingItem,
  ImageItem,
  NodeItem,
  PolicyItem,
} from '../shared/api.ts';
import { findingKey } from '../shared/findings.ts';
import { nearest } from '../shared/nearest.ts';
import {
  type ItemReader,
  readCheck,
  readDrift,
  readEvent,
  readFinding,
  readImage,
  readNode,
  readPolicy,
} from './answers.ts';
import { usageError } from './errors.ts';
import type { Column, Presentation } from './output/column.ts';
import { eventPresentation } from './output/event.ts';
import { FINDING_COLUMNS } from './output/finding.ts';
import { DRIFT, POLICY, RULE_SUMMARY } from './output/fleet.ts';
import { IMAGE_COLUMNS } from './output/image.ts';
import { nodePresentation } from './output/node.ts';

/** Every type of `get`. */
export const TYPES = [
  'nodes',
  'findings',
  'images',
  'drift',
  'events',
  'checks',
  'policies',
] as const;
export type ResourceType = (typeof TYPES)[number];

/** One type of `get`: where it is asked for, how its items are read, chosen and shown. */
export interface Resource<Item> {
  /** Plural, as in the path `/v1/…`. */
  readonly type: ResourceType;
  readonly kind: string;
  readonly read: ItemReader<Item>;
  /** What NAME is compared with. */
  namesOf(item: Item): readonly string[];
  /** The nodes it speaks of; absent for what is summed up over all nodes. */
  readonly nodesOf?: (item: Item) => readonly string[];
  /** Among all items of the fleet. */
  keyOf(item: Item): string;
  /** Members that selectors may name. */
  readonly fields: readonly string[];
  /** Fields that the aggregator can choose by itself, with the name of its query parameter. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether changes of it are told by `/v1/watch`. */
  readonly isWatched: boolean;
  /** Whether it comes in pages. */
  readonly isPaged: boolean;
  /** What a plain `get` leaves out, unless `--all` or a selector of one of the fields `unless`. */
  readonly omits?: {
    readonly field: string;
    readonly values: readonly string[];
    readonly unless: readonly string[];
  };
  presentation(nowMs: number): Presentation<Item>;
}

const NODE_COLUMN: Column<{ readonly node: string }> = {
  header: 'NODE',
  key: 'node',
  value: ({ node }) => node,
  shrink: 'end',
};

export const NODES: Resource<NodeItem> = {
  type: 'nodes',
  kind: 'NodeList',
  read: readNode,
  namesOf: ({ name, uid }) => [name, uid],
  nodesOf: ({ name }) => [name],
  keyOf: ({ uid }) => uid,
  fields: [
    'name',
    'uid',
    'pool',
    'state',
    'results',
    'worst',
    'drift',
    'images',
    'lastSeen',
    'agentVersion',
  ],
  parameters: { name: 'node', pool: 'pool', state: 'state', worst: 'result' },
  isWatched: true,
  isPaged: true,
  presentation: nodePresentation,
};

const findings: Resource<FindingItem> = {
  type: 'findings',
  kind: 'FindingList',
  read: readFinding,
  namesOf: ({ ruleId, checkId }) => [ruleId, checkId],
  nodesOf: ({ node }) => [node],
  keyOf: (item) => `${item.node} ${findingKey(item)}`,
  fields: ['node', 'ruleId', 'checkId', 'result', 'severity', 'subject', 'reason', 'observed'],
  parameters: { node: 'node', ruleId: 'rule', result: 'result', severity: 'severity' },
  // An exception is a reason of what does not apply.
  omits: { field: 'result', values: ['pass', 'notapplicable'], unless: ['result', 'reason'] },
  isWatched: true,
  isPaged: true,
  presentation: () => ({
    resource: 'finding',
    columns: [...FINDING_COLUMNS.slice(0, 1), NODE_COLUMN, ...FINDING_COLUMNS.slice(1)],
    nameOf: (item) => `${item.node}/${item.ruleId}`,
  }),
};

export const IMAGES: Resource<ImageItem> = {
  type: 'images',
  kind: 'ImageVerdictList',
  read: readImage,
  namesOf: ({ reference, imageId, digest }) => [reference, imageId, digest],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, imageId, reference, namespace = '', policy }) =>
    `${node} ${imageId} ${reference} ${namespace} ${policy}`,
  fields: [
    'node',
    'reference',
    'imageId',
    'digest',
    'policy',
    'namespace',
    'verdict',
    'reason',
    'source',
    'scope',
  ],
  parameters: { node: 'node', reference: 'reference', verdict: 'verdict' },
  isWatched: true,
  isPaged: true,
  presentation: () => ({
    resource: 'image',
    columns: [...IMAGE_COLUMNS.slice(0, 1), NODE_COLUMN, ...IMAGE_COLUMNS.slice(1)],
    nameOf: ({ node, reference }) => `${node}/${reference}`,
  }),
};

const events: Resource<EventRecord> = {
  type: 'events',
  kind: 'EventList',
  read: readEvent,
  namesOf: ({ kind }) => [kind],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, epoch, sequence }) => `${node} ${epoch} ${sequence}`,
  fields: ['node', 'kind', 'class', 'epoch', 'sequence', 'at', 'receivedAt', 'data'],
  parameters: { node: 'node', kind: 'kind', class: 'class' },
  isWatched: true,
  isPaged: true,
  presentation: eventPresentation,
};

const drift: Resource<DriftItem> = {
  type: 'drift',
  kind: 'DriftList',
  read: readDrift,
  namesOf: ({ path }) => [path],
  nodesOf: ({ node }) => [node],
  keyOf: ({ node, path }) => `${node} ${path}`,
  fields: ['node', 'path', 'class', 'reason', 'manager', 'mode', 'sha256', 'expectedSha256'],
  parameters: { node: 'node', path: 'path', class: 'class' },
  isWatched: false,
  isPaged: true,
  presentation: () => DRIFT,
};

export const CHECKS: Resource<CheckItem> = {
  type: 'checks',
  kind: 'CheckList',
  read: readCheck,
  namesOf: ({ ruleId, checkId }) => [ruleId, checkId],
  keyOf: ({ ruleId }) => ruleId,
  fields: ['ruleId', 'checkId', 'title', 'severity', 'worst', 'nodes'],
  parameters: { severity: 'severity', worst: 'result' },
  isWatched: false,
  isPaged: false,
  presentation: () => RULE_SUMMARY,
};

const policies: Resource<PolicyItem> = {
  type: 'policies',
  kind: 'PolicyList',
  read: readPolicy,
  namesOf: ({ digest }) => [digest, digest.slice('sha256:'.length, 'sha256:'.length + 12)],
  nodesOf: ({ nodes }) => nodes,
  keyOf: ({ digest }) => digest,
  fields: ['digest', 'policy', 'nodes', 'pools', 'outliers'],
  parameters: {},
  isWatched: false,
  isPaged: false,
  presentation: () => POLICY,
};

/** Does something with the resource of a type, whatever its items are. */
export function withResource<Answer>(
  type: ResourceType,
  use: <Item>(resource: Resource<Item>) => Answer,
): Answer {
  switch (type) {
    case 'nodes':
      return use(NODES);
    case 'findings':
      return use(findings);
    case 'images':
      return use(IMAGES);
    case 'drift':
      return use(drift);
    case 'events':
      return use(events);
    case 'checks':
      return use(CHECKS);
    case 'policies':
      return use(policies);
  }
}

function singularOf(type: ResourceType): string {
  return type === 'policies' ? 'policy' : type.replace(/s$/, '');
}

/** The type of a word, in plural or singular. */
export function readType(word: string): ResourceType {
  const found = TYPES.find((type) => type === word || singularOf(type) === word);
  if (found !== undefined) return found;
  const close = nearest(word, TYPES);
  throw usageError(`there is no type '${word}'`, {
    next: close === undefined ? `known: ${TYPES.join(', ')}` : `did you mean '${close}'?`,
  });
}

/** `TYPE`, `TYPE NAME…` or `TYPE/NAME…`: all of one type. */
export function readTypeAndNames(words: readonly string[]): {
  readonly type: ResourceType;
  readonly names: readonly string[];
} {
  const [first = '', ...rest] = words;
  const slash = first.indexOf('/');
  const type = readType(slash === -1 ? first : first.slice(0, slash));
  const names = slash === -1 ? rest : words;
  return { type, names: names.map((name) => withoutType(name, type)) };
}

function withoutType(name: string, type: ResourceType): string {
  const slash = name.indexOf('/');
  const before = name.slice(0, Math.max(slash, 0));
  return before === type || before === singularOf(type) ? name.slice(slash + 1) : name;
}
