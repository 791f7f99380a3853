import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION } from '../../shared/api.ts';
import type {
  ImageOutcomeList,
  SimulationDetail,
  SimulationList,
} from '../../shared/api-simulation.ts';
import { readCandidate } from '../../shared/simulation/candidate.ts';
import { changeOf } from '../../shared/simulation/result.ts';
import { IMAGE_CHANGES } from '../../shared/simulation.ts';
import type { FleetNode } from '../fleet-node.ts';
import { Refusal } from '../identity/credentials.ts';
import type { SimulationView } from '../simulations/shared-simulations.ts';
import { decodePageToken, encodePageToken } from '../store/page-token.ts';
import { StoreError } from '../store/store.ts';
import { openEventStream } from './event-stream.ts';
import { list, notFound } from './list.ts';
import type { ApiContext, Route } from './route.ts';
import { readSimulationBody, SIMULATION_BODY } from './simulation-body.ts';

/** How often is told how far a simulation is, and how often another aggregator is asked that. */
const TELL_MS = 250;
const ASK_MS = 1000;

const postSimulations: Route = {
  method: 'POST',
  path: '/v1/simulations',
  role: 'operator',
  summary: 'Has every node judge its images by a candidate policy; nothing on any node changes',
  query: [],
  status: 202,
  body: SIMULATION_BODY,
  async handle({ body, caller, note }, context): Promise<SimulationDetail> {
    const { candidate, pool, nodes: names, strict, onlyRunning } = readSimulationBody(body);
    const checked = readCandidate(candidate);
    const nodes = chosen(context, pool, names);
    const by = caller?.kind === 'user' ? caller.name : '';
    const { simulations } = context;
    const order = { ...checked, by, nodes, ...(pool === undefined ? {} : { pool }) };
    const simulation = await simulations.start({ ...order, strict, onlyRunning });
    const { id, digest } = simulation.item;
    note({ simulation: id, policy: digest, nodes: nodes.length });
    return toDetail(simulation);
  },
};

const getSimulations: Route = {
  method: 'GET',
  path: '/v1/simulations',
  role: 'viewer',
  summary: 'Simulations that run, and the last that ran, newest first',
  query: [],
  async handle(_request, { simulations, fleet }): Promise<SimulationList> {
    return list('SimulationList', await simulations.items(), fleet.coverage());
  },
};

const getSimulation: Route = {
  method: 'GET',
  path: '/v1/simulations/:name',
  role: 'viewer',
  summary: 'How far a simulation is, and its result when it is done',
  query: [],
  handle: async ({ name: id }, context) => toDetail(await find(context, id)),
};

const getProgress: Route = {
  method: 'GET',
  path: '/v1/simulations/:name/watch',
  role: 'viewer',
  summary: 'How far a simulation is as server-sent events; the stream ends with it',
  query: [],
  produces: 'text/event-stream',
  async handle(request, context) {
    let view: SimulationView | undefined = await find(context, request.name);
    const closed = new AbortController();
    const stream = openEventStream(request, 'watching', () => closed.abort());
    const own = context.simulations.get(request.name);
    for (let told = ''; view !== undefined; view = await viewOf(context, request.name)) {
      const { item } = view;
      const text = JSON.stringify(item);
      if (text !== told) stream.send('simulation', item);
      told = text;
      if (item.state === 'done' || closed.signal.aborted) break;
      const pause = sleep(own === undefined ? ASK_MS : TELL_MS, undefined, closed);
      await Promise.race([pause.catch(() => {}), ...(own === undefined ? [] : [own.done])]);
    }
    stream.end();
    return undefined;
  },
};

const getOutcomes: Route = {
  method: 'GET',
  path: '/v1/simulations/:name/outcomes',
  role: 'viewer',
  summary: 'Every image on every node as it is judged now and would be judged, by node',
  query: ['limit', 'continue', 'node', 'reference', 'change'],
  async handle({ name: id, query }, context): Promise<ImageOutcomeList> {
    const own = context.simulations.get(id);
    if (own === undefined) {
      await find(context, id);
      const message = `the single outcomes of simulation ${id} are with the aggregator that ran it`;
      throw new Refusal(409, 'notHere', message);
    }
    const { answers, isRunning, order } = own;
    if (isRunning) throw new Refusal(409, 'simulationRunning', `simulation ${id} is under way`);
    const [node, reference] = [query.text('node'), query.text('reference')];
    const changes = query.words('change', IMAGE_CHANGES);
    const after = query.text('continue');
    const [place = 0, image = 0] =
      after === undefined ? [] : decodePageToken(after, ['number', 'number']).map(Number);
    const { items, next } = await answers.page({ node: place, image }, query.limit(), (one) => {
      const change = changeOf(one, order.strict);
      return (
        (node === undefined || one.node === node) &&
        (reference === undefined || one.reference === reference) &&
        (changes === undefined || (change !== undefined && changes.includes(change))) &&
        (!order.onlyRunning || one.pods.length > 0)
      );
    });
    const coverage = context.fleet.coverage(namesOf(order.nodes));
    const token = next === undefined ? undefined : encodePageToken([next.node, next.image]);
    return list('ImageOutcomeList', items, coverage, token);
  },
};

export const simulationRoutes: readonly Route[] = [
  postSimulations,
  getSimulations,
  getSimulation,
  getProgress,
  getOutcomes,
];

/** Nodes to ask, in order of name. Throws `Refusal` 404 for a name that nobody knows, and for no node at all. */
function chosen(
  { fleet }: ApiContext,
  pool: string | undefined,
  names: readonly string[] | undefined,
): readonly FleetNode[] {
  const present = [...fleet.members()].filter(({ retired }) => !retired);
  const known = new Map(present.map((node) => [node.name, node]));
  for (const wanted of names ?? []) if (!known.has(wanted)) throw notFound('node', wanted);
  const wanted = names === undefined ? known : new Set(names);
  const nodes = [...known.values()].filter(
    (node) => wanted.has(node.name) && (pool === undefined || node.pool === pool),
  );
  // Of no node at all nothing would be refused.
  if (nodes.length === 0) {
    throw pool === undefined
      ? new Refusal(404, 'notFound', 'there is no node')
      : notFound('pool', pool);
  }
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function find(context: ApiContext, id: string): Promise<SimulationView> {
  const view = await context.simulations.view(id);
  if (view === undefined) throw notFound('simulation', id);
  return view;
}

/** Undefined too while the database is away: who watches comes back. */
async function viewOf(
  { simulations }: ApiContext,
  id: string,
): Promise<SimulationView | undefined> {
  try {
    return await simulations.view(id);
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

function toDetail({ item, result }: SimulationView): SimulationDetail {
  return {
    apiVersion: API_VERSION,
    kind: 'SimulationDetail',
    simulation: item,
    ...(result === undefined ? {} : { result }),
  };
}

function namesOf(nodes: readonly FleetNode[]): ReadonlySet<string> {
  return new Set(nodes.map((node) => node.name));
}
