import { API_VERSION } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { VERSION } from '../../shared/version.ts';
import { ANSWERS, BODIES, PENDING } from './answers.ts';
import { queryParameter } from './parameters.ts';
import type { Route } from './route.ts';
import { ref } from './schema.ts';
import { SCHEMAS } from './schemas.ts';

/** The API as OpenAPI 3.1, made from the routes themselves. */
export function describeApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    const operations = paths[path] ?? {};
    paths[path] = operations;
    operations[route.method.toLowerCase()] = describeRoute(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'nodeseal aggregator',
      version: VERSION,
      description: `Answers say ${API_VERSION}. Members may be added; those that are there stay.`,
    },
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        certificate: { type: 'mutualTLS' },
      },
      responses: {
        problem: {
          description: 'RFC 9457; `code` is stable',
          content: { 'application/problem+json': { schema: ref('Problem') } },
        },
      },
    },
    security: [{ bearer: [] }, { certificate: [] }],
  };
}

const NEEDS: Readonly<Record<Route['role'], string>> = {
  viewer: 'Needs the role viewer.',
  operator: 'Needs the role operator.',
  admin: 'Needs the role admin.',
  join: 'Needs a join token.',
  node: 'Needs the credential of a node.',
};

function describeRoute(route: Route): Json {
  const key = `${route.method} ${route.path}`;
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: 'Name or id',
    schema: { type: 'string' },
  }));
  const type = route.produces ?? 'application/json';
  const answer = ANSWERS[key];
  const named = BODIES[key];
  const body = route.body ?? (named === undefined ? undefined : ref(named));
  return {
    operationId: operationId(route),
    summary: route.summary,
    description: NEEDS[route.role],
    parameters: [...inPath, ...route.query.map(queryParameter)],
    ...(route.role === 'join' ? { security: [] } : {}),
    ...(route.role === 'node' ? { security: [{ certificate: [] }] } : {}),
    ...(body === undefined
      ? {}
      : { requestBody: { content: { 'application/json': { schema: body } } } }),
    responses: {
      [route.status ?? 200]: {
        description: 'The answer',
        content: { [type]: answer === undefined ? {} : { schema: ref(answer) } },
      },
      ...(PENDING.has(key)
        ? {
            202: {
              description: 'To be asked again: an administrator has to approve the node',
              content: { 'application/json': { schema: ref('EnrolmentPending') } },
            },
          }
        : {}),
      ...Object.fromEntries(problemsOf(route).map((status) => [status, PROBLEM])),
      default: PROBLEM,
    },
  };
}

const PROBLEM: Json = { $ref: '#/components/responses/problem' };

/** Statuses that a caller has to reckon with; others are told by `default`. */
function problemsOf({ role, path, query, method }: Route): readonly number[] {
  const isRead = query.length > 0 || method === 'POST';
  return [
    ...(isRead ? [400] : []),
    401,
    ...(role === 'viewer' ? [] : [403]),
    ...(path.includes(':') ? [404] : []),
  ];
}

/** `getNodesByName`, for generated clients. */
function operationId({ method, path }: Route): string {
  const words = path.match(/:?\w+/g) ?? [];
  const named = words
    .filter((word) => word !== 'v1')
    .map((word) => (word.startsWith(':') ? `by-${word.slice(1)}` : word));
  return `${method.toLowerCase()}-${named.join('-')}`.replaceAll(/-(\w)/g, (_, letter: string) =>
    letter.toUpperCase(),
  );
}
