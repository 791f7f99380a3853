// One piece: one fleet of every kind of node, and all that is asked of it.
import t from 'tap';
import { configSchema } from '../../aggregator/config.ts';
import type { SimulationDetail, SimulationItem } from '../../shared/api-simulation.ts';
import { systemClock } from '../../shared/clock.ts';
import { parseConfig } from '../../shared/config.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import { AgentClient } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import {
  ACCEPT_ALL,
  AskableNode,
  outcome,
  REJECT_ALL,
  reported,
  simulationOf,
} from '../support/simulations.ts';

const { limits } = parseConfig('', 'test', configSchema);
const PATH = '/v1/simulations';
const rejectAll = { candidate: { policy: REJECT_ALL } };

async function tokenOf(
  server: RunningAggregator,
  kind: 'agent' | 'user',
  name: string,
  more: object = {},
): Promise<string> {
  const { body } = await server.post('/v1/tokens', { kind, name, ...more });
  return (body as { token: string }).token;
}

async function begin(server: RunningAggregator, body: unknown, token?: string): Promise<string> {
  const answer = await server.post(PATH, body, token);
  t.equal(answer.status, 202, JSON.stringify(answer.body));
  return (answer.body as SimulationDetail).simulation.id;
}

/** Everything a simulation's stream of events says until it ends. */
async function progressOf(server: RunningAggregator, id: string): Promise<SimulationItem[]> {
  const { body } = await server.get(`${PATH}/${id}/watch`);
  return [...String(body).matchAll(/^event: simulation\ndata: (.*)$/gm)].map(
    ([, data]) => JSON.parse(data ?? '') as SimulationItem,
  );
}

async function resultOf(server: RunningAggregator, id: string): Promise<SimulationResult> {
  await progressOf(server, id);
  const { body } = await server.get(`${PATH}/${id}`);
  const { result } = body as SimulationDetail;
  if (result === undefined) throw new Error('no result');
  return result;
}

t.test('a fleet of every kind of node is asked, and what it says is one result', async (t) => {
  await using server = await runAggregator(t.testdir(), {
    inventory: [{ name: 'never', pool: 'infra' }],
  });
  const tokens = {
    second: await tokenOf(server, 'agent', 'node-2', { pool: 'infra' }),
    old: await tokenOf(server, 'agent', 'old'),
    gone: await tokenOf(server, 'agent', 'gone'),
  };
  const first = await AskableNode.connect(server.url, server.agentToken);
  const second = await AskableNode.connect(server.url, tokens.second);
  const old = await AgentClient.connect(server.url, tokens.old, {
    capabilities: ['command.rescan'],
  });
  const gone = await AskableNode.connect(server.url, tokens.gone);
  await gone.report([reported('web', 'unenforced'), reported('db', 'accepted')]);
  await gone.agent.close();
  const [web, db] = [outcome('web'), outcome('db', { now: 'accepted', after: 'unknown' })];
  const id = await begin(server, { candidate: { policy: REJECT_ALL } });

  await t.test('progress is told until all have answered', async (t) => {
    const telling = progressOf(server, id);
    t.same(await first.answer(simulationOf([web, db])), {
      policy: REJECT_ALL,
      policyMode: 'replace',
      registriesDMode: 'replace',
    });
    await second.answer(simulationOf([web]));
    const told = await telling;
    t.match(told[0], { id, state: 'running', finishedAt: null, progress: { nodes: 5 } });
    t.match(told.at(-1), {
      state: 'done',
      finishedAt: /Z$/,
      progress: { nodes: 5, asked: 3, answered: 2, failed: 1, offline: 2 },
    });
  });

  await t.test('the result groups by image and names every node that did not answer', async (t) => {
    const result = await resultOf(server, id);
    t.match(result, {
      kind: 'Simulation',
      summary: { nodes: 3, uses: 5, images: 2, changes: { newlyRefused: 4, undecided: 1 } },
      items: [
        {
          change: 'newlyRefused',
          reference: 'quay.io/web:1',
          nodes: ['gone', 'node-1', 'node-2'],
          staleNodes: ['gone'],
          pods: 3,
          namespaces: ['shop'],
        },
        { change: 'newlyRefused', reference: 'quay.io/db:1', nodes: ['gone'] },
        { change: 'undecided', reference: 'quay.io/db:1', nodes: ['node-1'] },
      ],
      nodes: [
        { node: 'gone', source: 'lastKnown', asOf: /Z$/ },
        { node: 'never', source: 'none', asOf: null, problem: 'never seen' },
        { node: 'node-1', source: 'live', now: { unenforced: 1, accepted: 1 } },
        { node: 'node-2', source: 'live' },
        { node: 'old', source: 'none', problem: /agent \(0\.1\.0\) cannot/ },
      ],
      coverage: { expected: 5 },
    });
    t.equal(result.items.length, 3);
  });

  await t.test('single outcomes come in pages', async (t) => {
    const read = async (query: string): Promise<{ items: unknown[]; continue?: string }> => {
      const { status, body } = await server.get(`${PATH}/${id}/outcomes?${query}`);
      t.equal(status, 200);
      return body as { items: unknown[]; continue?: string };
    };
    const all = await read('');
    t.equal(all.items.length, 5);
    t.match(all.items[0], { node: 'gone', source: 'lastKnown', reference: 'quay.io/web:1' });
    const pages: unknown[] = [];
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page: { items: unknown[]; continue?: string } = await read(
        next === '' ? 'limit=2' : `limit=2&continue=${next}`,
      );
      t.ok(page.items.length <= 2);
      pages.push(...page.items);
      next = page.continue;
    }
    t.same(pages, all.items);
    for (const [query, count] of [
      ['node=node-1', 2],
      ['reference=quay.io/web:1', 3],
      ['change=newlyRefused', 4],
      ['change=undecided,newlyAccepted', 1],
      ['node=nobody', 0],
    ] as const) {
      t.equal((await read(query)).items.length, count, query);
    }
    t.match(await server.get(`${PATH}/${id}/outcomes?continue=x`), { status: 400 });
    t.match(await server.get(`${PATH}/${id}/outcomes?change=refused`), { status: 400 });
  });

  await t.test('it is in the list and in the audit log', async (t) => {
    t.match((await server.get(PATH)).body, {
      kind: 'SimulationList',
      items: [{ id, state: 'done', by: 'admin', strict: false, onlyRunning: false }],
    });
    const { body } = await server.get('/v1/audit');
    const lines = (body as { items: { what: string }[] }).items;
    t.match(
      lines.find(({ what }) => what === `POST ${PATH}`),
      { who: 'admin', outcome: 202, detail: { simulation: id, policy: /^sha256:/, nodes: 5 } },
    );
    t.notOk(JSON.stringify(lines).includes('insecure'), 'no policy in the log');
  });

  await t.test('a pool or nodes by name are asked alone; options hold', async (t) => {
    const ofPool = begin(server, { ...rejectAll, pool: 'infra', strict: true, onlyRunning: true });
    await second.answer(simulationOf([web, outcome('idle', { pods: [] }), db]));
    t.match(await resultOf(server, await ofPool), {
      strict: true,
      onlyRunning: true,
      summary: { nodes: 1, uses: 2, changes: { newlyRefused: 2, undecided: 0 } },
      nodes: [{ node: 'never' }, { node: 'node-2' }],
    });
    const ofNames = await begin(server, { ...rejectAll, nodes: ['gone', 'old'] });
    t.match(await resultOf(server, ofNames), { nodes: [{ node: 'gone' }, { node: 'old' }] });
  });
  t.equal(old.received.filter(({ type }) => type === 'command').length, 0, 'never asked');
});

t.test('what cannot be asked is refused, and nothing is sent to any node', async (t) => {
  await using server = await runAggregator(t.testdir());
  const node = await AskableNode.connect(server.url, server.agentToken);
  const viewer = await tokenOf(server, 'user', 'eve', { role: 'viewer' });
  const file = { name: 'a.yaml', text: 'docker: {}\n' };
  const policy = REJECT_ALL;
  const cases: readonly [string, unknown, number, RegExp][] = [
    ['no body', undefined, 400, /candidate/],
    ['an unknown member', { ...rejectAll, dryRun: true }, 400, /dryRun/],
    ['an ill-typed option', { ...rejectAll, strict: 'yes' }, 400, /^strict: /],
    ['no node named', { ...rejectAll, nodes: [] }, 400, /^nodes: /],
    ['a node nobody knows', { ...rejectAll, nodes: ['node-9'] }, 404, /node "node-9": not known/],
    ['a pool without nodes', { ...rejectAll, pool: 'gpu' }, 404, /pool "gpu": not known/],
    ['no policy', { candidate: {} }, 422, /policy/],
    [
      'a policy that is no JSON',
      { candidate: { policy: '{"default": [}' } },
      422,
      /^policy:1:14: /,
    ],
    [
      'a policy with an unknown type',
      { candidate: { policy: '{"default":\n [{"type": "maybe"}]}' } },
      422,
      /^policy:2:\d+: .*maybe/,
    ],
    ['an unknown mode', { candidate: { policy, policyMode: 'merge' } }, 422, /policyMode/],
    [
      'registries.d that is none',
      { candidate: { policy, registriesD: [{ name: 'a.yaml', text: 'docker: []\n' }] } },
      422,
      /^registriesD\/a\.yaml:1/,
    ],
    ['a file twice', { candidate: { policy, registriesD: [file, file] } }, 422, /a\.yaml: .*twice/],
    [
      'a file outside of the folder',
      { candidate: { policy, registriesD: [{ ...file, name: '../a.yaml' }] } },
      422,
      /"\.\.\/a\.yaml"/,
    ],
    [
      'too large a candidate',
      { candidate: { policy: `${policy}${' '.repeat(800_000)}` } },
      422,
      /bytes/,
    ],
    ['too large a body', { candidate: { policy: ' '.repeat(1_100_000) } }, 413, /./],
  ];
  for (const [what, body, status, detail] of cases) {
    t.match(await server.post(PATH, body), { status, body: { status, code: /./, detail } }, what);
  }
  t.match(await server.post(PATH, rejectAll, viewer), { status: 403 }, 'a viewer');
  t.match(await server.get(PATH), { body: { items: { length: 0 } } });
  t.match(await server.get(`${PATH}/nothing`), { status: 404 });
  t.match(await server.get(`${PATH}/nothing/watch`), { status: 404 });
  t.match(await server.get(`${PATH}/nothing/outcomes`), { status: 404 });
  t.match(await server.get(PATH, viewer), { status: 200 }, 'a viewer may read');
  t.equal(node.agent.received.filter(({ type }) => type === 'command').length, 0);
});

t.test(
  'nodes that refuse, answer rubbish, leave or stay silent are told from others',
  async (t) => {
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    await using server = await runAggregator(
      t.testdir(),
      { limits: { ...limits, heartbeatSeconds: 0.1, silentSeconds: 10_000 } },
      clock,
    );
    const nodes = new Map<string, AskableNode>();
    for (const name of ['refuses', 'rubbish', 'leaves', 'silent']) {
      const node = await AskableNode.connect(server.url, await tokenOf(server, 'agent', name));
      await node.report([reported('web', 'unenforced')]);
      nodes.set(name, node);
    }
    const askedOf = async (name: string): Promise<{ agent: AgentClient; id: string }> => {
      const agent = nodes.get(name)?.agent;
      if (agent === undefined) throw new Error(name);
      return { agent, id: (await agent.next('command')).id };
    };
    const id = await begin(server, { candidate: { policy: ACCEPT_ALL }, nodes: [...nodes.keys()] });
    const refuses = await askedOf('refuses');
    refuses.agent.send({
      type: 'result',
      id: refuses.id,
      part: 1,
      of: 1,
      ok: false,
      error: 'busy',
    });
    const rubbish = await askedOf('rubbish');
    const data = { policy: 7 };
    rubbish.agent.send({ type: 'result', id: rubbish.id, part: 1, of: 1, ok: true, data });
    await (await askedOf('leaves')).agent.close();
    await askedOf('silent');

    await t.test('one at a time for a person, some in all', async (t) => {
      t.match(await server.post(PATH, rejectAll), {
        status: 429,
        body: { code: 'simulationRunning', detail: new RegExp(id) },
      });
      t.match(await server.get(`${PATH}/${id}/outcomes`), { status: 409 });
      t.match((await server.get(`${PATH}/${id}`)).body, { simulation: { state: 'running' } });
      const people = await Promise.all(
        [1, 2, 3, 4].map((n) => tokenOf(server, 'user', `person-${n}`, { role: 'operator' })),
      );
      const statuses: number[] = [];
      for (const person of people)
        statuses.push((await server.post(PATH, rejectAll, person)).status);
      t.same(statuses, [202, 202, 202, 429]);
    });

    aheadMs = 61_000;
    const result = await resultOf(server, id);
    t.match(result, {
      summary: { nodes: 4, uses: 4, after: { unenforced: 4 } },
      nodes: [
        { node: 'leaves', source: 'lastKnown', problem: /disconnected/ },
        { node: 'refuses', source: 'lastKnown', problem: 'busy' },
        { node: 'rubbish', source: 'lastKnown', problem: /part 1: policy/ },
        { node: 'silent', source: 'lastKnown', problem: /in time/ },
      ],
    });
    t.match((await server.get(`${PATH}/${id}`)).body, {
      simulation: { progress: { asked: 4, answered: 0, failed: 4, offline: 0 } },
    });
  },
);

t.test('the last ten are kept, and the API describes them', async (t) => {
  await using server = await runAggregator(t.testdir());
  const ids: string[] = [];
  for (let count = 0; count < 12; count++) {
    const id = await begin(server, rejectAll);
    t.match((await progressOf(server, id)).at(-1), { state: 'done', progress: { offline: 1 } });
    ids.push(id);
  }
  const { body } = await server.get(PATH);
  const items = (body as { items: readonly SimulationItem[] }).items.map(({ id }) => id);
  t.same(items.toSorted(), ids.slice(2).toSorted());
  t.match(await server.get(`${PATH}/${ids[0]}`), { status: 404 });
  t.match((await server.get('/openapi.json')).body, {
    paths: {
      [PATH]: {
        post: {
          requestBody: {
            content: { 'application/json': { schema: { required: ['candidate'] } } },
          },
          responses: { 202: { content: { 'application/json': {} } } },
        },
      },
      [`${PATH}/{name}/watch`]: {
        get: { responses: { 200: { content: { 'text/event-stream': {} } } } },
      },
    },
  });
});
