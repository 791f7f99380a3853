import { API_VERSION } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { VERSION } from '../../shared/version.ts';
import type { Route } from './route.ts';

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
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        certificate: { type: 'mutualTLS' },
      },
      responses: {
        problem: {
          description: 'RFC 9457; `code` is stable',
          content: { 'application/problem+json': { schema: PROBLEM } },
        },
      },
    },
    security: [{ bearer: [] }],
  };
}

const PROBLEM: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'code'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
  },
};

const ANY_BODY: Json = { type: 'object' };

const NEEDS: Readonly<Record<Route['role'], string>> = {
  viewer: 'Needs the role viewer.',
  operator: 'Needs the role operator.',
  admin: 'Needs the role admin.',
  join: 'Needs a join token.',
  node: 'Needs the credential of a node.',
};

function describeRoute(route: Route): Json {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = route.query.map((name) => ({
    name,
    in: 'query',
    schema: { type: name === 'limit' ? 'integer' : 'string' },
  }));
  const type = route.path.endsWith('/watch') ? 'text/event-stream' : 'application/json';
  return {
    summary: route.summary,
    description: NEEDS[route.role],
    parameters: [...inPath, ...inQuery],
    ...(route.role === 'join' ? { security: [] } : {}),
    ...(route.role === 'node' ? { security: [{ certificate: [] }] } : {}),
    ...(route.method === 'POST'
      ? { requestBody: { content: { 'application/json': { schema: route.body ?? ANY_BODY } } } }
      : {}),
    responses: {
      [route.status ?? 200]: { description: 'The answer', content: { [type]: {} } },
      default: { $ref: '#/components/responses/problem' },
    },
  };
}
