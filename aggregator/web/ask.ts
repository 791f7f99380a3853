import type {
  CheckDetail,
  CheckList,
  CommandAnswer,
  DriftList,
  EventList,
  FindingList,
  ImageList,
  NodeDetail,
  NodeList,
} from '../../shared/api.ts';
import type { EnrolmentList } from '../../shared/api-admission.ts';
import type { PolicyList, PoolBaseline } from '../../shared/api-pools.ts';
import type { SimulationDetail, SimulationList } from '../../shared/api-simulation.ts';
import type { Json } from '../../shared/canonical.ts';
import { ROUTES } from '../api/index.ts';
import { Query } from '../api/query.ts';
import type { ApiContext } from '../api/route.ts';
import { assertRole } from '../identity/credentials.ts';
import type { Person } from './sessions.ts';

/** What the routes of the API answer that pages ask. */
interface Answers {
  'GET /v1/nodes': NodeList;
  'GET /v1/nodes/:name': NodeDetail;
  'GET /v1/findings': FindingList;
  'GET /v1/images': ImageList;
  'GET /v1/drift': DriftList;
  'GET /v1/events': EventList;
  'GET /v1/checks': CheckList;
  'GET /v1/checks/:name': CheckDetail;
  'GET /v1/policies': PolicyList;
  'GET /v1/policies/:name': PolicyList;
  'GET /v1/pools/:name': PoolBaseline;
  'GET /v1/simulations': SimulationList;
  'GET /v1/simulations/:name': SimulationDetail;
  'POST /v1/simulations': SimulationDetail;
  'GET /v1/enrolments': EnrolmentList;
  'POST /v1/nodes/:name/rescan': CommandAnswer;
}

export interface Question {
  readonly name?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** For the audit log. */
  readonly note?: (detail: Readonly<Record<string, Json>>) => void;
}

/** Asks the API from within, as the person who looks at the page: same functions, same roles, same errors. */
export async function ask<Operation extends keyof Answers>(
  operation: Operation,
  { name = '', query = {}, body, note = () => {} }: Question,
  person: Person,
  context: ApiContext,
): Promise<Answers[Operation]> {
  const route = ROUTES.find(({ method, path }) => `${method} ${path}` === operation);
  if (route === undefined) throw new TypeError(`no route ${operation}`);
  if (route.role !== 'join' && route.role !== 'node') assertRole(person, route.role);
  const given = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  const answer = await route.handle(
    {
      query: new Query(new URLSearchParams(given), route.query, context.clock.nowMs()),
      name,
      body,
      source: 'page',
      caller: person,
      note,
      act: () => {},
      takeOver: () => {
        throw new TypeError(`${operation} does not answer with a value`);
      },
    },
    context,
  );
  // `Answers` says of each route what it answers.
  return answer as Answers[Operation];
}
