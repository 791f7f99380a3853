import {
  API_VERSION,
  type CommandAnswer,
  NODE_STATES,
  type NodeDetail,
  type NodeList,
} from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { SectionName } from '../../shared/report.ts';
import { RESULTS } from '../../shared/results.ts';
import { askNode } from '../ask-node.ts';
import type { FleetNode } from '../fleet-node.ts';
import { toFindingItem, toImageItem } from '../section-items.ts';
import { decodePageToken, encodePageToken } from '../store/page-token.ts';
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
    const start = after === undefined ? 0 : Number(decodePageToken(after, ['number'])[0]);
    const items = found.slice(start, start + limit);
    const isMore = start + items.length < found.length;
    const next = isMore ? encodePageToken([start + items.length]) : undefined;
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
    const node = context.fleet.find(name);
    if (node === undefined) throw notFound('node', name);
    return await detail(node, context, query.time('asOf'));
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

export const nodeRoutes: readonly Route[] = [getNodes, getNode, postRescan];

async function detail(
  node: FleetNode,
  { store, fleet }: ApiContext,
  asOfMs: number | undefined,
): Promise<NodeDetail> {
  const read = async (name: SectionName): Promise<ReadonlyMap<string, Json>> =>
    (await store.section(node.uid, name, asOfMs))?.items ?? new Map();
  const sections: Record<string, Readonly<Record<string, Json>>> = {};
  for (const name of DETAIL_SECTIONS) sections[name] = Object.fromEntries(await read(name));
  const findings =
    asOfMs === undefined
      ? await store.items({ section: 'checks', limit: DETAIL_ITEMS, node: node.name })
      : { rows: [...(await read('checks'))].map(([key, item]) => ({ key, item })) };
  const images =
    asOfMs === undefined
      ? await store.items({ section: 'images', limit: DETAIL_ITEMS, node: node.name })
      : { rows: [...(await read('images'))].map(([key, item]) => ({ key, item })) };
  const events = await store.events({ limit: DETAIL_EVENTS, node: node.name });
  const { live } = node;
  return {
    apiVersion: API_VERSION,
    kind: 'Node',
    node: fleet.item(node),
    sections,
    findings: findings.rows.map(({ key, item }) => toFindingItem(node.name, key, item)),
    images: images.rows.map(({ key, item }) => toImageItem(node.name, key, item)),
    events: events.rows,
    session: {
      connected: live !== undefined || node.elsewhere,
      since: live === undefined ? null : rfc3339(live.sinceMs),
      rootHash: fleet.rootHash(node.uid),
      unsentRecords: live?.unsentRecords ?? 0,
      lostRecords: node.lost,
      clockSkewSeconds: live?.clockSkewSeconds ?? null,
      conditions: live?.conditions ?? [],
    },
  };
}
