import {
  API_VERSION,
  type CommandAnswer,
  type LastWords,
  NODE_STATES,
  type NodeDetail,
  type NodeList,
} from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import { compareNodes, type NodePlace } from '../../shared/node-order.ts';
import { SECTIONS, type SectionName } from '../../shared/report.ts';
import { RESULTS } from '../../shared/results.ts';
import { askNode } from '../ask-node.ts';
import type { EndedSession, FleetNode } from '../fleet-node.ts';
import { toFindingItem, toImageItem } from '../section-items.ts';
import { decodePageToken, encodePageToken } from '../store/page-token.ts';
import type { StoredSection } from '../store/store.ts';
import { withSince } from './failing-since.ts';
import { list, notFound } from './list.ts';
import type { ApiContext, Route } from './route.ts';

const DETAIL_SECTIONS = ['host', 'trust', 'files', 'agent'] as const satisfies SectionName[];
const DETAIL_ITEMS = 5000;
const DETAIL_EVENTS = 50;
const RESCAN_WITHIN_MS = 60_000;

const getNodes: Route = {
  method: 'GET',
  path: '/v1/nodes',
  role: 'viewer',
  summary: 'All nodes, worst first',
  query: ['limit', 'continue', 'node', 'pool', 'state', 'result'],
  async handle({ query }, { fleet }): Promise<NodeList> {
    const name = query.text('node');
    const pool = query.text('pool');
    const states = query.words('state', NODE_STATES);
    const worst = query.words('result', RESULTS);
    const limit = query.limit();
    const after = query.text('continue');
    const found = fleet
      .items()
      .filter(
        (item) =>
          (name === undefined || item.name === name) &&
          (pool === undefined || item.pool === pool) &&
          (states === undefined || states.includes(item.state)) &&
          (worst === undefined || worst.includes(item.worst)),
      );
    const place = after === undefined ? undefined : placeIn(after);
    const rest =
      place === undefined ? found : found.filter((item) => compareNodes(item, place) > 0);
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    const next = last !== undefined && rest.length > limit ? tokenAfter(last) : undefined;
    const isAll = name === undefined && pool === undefined;
    const asked = isAll
      ? undefined
      : new Set(
          fleet
            .items()
            .filter(
              (item) => item.pool === (pool ?? item.pool) && item.name === (name ?? item.name),
            )
            .map((item) => item.name),
        );
    return list('NodeList', items, fleet.coverage(asked), next);
  },
};

const getNode: Route = {
  method: 'GET',
  path: '/v1/nodes/:name',
  role: 'viewer',
  summary: 'One node with its sections, findings, images and last events',
  query: ['asOf'],
  async handle({ name, query }, context): Promise<NodeDetail> {
    const asOfMs = query.time('asOf');
    const node = context.fleet.find(name, asOfMs);
    if (node === undefined) throw notFound('node', name);
    return await nodeDetail(node, context, asOfMs);
  },
};

const postRescan: Route = {
  method: 'POST',
  path: '/v1/nodes/:name/rescan',
  role: 'operator',
  summary: 'Asks a connected node to look at everything now',
  query: [],
  async handle({ name }, context): Promise<CommandAnswer> {
    const node = context.fleet.find(name);
    if (node === undefined) throw notFound('node', name);
    const data = await askNode(context, node, 'rescan', {}, RESCAN_WITHIN_MS);
    return {
      apiVersion: API_VERSION,
      kind: 'CommandResult',
      node: node.name,
      verb: 'rescan',
      data,
    };
  },
};

/** A page goes on behind the last node of the one before, wherever others have come or gone meanwhile. */
function tokenAfter({ state, worst, results, name, uid }: NodePlace): string {
  return encodePageToken([state, worst, results.fail, name, uid]);
}

function placeIn(token: string): NodePlace {
  const parts = decodePageToken(token, ['string', 'string', 'number', 'string', 'string']);
  const [state, worst, fail, name, uid] = parts;
  // The kinds of the parts have been checked.
  return { state, worst, results: { fail }, name, uid } as unknown as NodePlace;
}

export const nodeRoutes: readonly Route[] = [getNodes, getNode, postRescan];

/** Everything that is known of a node. */
export async function nodeDetail(
  node: FleetNode,
  { store, fleet }: ApiContext,
  asOfMs: number | undefined,
): Promise<NodeDetail> {
  const stored = new Map<SectionName, StoredSection>();
  for (const name of SECTIONS) {
    const section = await store.section(node.uid, name, asOfMs);
    if (section !== undefined) stored.set(name, section);
  }
  const isNow = asOfMs === undefined;
  const rows = async (section: 'checks' | 'images'): Promise<readonly Row[]> =>
    isNow
      ? (await store.items({ section, limit: DETAIL_ITEMS, node: node.name })).rows
      : [...(stored.get(section)?.items ?? [])].map(([key, item]) => ({ key, item }));
  const findings = (await rows('checks')).map((row) => toFindingItem(node.name, row.key, row.item));
  const images = (await rows('images')).map((row) => toImageItem(node.name, row.key, row.item));
  const events = await store.events({ limit: DETAIL_EVENTS, node: node.name });
  const [missing] = node.retired ? [] : fleet.coverage(new Set([node.name])).missing;
  return {
    apiVersion: API_VERSION,
    kind: 'Node',
    node: fleet.item(node),
    sections: Object.fromEntries(
      DETAIL_SECTIONS.map((name) => [name, Object.fromEntries(stored.get(name)?.items ?? [])]),
    ),
    reported: Object.fromEntries([...stored].map(([name, { asOfMs: ms }]) => [name, rfc3339(ms)])),
    ...(missing === undefined ? {} : { absence: missing.cause }),
    findings: isNow ? await withSince(store, findings) : findings,
    images,
    events: events.rows,
    session: sessionOf(node, fleet.rootHash(node.uid)),
  };
}

interface Row {
  readonly key: string;
  readonly item: Json;
}

function sessionOf(node: FleetNode, rootHash: string): NodeDetail['session'] {
  const { live, last, elsewhere, lost } = node;
  const connected = live !== undefined || elsewhere;
  return {
    connected,
    since: live === undefined ? null : rfc3339(live.sinceMs),
    rootHash,
    unsentRecords: live?.unsentRecords ?? 0,
    lostRecords: lost,
    clockSkewSeconds: live?.clockSkewSeconds ?? null,
    conditions: live?.conditions ?? [],
    ...(connected ? {} : { lastWords: last === undefined ? null : lastWordsOf(last) }),
  };
}

function lastWordsOf({
  endedMs,
  sinceMs,
  unsentRecords,
  clockSkewSeconds,
  conditions,
}: EndedSession): LastWords {
  const [at, since] = [rfc3339(endedMs), rfc3339(sinceMs)];
  return { at, since, unsentRecords, clockSkewSeconds, conditions };
}
