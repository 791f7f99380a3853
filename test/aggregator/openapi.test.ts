import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import t from 'tap';
import { ROUTES } from '../../aggregator/api/index.ts';
import { describeApi } from '../../aggregator/api/openapi.ts';
import type { NodeDetail } from '../../shared/api.ts';
import { HOSTILE_NAME, runFleet } from '../cli/fleet.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly description: string;
  }[];
  readonly requestBody?: object;
  readonly responses: Readonly<
    Record<string, { readonly content?: Record<string, { schema?: { $ref: string } }> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const document = describeApi(ROUTES) as unknown as Document;
/** The same schemas for whom a member that is not described is a fault; clients must bear one. */
function sealed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(sealed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).map(([name, part]) => [name, sealed(part)] as const);
  const isOpen = 'required' in schema && 'properties' in schema;
  return { ...Object.fromEntries(members), ...(isOpen && { additionalProperties: false }) };
}

const TEXTS = new Set(['/v1/watch', '/v1/simulations/:name/watch', '/openapi.json']);

function operationOf(method: string, path: string): Operation | undefined {
  return document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
}

t.test('the document is OpenAPI 3.1', async (t) => {
  const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  t.ok(valid, JSON.stringify(errors)?.slice(0, 2000));
});

t.test('every route is described: role, parameters, answer, problems', async (t) => {
  const ids = new Set<string>();
  for (const { method, path, query, summary } of ROUTES) {
    const name = `${method} ${path}`;
    const operation = operationOf(method, path);
    if (operation === undefined) {
      t.fail(`${name} is not described`);
      continue;
    }
    t.equal(operation.summary, summary);
    t.match(operation.description, /^Needs /, `${name} says who may`);
    t.notOk(ids.has(operation.operationId), `${operation.operationId} is of one route`);
    ids.add(operation.operationId);
    const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query');
    t.same(
      inQuery.map((parameter) => parameter.name),
      query,
      name,
    );
    for (const parameter of operation.parameters) {
      t.not(parameter.description, '', `${name} says what ${parameter.name} is`);
    }
    t.ok('default' in operation.responses && '401' in operation.responses, name);
    if (TEXTS.has(path)) continue;
    const answers = Object.entries(operation.responses).filter(([status]) => status < '300');
    t.ok(answers.length > 0, `${name} has an answer`);
    for (const [status, { content = {} }] of answers) {
      const [media] = Object.values(content);
      const isJson = 'application/json' in content;
      t.ok(!isJson || media?.schema !== undefined, `${name} ${status} says what it answers`);
    }
  }
  const described = Object.values(document.paths).flatMap((operations) => Object.keys(operations));
  t.equal(described.length, ROUTES.length, 'and nothing else is');
});

t.test('a real aggregator answers as it says', async (t) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'api', components: sealed(document.components) });
  /** Why a value does not fit a schema; nothing when it does. */
  const misfit = (name: string, value: unknown): string => {
    const validate = ajv.getSchema(`api#/components/schemas/${name}`);
    if (validate === undefined) return `there is no schema ${name}`;
    return validate(value) ? '' : ajv.errorsText(validate.errors).slice(0, 1000);
  };
  await using fleet = await runFleet(t.testdir({}), undefined, undefined, [
    { name: 'edge-1', pool: 'edge' },
  ]);
  const { running, agent } = fleet;
  const send = async (method: string, path: string, body?: unknown, token = running.adminToken) => {
    const response = await fetch(`${running.url}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const type = response.headers.get('content-type') ?? '';
    const text = await response.text();
    return { status: response.status, type, body: type.includes('json') ? JSON.parse(text) : text };
  };
  const policies = (await send('GET', '/v1/policies')).body as { items: { digest: string }[] };
  const join = (await send('POST', '/v1/tokens', { kind: 'join', name: 'j' })).body as {
    token: string;
  };
  const user = (await send('POST', '/v1/tokens', { kind: 'user', name: 'u' })).body as {
    item: { id: string };
    token: string;
  };
  const viewer = (await send('POST', '/v1/tokens', { kind: 'user', name: 'v' })).body as {
    token: string;
  };
  const candidate = { candidate: { policy: '{"default":[{"type":"reject"}]}' } };
  const begun = await send('POST', '/v1/simulations', candidate);
  const { simulation } = begun.body as { simulation: { id: string } };
  // The stream ends with the simulation.
  await send('GET', `/v1/simulations/${simulation.id}/watch`);
  const names: Readonly<Record<string, string>> = {
    nodes: 'node-1',
    findings: 'selinux.enforcing',
    images: 'quay.io/team/app:v1',
    events: 'node-1',
    drift: '/etc/containers/policy.json',
    checks: 'selinux.enforcing',
    policies: policies.items[0]?.digest ?? '',
    pools: 'default',
    tokens: user.item.id,
    simulations: simulation.id,
  };
  const bodies: Readonly<Record<string, unknown>> = {
    'POST /v1/tokens': { kind: 'user', name: 'x' },
    'POST /v1/simulations': candidate,
    'POST /v1/enroll': { token: join.token, name: 'new-1' },
  };
  // What a certificate is needed for is shown by the tests of identity.
  const ELSEWHERE = new Set(['GET /v1/watch', 'GET /v1/simulations/:name/watch', 'POST /v1/renew']);
  const answering = async (): Promise<void> => {
    for (;;) {
      const { id } = await agent.next('command');
      agent.send({
        type: 'result',
        id,
        part: 1,
        of: 1,
        ok: true,
        data: { name: 'agent-log.json' },
      });
    }
  };
  answering().catch(() => undefined);
  // What ends the node or the token comes last.
  const order = (path: string): number => (/retire|revoke|approve|:name$/.test(path) ? 1 : 0);
  for (const { method, path } of [...ROUTES].sort((a, b) => order(a.path) - order(b.path))) {
    const name = `${method} ${path}`;
    if (ELSEWHERE.has(name)) continue;
    const collection = path.split('/')[2] ?? '';
    const target = path.replace(':name', encodeURIComponent(names[collection] ?? ''));
    const found = await send(method, target, bodies[name]);
    const schema = operationOf(method, path)?.responses[found.status]?.content?.['application/json']
      ?.schema?.$ref;
    t.ok(
      found.status < 300,
      `${name}: ${found.status} ${JSON.stringify(found.body).slice(0, 300)}`,
    );
    if (path.startsWith('/v1/exports/')) {
      // Their content is held against the published schemas by tests of their own.
      const [media = 'none'] = Object.keys(
        operationOf(method, path)?.responses[200]?.content ?? {},
      );
      t.match(found.type, media, name);
      continue;
    }
    if (path === '/openapi.json') {
      t.same(found.body, JSON.parse(JSON.stringify(document)));
      continue;
    }
    t.equal(misfit(schema?.split('/').at(-1) ?? '', found.body), '', name);
  }
  // One that never came, and one that was retired and so lost its session.
  t.equal(misfit('Node', (await send('GET', '/v1/nodes/edge-1')).body), '', 'never seen');
  await agent.closed;
  for (let gone: NodeDetail | undefined; gone?.session.connected !== false; ) {
    gone = (await send('GET', '/v1/nodes/node-1')).body as NodeDetail;
    t.equal(misfit('Node', gone), '', 'gone');
    if (!gone.session.connected) t.ok(gone.session.lastWords, 'with its last words');
  }

  const problems: readonly (readonly [
    method: string,
    path: string,
    body: unknown,
    token: string,
    status: number,
  ])[] = [
    ['GET', '/v1/nodes?limit=x', undefined, running.adminToken, 400],
    ['GET', '/v1/nodes?nod=x', undefined, running.adminToken, 400],
    ['GET', '/v1/findings?result=bad', undefined, running.adminToken, 400],
    ['GET', '/v1/findings?asOf=soon', undefined, running.adminToken, 400],
    ['GET', '/v1/events?continue=rubbish', undefined, running.adminToken, 400],
    ['GET', `/v1/nodes/${encodeURIComponent(HOSTILE_NAME)}`, undefined, running.adminToken, 404],
    ['GET', '/v1/nothing', undefined, running.adminToken, 404],
    ['GET', '/v1/nodes', undefined, '', 401],
    ['GET', '/v1/nodes', undefined, 'wrong', 401],
    ['GET', '/v1/audit', undefined, viewer.token, 403],
    ['POST', '/v1/tokens', { kind: 'none' }, running.adminToken, 400],
    ['POST', '/v1/tokens', 'rubbish', running.adminToken, 400],
    ['POST', '/v1/enroll', {}, '', 400],
    ['POST', '/v1/enroll', { token: 'a', name: 'b' }, '', 401],
    ['POST', '/v1/nodes/edge-1/rescan', undefined, running.adminToken, 409],
    ['DELETE', '/v1/tokens/none', undefined, running.adminToken, 404],
  ];
  for (const [method, path, body, token, status] of problems) {
    const found = await send(method, path, body, token);
    t.equal(found.status, status, `${method} ${path}: ${JSON.stringify(found.body)}`);
    t.match(found.type, 'application/problem+json');
    t.equal(misfit('Problem', found.body), '', `${method} ${path}`);
    t.match(found.body, { type: 'about:blank', status });
  }
});
