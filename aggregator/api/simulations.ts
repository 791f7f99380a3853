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
import type { Simulation } from '../simulations/simulation.ts';
import { decodePageToken, encodePageToken } from '../store/page-token.ts';
import { openEventStream } from './event-stream.ts';
import { list, notFound } from './list.ts';
import type { ApiContext, Route } from './route.ts';
import { readSimulationBody, SIMULATION_BODY } from './simulation-body.ts';

/** How often is told how far a simulation is. */
const TELL_MS = 250;

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
    const simulation = simulations.start({ ...order, strict, onlyRunning });
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
    const items = simulations.list().map(({ item }) => item);
    return list('SimulationList', items, fleet.coverage());
  },
};

const getSimulation: Route = {
  method: 'GET',
  path: '/v1/simulations/:name',
  role: 'viewer',
  summary: 'How far a simulation is, and its result when it is done',
  query: [],
  handle: async ({ name: id }, context) => toDetail(find(context, id)),
};

const getProgress: Route = {
  method: 'GET',
  path: '/v1/simulations/:name/watch',
  role: 'viewer',
  summary: 'How far a simulation is as server-sent events; the stream ends with it',
  query: [],
  async handle(request, context) {
    const simulation = find(context, request.name);
    const stream = openEventStream(request, 'watching', () => clearInterval(timer));
    let told = '';
    const tell = (): void => {
      const { item } = simulation;
      const text = JSON.stringify(item);
      if (text !== told) stream.send('simulation', item);
      told = text;
    };
    const timer = setInterval(tell, TELL_MS);
    tell();
    void simulation.done.then(() => {
      tell();
      stream.end();
    });
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
    const { answers, isRunning, order } = find(context, id);
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

function find({ simulations }: ApiContext, id: string): Simulation {
  const simulation = simulations.get(id);
  if (simulation === undefined) throw notFound('simulation', id);
  return simulation;
}

function toDetail({ item, result }: Simulation): SimulationDetail {
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
