import { API_VERSION, type Coverage, type List } from '../shared/api.ts';
import { isAtLeast, RESULTS, SEVERITIES, type Severity } from '../shared/results.ts';
import { readList } from './answers.ts';
import type { Client, Query } from './client.ts';
import type { Invocation } from './command.ts';
import { usageError } from './errors.ts';
import type { Resource, ResourceType } from './resource.ts';
import { assertFields, type Condition, parseSelector, selects } from './selector.ts';

/** Items asked for at once: enough that asking costs little, few enough that a page weighs little. */
const PAGE = 500;
/** An aggregator gives no more at once; nodes are small. */
const NODES_PAGE = 5000;
/** What `-l` may ask of a node. */
const LABELS = ['name', 'uid', 'pool', 'state', 'agentVersion'] as const;

/** Which items are wanted, as the flags say. */
export interface Choice {
  readonly names: readonly string[];
  readonly fields: readonly Condition[];
  readonly labels: readonly Condition[];
  /** What the resource leaves out by itself is wanted too. */
  readonly all: boolean;
  readonly since: string | undefined;
  readonly asOf: string | undefined;
}

export const EVERYTHING: Choice = {
  names: [],
  fields: [],
  labels: [],
  all: true,
  since: undefined,
  asOf: undefined,
};

/** What the aggregator keeps the history of, item by item. */
const WITH_HISTORY: readonly ResourceType[] = ['findings', 'images', 'drift'];
const WITH_SINCE: readonly ResourceType[] = [...WITH_HISTORY, 'events'];

/** The time that `--as-of` names; one for a resource without history is a usage error. */
export function readAsOf(
  { type }: Pick<Resource<never>, 'type'>,
  invocation: Invocation,
): string | undefined {
  const asOf = invocation.value('as-of');
  if (asOf === undefined || WITH_HISTORY.includes(type)) return asOf;
  throw usageError(`--as-of says nothing of ${type}`, { next: 'get findings --as-of 24h' });
}

/** The conditions of `-l`. */
export function readLabels(invocation: Invocation): readonly Condition[] {
  const labels = parseSelector(invocation.value('selector') ?? '', '--selector');
  assertFields(labels, LABELS, '--selector');
  return labels;
}

/** The choice that the flags of `CHOICE_OPTIONS` make; one that says nothing of the resource is a usage error. */
export function readChoice(
  resource: Pick<Resource<never>, 'type' | 'fields' | 'nodesOf'>,
  names: readonly string[],
  invocation: Invocation,
): Choice {
  const fields = parseSelector(invocation.value('field-selector') ?? '', '--field-selector');
  assertFields(fields, resource.fields, '--field-selector');
  const labels = readLabels(invocation);
  if (labels.length > 0 && resource.nodesOf === undefined) {
    throw usageError(
      `--selector says nothing of ${resource.type}: they are summed up over all nodes`,
    );
  }
  const since = invocation.value('since');
  if (since !== undefined && !WITH_SINCE.includes(resource.type)) {
    throw usageError(`--since says nothing of ${resource.type}`, {
      next: 'get events --since 24h',
    });
  }
  return { names, fields, labels, all: invocation.flag('all'), since, asOf: undefined };
}

/** Some of the chosen items, and the nodes that the whole answer speaks for. */
export interface ChosenPage<Item> {
  readonly items: readonly Item[];
  readonly coverage: Coverage | undefined;
}

/**
 * The chosen items of the whole fleet as they come, at most `most` when it is given; at least one page, and none is held
 * here.
 */
export async function* chosenPages<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  most: number | undefined,
): AsyncGenerator<ChosenPage<Item>, void> {
  const nodes = await selectNodes(client, choice);
  const isWanted = filterOf(resource, choice, nodes);
  let left = most ?? Number.POSITIVE_INFINITY;
  let coverage: Coverage | undefined;
  for await (const page of pages(client, resource, queryOf(resource, choice))) {
    coverage ??= page.coverage && restricted(page.coverage, nodes, choice);
    const items = page.items.filter(isWanted).slice(0, left);
    left -= items.length;
    yield { items, coverage };
    if (left === 0) return;
  }
}

/** The same as one list. */
export async function fetchChosen<Item>(
  client: Client,
  resource: Resource<Item>,
  choice: Choice,
  most: number | undefined,
): Promise<List<string, Item>> {
  const items: Item[] = [];
  let coverage: Coverage | undefined;
  for await (const page of chosenPages(client, resource, choice, most)) {
    for (const item of page.items) items.push(item);
    coverage = page.coverage;
  }
  return { ...frameOf(resource, coverage), items };
}

/** What a list says beside its items. */
export function frameOf(
  { kind }: Pick<Resource<never>, 'kind'>,
  coverage: Coverage | undefined,
): Omit<List<string, never>, 'items'> {
  return { apiVersion: API_VERSION, kind, ...(coverage === undefined ? {} : { coverage }) };
}

async function* pages<Item>(
  client: Client,
  resource: Resource<Item>,
  query: Query,
): AsyncGenerator<List<string, Item>, void> {
  const limit = String(resource.type === 'nodes' ? NODES_PAGE : PAGE);
  for (let next: string | undefined; ; ) {
    const answer = await client.get(`/v1/${resource.type}`, {
      ...query,
      ...(resource.isPaged ? { limit, continue: next } : {}),
    });
    const page = readList(answer, resource.kind, resource.read, client.server);
    yield page;
    // A page that leads back to itself would never end.
    if (page.continue === undefined || page.continue === next) return;
    next = page.continue;
  }
}

/** Nodes by name. */
export interface SelectedNodes {
  readonly names: ReadonlySet<string>;
  /** Those of them that should report: the others are retired. */
  readonly expected: ReadonlySet<string>;
}

/** The nodes that `-l` selects; undefined for all, when it was not given. */
export async function selectNodes(
  client: Client,
  { labels }: Choice,
): Promise<SelectedNodes | undefined> {
  return labels.length === 0 ? undefined : await nodesWith(client, labels);
}

/** The nodes that meet some conditions; all when there are none. */
export async function nodesWith(
  client: Client,
  labels: readonly Condition[],
): Promise<SelectedNodes> {
  const { NODES } = await import('./resources/nodes.ts');
  const { items } = await fetchChosen(client, NODES, { ...EVERYTHING, fields: labels }, undefined);
  const expected = items.filter(({ state }) => state !== 'retired');
  return { names: namesOf(items), expected: namesOf(expected) };
}

function namesOf(nodes: readonly { readonly name: string }[]): ReadonlySet<string> {
  return new Set(nodes.map(({ name }) => name));
}

/** True for the items that a choice wants; the same for a list and for what a watch tells. */
export function filterOf<Item>(
  resource: Resource<Item>,
  choice: Choice,
  nodes: SelectedNodes | undefined,
): (item: Item) => boolean {
  const { names, fields } = choice;
  const omitted = omissionOf(resource, choice);
  return (item) =>
    (names.length === 0 || resource.namesOf(item).some((name) => names.includes(name))) &&
    (nodes === undefined ||
      resource.nodesOf?.(item).some((node) => nodes.names.has(node)) === true) &&
    selects(fields, item) &&
    (omitted === undefined || selects([omitted], item));
}

/** What is left out unless somebody asked for it: by `--all`, by name, or by a field that tells. */
function omissionOf<Item>({ omits }: Resource<Item>, choice: Choice): Condition | undefined {
  if (omits === undefined || choice.all || choice.names.length > 0) return undefined;
  if (choice.fields.some(({ field }) => omits.unless.includes(field))) return undefined;
  return { field: omits.field, values: omits.values, negated: true };
}

/** True when items are left out that nobody said to leave out. */
export function isOmitting<Item>(resource: Resource<Item>, choice: Choice): boolean {
  return omissionOf(resource, choice) !== undefined;
}

/** What the aggregator can choose itself, so that it does not send what is thrown away here. */
function queryOf<Item>(resource: Resource<Item>, choice: Choice): Query {
  const query: Record<string, string | undefined> = {};
  const [name] = choice.names;
  if (name !== undefined && choice.names.length === 1) {
    Object.assign(query, resource.nameQuery?.(name));
  }
  for (const { field, values, negated } of choice.fields) {
    const parameter = resource.parameters[field];
    const [value] = values ?? [];
    if (parameter === undefined || negated || values?.length !== 1 || !value) continue;
    query[parameter] = value;
  }
  const omitted = omissionOf(resource, choice);
  if (omitted !== undefined && resource.type === 'findings') {
    query['result'] = RESULTS.filter((result) => !omitted.values?.includes(result)).join(',');
  }
  if (choice.since !== undefined && resource.type === 'events') query['since'] = choice.since;
  if (choice.asOf !== undefined) query['asOf'] = choice.asOf;
  return query;
}

/** The coverage of some of the nodes. Of a former time only what is so now of a node selects it: more than all had then it has not. */
function restricted(
  coverage: Coverage,
  nodes: SelectedNodes | undefined,
  { asOf }: Choice,
): Coverage {
  if (nodes === undefined) return coverage;
  const { names, expected } = nodes;
  const chosen = asOf === undefined ? expected : names;
  const missing = coverage.missing.filter(({ node }) => chosen.has(node));
  return {
    expected: Math.min(chosen.size, coverage.expected),
    reporting: Math.min(chosen.size - missing.length, coverage.reporting),
    missing,
  };
}

/** True when an item is a failure at or above a severity, or an image that is refused. */
export function isFailure(type: ResourceType, item: unknown, failOn: Severity): boolean {
  const severities = SEVERITIES.filter((severity) => isAtLeast(severity, failOn));
  switch (type) {
    case 'findings':
      return selects(
        [
          { field: 'result', values: ['fail'], negated: false },
          { field: 'severity', values: severities, negated: false },
        ],
        item,
      );
    case 'images':
      return selects([{ field: 'verdict', values: ['rejected'], negated: false }], item);
    case 'nodes':
    case 'drift':
    case 'events':
    case 'checks':
    case 'policies':
      return false;
  }
}
