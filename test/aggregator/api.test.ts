// One piece: every route over one fleet, which is made once.
import t, { type Test } from 'tap';
import type { CheckList, FindingItem, WatchMessage } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import { hashItems } from '../../shared/report.ts';
import type { Result } from '../../shared/results.ts';
import { AgentClient, event, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';

function rule(ruleId: string, result: string, severity: string, subject?: string): Json {
  return {
    ruleId,
    checkId: ruleId.split('.')[0] ?? '',
    title: `title of ${ruleId}`,
    ...(subject === undefined ? {} : { subject }),
    result,
    severity,
    message: 'seen',
    observed: { mode: 'permissive' },
    remediation: { kind: 'MachineConfig', text: 'do' },
    mappings: [{ framework: 'CIS', id: '1.2.3', basis: 'derived' }],
  };
}

function image(reference: string, verdict: string): Json {
  return {
    imageId: 'abc',
    reference,
    digest: 'sha256:00',
    verdict,
    signedBy: [],
    scope: 'default',
    requirements: [],
    signatures: [],
    source: 'none',
    pods: [],
  };
}

function file(path: string, kind: string): Json {
  return { path, sha256: 'sha256:1', mode: 420, uid: 0, gid: 0, class: kind };
}

const CHECKS = new Map<string, Json>([
  ['selinux.mode', rule('selinux.mode', 'fail', 'critical')],
  ['fips.enabled', rule('fips.enabled', 'pass', 'high')],
  ['seccomp.pod a', rule('seccomp.pod', 'fail', 'low', 'a')],
  ['seccomp.pod b', rule('seccomp.pod', 'unknown', 'low', 'b')],
]);
const IMAGES = new Map<string, Json>([
  ['1', image('quay.io/a:1', 'accepted')],
  ['2', image('quay.io/b:1', 'rejected')],
  ['3', image('quay.io/c:1', 'unenforced')],
]);
const FILES = new Map<string, Json>([
  ['/etc/a', file('/etc/a', 'managed-drift')],
  ['/etc/b', file('/etc/b', 'managed')],
  ['/etc/c', file('/etc/c', 'vendor-modified')],
]);
const TRUST = new Map<string, Json>([['policy', { path: '/etc/containers/policy.json' }]]);

/** A node that has reported all it has. */
async function report(server: RunningAggregator): Promise<AgentClient> {
  const agent = await AgentClient.connect(server.url, server.agentToken);
  for (const [section, items] of [
    ['checks', CHECKS],
    ['images', IMAGES],
    ['files', FILES],
    ['trust', TRUST],
  ] as const) {
    agent.send(state(section, items));
    await agent.next('stateApplied', (frame) => frame.section === section);
  }
  agent.events([1, 2]);
  await agent.next('ack', (ack) => ack.sequence === 2);
  return agent;
}

const names = (body: unknown, member: string): readonly unknown[] =>
  (body as { items: readonly Record<string, unknown>[] }).items.map((item) => item[member]);

t.test('a fleet of which one node reports', async (t) => {
  await using server = await runAggregator(t.testdir(), {
    inventory: [{ name: 'node-2', pool: 'infra' }],
  });
  const agent = await report(server);
  const coverage = {
    expected: 2,
    reporting: 1,
    missing: [{ node: 'node-2', cause: 'never seen' }],
  };

  await t.test('lists its nodes, worst first', async (t) => {
    const { body } = await server.get('/v1/nodes');
    t.match(body, {
      apiVersion: 'nodeseal.dev/v1',
      kind: 'NodeList',
      items: [
        {
          name: 'node-1',
          pool: 'default',
          state: 'online',
          results: { pass: 1, fail: 2, unknown: 1, error: 0, notapplicable: 0, notchecked: 0 },
          worst: 'fail',
          drift: 1,
          images: { accepted: 1, unenforced: 1, rejected: 1, unknown: 0 },
          lastSeen: /^2\d{3}-.*Z$/,
          agentVersion: '0.1.0',
        },
        { name: 'node-2', pool: 'infra', state: 'expected', worst: 'notchecked', lastSeen: null },
      ],
      coverage,
    });
    const cases = [
      ['state=expected', ['node-2'], 2],
      ['state=online,late', ['node-1'], 2],
      ['result=fail', ['node-1'], 2],
      ['pool=infra', ['node-2'], 1],
      ['node=node-1', ['node-1'], 1],
      ['node=node-9', [], 0],
    ] as const;
    for (const [query, expected, expectedNodes] of cases) {
      const { body } = await server.get(`/v1/nodes?${query}`);
      t.same(names(body, 'name'), expected, query);
      t.match(body, { coverage: { expected: expectedNodes } }, query);
    }
  });

  await t.test('lists its findings, worst first', async (t) => {
    const { body } = await server.get('/v1/findings');
    t.match(body, { kind: 'FindingList', coverage });
    t.same(names(body, 'ruleId'), ['selinux.mode', 'seccomp.pod', 'seccomp.pod', 'fips.enabled']);
    const [first] = (body as { items: readonly FindingItem[] }).items;
    t.same(first, { ...(CHECKS.get('selinux.mode') as object), node: 'node-1' });
    const cases = [
      ['result=fail', 2],
      ['result=fail,unknown', 3],
      ['severity=critical', 1],
      ['rule=seccomp.pod', 2],
      ['node=node-1&result=pass', 1],
      ['node=node-2', 0],
    ] as const;
    for (const [query, count] of cases) {
      t.equal(names((await server.get(`/v1/findings?${query}`)).body, 'node').length, count, query);
    }
    t.match((await server.get('/v1/findings?node=node-2')).body, {
      coverage: { expected: 1, reporting: 0, missing: [{ node: 'node-2' }] },
    });
  });

  await t.test('gives a long list page by page', async (t) => {
    for (const [path, count] of [
      ['/v1/findings', 4],
      ['/v1/images', 3],
      ['/v1/nodes', 2],
      ['/v1/events', 2],
    ] as const) {
      const seen: unknown[] = [];
      let next: string | undefined = '';
      while (next !== undefined) {
        const from: string = next === '' ? '' : `&continue=${next}`;
        const { body } = await server.get(`${path}?limit=1${from}`);
        const page = body as { items: readonly unknown[]; continue?: string };
        t.equal(page.items.length, 1);
        seen.push(...page.items);
        next = page.continue;
      }
      t.equal(seen.length, count);
      t.same(seen, ((await server.get(path)).body as { items: unknown }).items, path);
    }
  });

  await t.test('lists images, drift, checks, policies and events', async (t) => {
    const images = await server.get('/v1/images');
    t.match(images.body, { kind: 'ImageVerdictList', coverage });
    t.same(names(images.body, 'verdict'), ['rejected', 'unenforced', 'accepted']);
    const rejected = await server.get('/v1/images?verdict=rejected&reference=quay.io/b:1');
    t.same(names(rejected.body, 'reference'), ['quay.io/b:1']);
    const byName = [
      ['/v1/findings/seccomp.pod', 2],
      [`/v1/images/${encodeURIComponent('quay.io/b:1')}`, 1],
      ['/v1/drift/%2Fetc%2Fa', 1],
      ['/v1/events/node-1?kind=file.changed', 2],
    ] as const;
    for (const [path, count] of byName) {
      t.equal(names((await server.get(path)).body, 'node').length, count, path);
    }
    const [digest] = names((await server.get('/v1/policies')).body, 'digest');
    t.same(names((await server.get(`/v1/policies/${digest}`)).body, 'digest'), [digest]);
    for (const type of ['findings', 'images', 'drift', 'events', 'policies']) {
      t.match(await server.get(`/v1/${type}/nothing`), { status: 404, body: { code: 'notFound' } });
    }
    const drift = await server.get('/v1/drift');
    t.match(drift.body, { kind: 'DriftList', coverage });
    t.same(names(drift.body, 'path'), ['/etc/a', '/etc/c']);
    const modified = await server.get('/v1/drift?class=vendor-modified');
    t.same(names(modified.body, 'path'), ['/etc/c']);
    t.match((await server.get('/v1/checks')).body, {
      kind: 'CheckList',
      items: [
        { ruleId: 'selinux.mode', severity: 'critical', nodes: { fail: 1 }, worst: 'fail' },
        { ruleId: 'seccomp.pod', nodes: { fail: 1, unknown: 1 }, worst: 'fail' },
        { ruleId: 'fips.enabled', title: 'title of fips.enabled', worst: 'pass' },
      ],
    });
    t.match((await server.get('/v1/checks/seccomp.pod')).body, {
      kind: 'Check',
      check: { ruleId: 'seccomp.pod' },
      findings: [{ subject: 'a' }, { subject: 'b' }],
    });
    t.match((await server.get('/v1/policies')).body, {
      kind: 'PolicyList',
      items: [{ digest: /^sha256:/, nodes: ['node-1'], policy: TRUST.get('policy') }],
    });
    t.match((await server.get('/v1/events?since=1h&class=high')).body, {
      kind: 'EventList',
      items: [{ node: 'node-1', epoch: 'epoch-1', sequence: 2 }, { sequence: 1 }],
    });
    t.same(names((await server.get('/v1/events?since=2099-01-01T00:00:00Z')).body, 'node'), []);
  });

  await t.test('describes one node', async (t) => {
    const { body } = await server.get('/v1/nodes/node-1');
    t.match(body, {
      kind: 'Node',
      node: { name: 'node-1', state: 'online' },
      sections: { files: Object.fromEntries(FILES), trust: Object.fromEntries(TRUST), host: {} },
      findings: [{ ruleId: 'selinux.mode' }, {}, {}, {}],
      images: [{ verdict: 'rejected' }, {}, {}],
      events: [{ sequence: 2 }, { sequence: 1 }],
      session: { connected: true, unsentRecords: 0, lostRecords: 0 },
    });
    const before = await server.get('/v1/nodes/node-1?asOf=2020-01-01T00:00:00Z');
    t.match(before.body, { sections: { files: {} }, findings: [], images: [] });
    t.match((await server.get('/v1/nodes/node-2')).body, {
      node: { state: 'expected' },
      findings: [],
      session: { connected: false, since: null },
    });
  });

  await t.test('refuses what it does not understand, with the nearest word', async (t) => {
    const cases: readonly (readonly [string, number, object])[] = [
      ['/v1/findings?sevrity=high', 400, { code: 'unknownParameter', detail: /"severity"/ }],
      ['/v1/findings?severity=hihg', 400, { code: 'badParameter', detail: /"high"/ }],
      ['/v1/findings?severity=', 200, {}],
      ['/v1/findings?result=zzzzzz', 400, { detail: /pass, fail, error/ }],
      ['/v1/findings?node=a&node=b', 400, { detail: /twice/ }],
      ['/v1/findings?node=node-9', 404, { code: 'notFound', detail: /"node-9"/ }],
      ['/v1/findings?limit=0', 400, { detail: /limit/ }],
      ['/v1/findings?limit=1e3', 400, { detail: /limit/ }],
      ['/v1/findings?limit=99999999', 200, {}],
      ['/v1/findings?continue=nonsense', 400, { code: 'badParameter', detail: /continue/ }],
      ['/v1/nodes?continue=WyJ4Il0', 400, { code: 'badParameter' }],
      ['/v1/events?since=yesterday', 400, { detail: /since/ }],
      ['/v1/events?class=high,low', 400, { detail: /one value/ }],
      ['/v1/nodes/nobody', 404, { code: 'notFound' }],
      ['/v1/nodes/%2e%2e%2fetc', 404, { code: 'notFound' }],
      ['/v1/checks/no.rule', 404, { code: 'notFound' }],
      ['/v1/nothing', 404, { code: 'notFound' }],
      ['/v1/watch?topic=nods', 400, { detail: /"nodes"/ }],
      [`/v1/findings?node=${'x'.repeat(5000)}`, 400, { detail: /longer/ }],
      [`/v1/findings?node=${'x'.repeat(9000)}`, 431, {}],
    ];
    for (const [path, status, problem] of cases) {
      const answer = await server.get(path);
      t.equal(answer.status, status, path.slice(0, 60));
      if (status === 400 || status === 404) {
        t.match(answer.type, 'application/problem+json');
        t.match(answer.body, { type: 'about:blank', status, title: /./, ...problem });
      }
    }
  });

  await t.test('tells watchers of what changes', async (t) => {
    const watched = await watch(t, server, '/v1/watch?topic=findings,events');
    const items = new Map([...CHECKS].filter(([key]) => key !== 'seccomp.pod b'));
    items.set('fips.enabled', rule('fips.enabled', 'fail', 'high'));
    agent.send({
      ...state('checks', items),
      mode: 'delta',
      base: hashItems(CHECKS),
      upsert: [['fips.enabled', items.get('fips.enabled') ?? null]],
      remove: ['seccomp.pod b'],
    });
    agent.events([3]);
    t.match(await watched(3), [
      { topic: 'findings', change: 'set', item: { ruleId: 'fips.enabled', result: 'fail' } },
      { topic: 'findings', change: 'removed', item: { ruleId: 'seccomp.pod', subject: 'b' } },
      { topic: 'events', change: 'set', item: { node: 'node-1', sequence: 3 } },
    ]);
  });

  await t.test('passes a command on and the answer back', async (t) => {
    const asked = server.post('/v1/nodes/node-1/rescan');
    const command = await agent.next('command');
    t.match(command, { verb: 'rescan', arguments: {} });
    const { id } = command;
    agent.send({ type: 'result', id: 'another', part: 1, of: 1, ok: true });
    agent.send({ type: 'result', id, part: 1, of: 2, ok: true, data: { rules: 4 } });
    agent.send({ type: 'result', id, part: 2, of: 2, ok: true, data: { images: 3 } });
    t.match(await asked, {
      status: 200,
      body: { kind: 'CommandResult', node: 'node-1', data: [{ rules: 4 }, { images: 3 }] },
    });
    const refused = server.post('/v1/nodes/node-1/rescan');
    const second = await agent.next('command');
    agent.send({ type: 'result', id: second.id, part: 1, of: 1, ok: false, error: 'not allowed' });
    t.match(await refused, { status: 409, body: { code: 'nodeRefused', detail: 'not allowed' } });
    t.match(await server.post('/v1/nodes/node-2/rescan'), {
      status: 409,
      body: { code: 'notConnected' },
    });
    t.match(await server.post('/v1/nodes/nobody/rescan'), { status: 404 });
    const cut = server.post('/v1/nodes/node-1/rescan');
    await agent.next('command');
    agent.socket.terminate();
    t.match(await cut, { status: 502, body: { code: 'nodeDisconnected' } });
  });

  await t.test('describes its API, which is what it does', async (t) => {
    const { body } = await server.get('/openapi.json');
    t.match(body, {
      openapi: '3.1.0',
      paths: { '/v1/findings': { get: { parameters: [{ name: 'limit', in: 'query' }] } } },
    });
    type Operations = Record<string, { parameters: readonly { name: string; in: string }[] }>;
    const { paths } = body as { paths: Record<string, Operations> };
    for (const [path, operations] of Object.entries(paths)) {
      if (operations['get'] === undefined || path === '/v1/watch') continue;
      const { parameters } = operations['get'];
      const query = parameters.filter((parameter) => parameter.in === 'query');
      const asked = query.map(({ name }) => `${name}=`).join('&');
      const { status } = await server.get(`${path.replace('{name}', 'nothing')}?${asked}`);
      t.ok(status === 200 || status === 404, `${path}?${asked}: ${status}`);
    }
  });

  await t.test('shows its metrics in OpenMetrics', async (t) => {
    const { body, type } = await server.get('/metrics');
    t.match(type, 'application/openmetrics-text');
    const text = String(body);
    for (const line of [
      'nodeseal_nodes{state="online"} 1',
      'nodeseal_nodes{state="expected"} 1',
      'nodeseal_nodes_expected 2',
      'nodeseal_nodes_reporting 1',
      'nodeseal_node_state{node="node-1",state="online"} 1',
      'nodeseal_node_state{node="node-1",state="silent"} 0',
      'nodeseal_findings{severity="critical",check="selinux.mode"} 1',
      'nodeseal_images{verdict="rejected"} 1',
      'nodeseal_drift_open 1',
      'nodeseal_ingest_events_total 3',
      'nodeseal_sessions 0',
      'nodeseal_identity_conflicts 0',
      '# EOF',
    ]) {
      t.ok(text.split('\n').includes(line), line);
    }
    for (const name of ['db_size_bytes', 'commit_seconds_count', 'ingest_lag_seconds_count']) {
      t.match(text, new RegExp(`^nodeseal_${name} [1-9]`, 'm'));
    }
  });
});

t.test('a caller', async (t) => {
  await using server = await runAggregator(t.testdir());
  const paths = ['/v1/nodes', '/v1/watch', '/metrics', '/v1/nothing', '/nothing', '/openapi.json'];

  await t.test('without a credential sees health only', async (t) => {
    t.match(await server.get('/healthz', null), { status: 200, body: { status: 'ok' } });
    t.match(await server.get('/readyz', null), { status: 200, body: { status: 'ok' } });
    t.match(await server.get('/readyz?verbose', null), {
      status: 200,
      body: { checks: [{ name: 'store', ok: true }] },
    });
    for (const path of paths) {
      t.match(
        await server.get(path, null),
        { status: 401, body: { code: 'credentialMissing' } },
        path,
      );
    }
  });

  await t.test('with a node’s credential cannot ask', async (t) => {
    t.match(await server.get('/v1/nodes', server.agentToken), {
      status: 403,
      body: { code: 'forbidden' },
    });
  });

  await t.test('with an unknown credential is refused, and after many slowed down', async (t) => {
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 30; attempt++) {
      const token = `${server.adminToken.slice(0, -1)}${attempt % 2 === 0 ? '-' : '_'}`;
      if (token === server.adminToken) continue;
      statuses.add((await server.get('/v1/nodes', token)).status);
    }
    t.same([...statuses], [401, 429]);
    t.equal((await server.get('/v1/nodes')).status, 200, 'which does not keep others out');
  });

  await t.test('who sends too much is refused', async (t) => {
    const large = await server.post('/v1/enroll', { name: 'x'.repeat(1_100_000) });
    t.match(large, { status: 413, body: { status: 413 } });
  });
});

t.test('a node that enrols', async (t) => {
  await using server = await runAggregator(t.testdir());
  const { readFile } = await import('node:fs/promises');
  const join = (await readFile(server.aggregator.tokenFiles.join, 'utf8')).trim();
  const enrol = (body: unknown): ReturnType<typeof server.post> =>
    server.post('/v1/enroll', body, '');
  const { status, body } = await enrol({ token: join, name: 'rhel-17' });
  t.equal(status, 200);
  t.match(body, { kind: 'Enrolled', node: 'rhel-17', uid: /^[0-9a-f-]{36}$/, token: /^nsa_/ });
  const agent = await AgentClient.connect(server.url, (body as { token: string }).token);
  agent.send({ type: 'events', epoch: 'epoch-1', items: [event(1)] });
  await agent.next('ack');
  t.match(await server.get('/v1/events'), { body: { items: [{ node: 'rhel-17' }] } });
  const cases: readonly (readonly [string, unknown, number, string])[] = [
    ['again under its name', { token: join, name: 'rhel-17' }, 409, 'nameTaken'],
    ['under a name of another', { token: join, name: 'node-1' }, 409, 'nameTaken'],
    ['under a path', { token: join, name: '../admin' }, 400, 'badName'],
    ['under no name', { token: join, name: '' }, 400, 'badName'],
    ['with another token', { token: server.adminToken, name: 'a' }, 401, 'joinToken'],
    ['with nothing', {}, 400, 'badRequest'],
    ['with no object', [1], 400, 'badRequest'],
  ];
  for (const [name, request, expected, code] of cases) {
    t.match(await enrol(request), { status: expected, body: { code } }, name);
  }
  t.match(await server.get('/v1/nodes', join), { status: 401 }, 'the join token reads nothing');
});

t.test('an administrator', async (t) => {
  await using server = await runAggregator(t.testdir());
  const remove = async (id: string): Promise<{ status: number; body: unknown }> => {
    const headers = { authorization: `Bearer ${server.adminToken}` };
    const response = await fetch(`${server.url}/v1/tokens/${id}`, { method: 'DELETE', headers });
    return { status: response.status, body: await response.json() };
  };
  const create = async (
    body: object,
  ): Promise<{ readonly item: { readonly id: string }; readonly token: string }> => {
    const answer = await server.post('/v1/tokens', body);
    t.equal(answer.status, 200);
    return answer.body as { item: { id: string }; token: string };
  };

  await t.test('gives people tokens that do what their role says', async (t) => {
    const viewer = await create({ kind: 'user', name: 'ann' });
    const operator = await create({ kind: 'user', name: 'bob', role: 'operator', ttlSeconds: 60 });
    t.match(viewer, { kind: 'TokenCreated', item: { kind: 'user', name: 'ann', role: 'viewer' } });
    t.match(operator, { item: { role: 'operator', expiresAt: /Z$/ } });
    t.equal((await server.get('/v1/nodes', viewer.token)).status, 200);
    t.equal((await server.get('/v1/tokens', viewer.token)).status, 403);
    t.equal((await server.post('/v1/nodes/node-1/rescan', undefined, viewer.token)).status, 403);
    t.equal((await server.post('/v1/nodes/node-1/rescan', undefined, operator.token)).status, 409);
    t.equal((await server.post('/v1/nodes/node-1/retire', undefined, operator.token)).status, 403);
    const { body } = await server.get('/v1/tokens');
    t.same(names(body, 'name'), ['node-1', 'join', 'admin', 'ann', 'bob']);
    t.notOk(JSON.stringify(body).includes(viewer.token.split('.')[1] ?? ''));
    t.match(await remove(viewer.item.id), { status: 200, body: { tokens: [{ name: 'ann' }] } });
    t.equal((await server.get('/v1/nodes', viewer.token)).status, 401);
    t.match(await remove(viewer.item.id), { status: 404, body: { code: 'notFound' } });
  });

  await t.test('is told what is wrong with a wish', async (t) => {
    const cases: readonly (readonly [object, number, string])[] = [
      [{}, 400, 'badRequest'],
      [{ kind: 'root', name: 'x' }, 400, 'badRequest'],
      [{ kind: 'user', name: 'x', role: 'god' }, 400, 'badRequest'],
      [{ kind: 'user', name: 'x', ttlSeconds: 0 }, 400, 'badRequest'],
      [{ kind: 'agent', name: 'x', pool: 'a/b' }, 400, 'badRequest'],
      [{ kind: 'user', name: 'x', rloe: 'viewer' }, 400, 'badRequest'],
      [{ kind: 'agent', name: 'a/b' }, 400, 'badName'],
      [{ kind: 'agent', name: 'node-1' }, 409, 'nameTaken'],
      [{ kind: 'user', name: 'admin' }, 409, 'nameTaken'],
    ];
    for (const [body, status, code] of cases) {
      t.match(
        await server.post('/v1/tokens', body),
        { status, body: { code } },
        JSON.stringify(body),
      );
    }
  });

  await t.test('lets nodes in and cuts them off', async (t) => {
    const { item, token } = await create({ kind: 'agent', name: 'node-2', pool: 'infra' });
    t.match(await server.get('/v1/nodes?node=node-2'), {
      body: { items: [{ state: 'expected', pool: 'infra' }] },
    });
    const agent = await AgentClient.connect(server.url, token);
    await remove(item.id);
    t.equal(await agent.closed, 4003);
  });

  await t.test('retires a node', async (t) => {
    const agent = await report(server);
    t.match(await server.post('/v1/nodes/node-1/retire'), {
      status: 200,
      body: { kind: 'Revoked', tokens: [{ name: 'node-1' }] },
    });
    t.equal(await agent.closed, 4003);
    t.match((await server.get('/v1/nodes?node=node-1')).body, {
      items: [{ state: 'retired' }],
      coverage: { expected: 0 },
    });
    t.same(names((await server.get('/v1/findings')).body, 'node'), []);
    t.equal((await server.get('/v1/events?node=node-1')).status, 200, 'whose history stays');
    const { token } = await create({ kind: 'agent', name: 'node-3' });
    t.match(await server.post('/v1/nodes/node-3/retire'), { status: 200 });
    t.equal((await server.get('/v1/nodes/node-3')).status, 404, 'that never was is forgotten');
    t.equal((await server.get('/v1/nodes', token)).status, 401);
  });
});

/** Opens a watch; what it returns waits for so many messages. */
async function watch(
  t: Test,
  server: RunningAggregator,
  path: string,
): Promise<(count: number) => Promise<readonly WatchMessage[]>> {
  const ended = new AbortController();
  t.teardown(() => ended.abort());
  const response = await fetch(`${server.url}${path}`, {
    headers: { authorization: `Bearer ${server.adminToken}` },
    signal: ended.signal,
  });
  t.match(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) text += (await reader?.read())?.value ?? '';
  };
  await read(() => text.includes(': watching\n\n'));
  return async (count) => {
    const messages = (): readonly WatchMessage[] =>
      [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, topic, data]) => {
        const message = JSON.parse(data ?? '') as WatchMessage;
        t.equal(message.topic, topic);
        return message;
      });
    await read(() => (text.match(/^data: .*\n\n/gm) ?? []).length >= count);
    return messages();
  };
}

t.test('a former time is answered for, with what was known of it', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await report(server);
  const then = new Date().toISOString();
  // What comes now comes later than that.
  while (Date.now() <= Date.parse(then));
  for (const section of ['checks', 'images', 'files'] as const) {
    agent.send(state(section, new Map()));
    await agent.next('stateApplied', (frame) => frame.section === section);
  }
  for (const [path, count] of [
    ['findings', 4],
    ['images', 3],
    ['drift', 2],
  ] as const) {
    t.match((await server.get(`/v1/${path}`)).body, { items: { length: 0 } }, path);
    t.match(
      (await server.get(`/v1/${path}?asOf=${then}`)).body,
      { items: { length: count }, coverage: { expected: 1, reporting: 1, missing: [] } },
      `${path} as of then`,
    );
    t.match(
      (await server.get(`/v1/${path}?asOf=2020-01-01T00:00:00Z`)).body,
      { items: { length: 0 }, coverage: { expected: 0, reporting: 0 } },
      `${path} before there was a node`,
    );
  }
  t.match((await server.get(`/v1/findings?asOf=${then}&result=fail&severity=critical`)).body, {
    items: [{ node: 'node-1', ruleId: 'selinux.mode' }],
  });
  t.match(await server.get(`/v1/findings?asOf=${then}&node=nobody`), { status: 404 });
  t.match(await server.get('/v1/findings?asOf=yesterday'), { status: 400 });
});

t.test('what a silent node said last is shown as such', async (t) => {
  const dir = t.testdir();
  {
    await using server = await runAggregator(dir);
    const agent = await report(server);
    t.notMatch((await server.get('/v1/findings')).body, { items: [{ nodeState: /./ }] });
    await agent.close();
  }
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(`${dir}/nodeseal.db`);
  database.exec(`UPDATE node SET last_seen = ${Date.now() - 2 * 86_400_000}`);
  database.close();
  await using server = await runAggregator(dir);
  t.match((await server.get('/v1/nodes')).body, {
    items: [{ state: 'stale', worst: 'fail', results: { pass: 0, unknown: 2 } }],
    coverage: { expected: 1, reporting: 0, missing: [{ cause: /^stale since/ }] },
  });
  for (const path of ['/v1/findings', '/v1/images', '/v1/drift']) {
    t.match(
      (await server.get(path)).body,
      { items: [{ node: 'node-1', nodeState: 'stale' }] },
      path,
    );
  }
  const { items } = (await server.get('/v1/checks')).body as CheckList;
  const sum = (result: Result): number => items.reduce((all, { nodes }) => all + nodes[result], 0);
  t.same([sum('pass'), sum('unknown')], [0, 2], 'as of nodes, so of rules');
  t.notOk(items.some(({ worst }) => worst === 'pass'));
});
