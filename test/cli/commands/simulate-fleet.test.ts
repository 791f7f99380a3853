import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SimulationList } from '../../../shared/api-simulation.ts';
import { AgentClient } from '../../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../../support/aggregator.ts';
import {
  ACCEPT_ALL,
  AskableNode,
  outcome,
  REJECT_ALL,
  simulationOf,
} from '../../support/simulations.ts';
import { type FakeIoOptions, HOSTILE, type Outcome, runCli } from '../fake-io.ts';
import { HOSTILE_NAME } from '../fleet.ts';

const WEB = outcome('web');
interface Stage extends AsyncDisposable {
  readonly server: RunningAggregator;
  readonly node: AskableNode;
  readonly flags: readonly string[];
  /** `nodeseal simulate --policy FILE`, with more words. */
  simulate(words?: readonly string[], options?: FakeIoOptions): Promise<Outcome>;
}

/** A real aggregator with one node that can be asked. */
async function stage(t: Test, policy = REJECT_ALL): Promise<Stage> {
  const folder = t.testdir({ 'policy.json': policy, state: {} });
  const server = await runAggregator(join(folder, 'state'));
  const node = await AskableNode.connect(server.url, server.agentToken);
  const token = join(folder, 'state/tokens/admin.token');
  const flags = ['--server', server.url, '--token-file', token];
  return {
    server,
    node,
    flags,
    simulate: (words = [], options = {}) =>
      runCli(['simulate', '--policy', join(folder, 'policy.json'), ...flags, ...words], {
        nowMs: Date.now(),
        ...options,
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

t.test('the fleet is asked and its result shown', async (t) => {
  await using here = await stage(t);
  const { node, simulate } = here;

  await t.test('as a table, without progress in a pipe', async (t) => {
    const running = simulate();
    await node.answer(simulationOf([WEB, outcome('db', { now: 'accepted', after: 'accepted' })]));
    const { exit, stdout, stderr } = await running;
    t.equal(exit, 1);
    t.match(stdout, /^1 node, 2 image uses, 2 distinct\n/);
    t.match(stdout, /NEWLY REFUSED \(1\)\n/);
    t.match(stdout, /quay\.io\/web:1 +1 +1 +policy-reject/);
    t.equal(stderr, '0 of 1 node reporting; not: node-1 (connected, no report yet)\n');
  });
  await t.test('with progress on a terminal, which is wiped at the end', async (t) => {
    const running = simulate([], { isTerminal: true });
    await node.answer(simulationOf([WEB]));
    const { exit, stderr } = await running;
    t.equal(exit, 1);
    const wiped = '\r\x1b[K';
    t.ok(stderr.startsWith(wiped), stderr);
    t.match(stderr, /[01] of 1 node answered, 1 asked/);
    t.ok(stderr.includes(`${wiped}0 of 1 node reporting`), stderr);
  });
  for (const [format, expected] of [
    ['json', /^{\n +"apiVersion": "nodeseal.dev\/v1",\n +"kind": "Simulation"/],
    ['yaml', /^apiVersion: nodeseal.dev\/v1\nkind: Simulation\n/],
    ['jsonl', /^{"change":"newlyRefused","reference":"quay.io\/web:1"/],
    ['csv', /^reference,change,nodes/],
    ['name', /^image\/quay.io\/web:1\n$/],
  ] as const) {
    await t.test(`as ${format}`, async (t) => {
      const running = simulate(['-o', format, '--strict', '--only-running']);
      await node.answer(simulationOf([WEB]));
      const { exit, stdout } = await running;
      t.equal(exit, 1);
      t.match(stdout, expected);
    });
  }
  await t.test('the options reach the aggregator', async (t) => {
    const running = simulate([
      '--strict',
      '--only-running',
      '--pool',
      'default',
      '-l',
      'name=node-1',
    ]);
    t.match(await node.answer(simulationOf([])), { policy: REJECT_ALL, policyMode: 'replace' });
    t.equal((await running).exit, 0);
    const { body } = await here.server.get('/v1/simulations');
    t.match((body as SimulationList).items[0], {
      pool: 'default',
      strict: true,
      onlyRunning: true,
      progress: { nodes: 1, answered: 1 },
    });
  });
});

t.test('exit codes say what stands in the way', async (t) => {
  await using here = await stage(t, ACCEPT_ALL);
  const { node, server, simulate } = here;
  const clean = outcome('web', { after: 'unenforced' });

  await t.test('0: nothing changes for the worse', async (t) => {
    const running = simulate();
    await node.answer(simulationOf([clean]));
    t.equal((await running).exit, 0);
  });
  await t.test('6: something is undecided', async (t) => {
    const running = simulate();
    await node.answer(simulationOf([outcome('web', { after: 'unknown', reason: 'no-source' })]));
    t.equal((await running).exit, 6);
  });
  await t.test('3: less reports than is required', async (t) => {
    const running = simulate(['--require-coverage', '100%']);
    await node.answer(simulationOf([WEB]));
    const { exit, stderr } = await running;
    t.equal(exit, 3);
    t.match(stderr, /exit 3: coverage 0% is below the required 100%/);
  });
  await t.test('2: flags that do not go together', async (t) => {
    for (const [words, why] of [
      [['--sources', 'store'], /--sources is for this node alone/],
      [['--host-root', '/', '--pool', 'worker'], /--pool says nothing of this node alone/],
      [['-l', 'colour=red'], /no field 'colour'/],
      [['--require-coverage', 'all'], /is no percentage/],
    ] as const) {
      t.match(await simulate(words), { exit: 2, stderr: why }, words.join(' '));
    }
  });
  await t.test('5: nobody has the pool, no node is selected', async (t) => {
    t.match(await simulate(['--pool', 'gpu']), { exit: 5, stderr: /pool "gpu": not known/ });
    t.match(await simulate(['-l', 'pool=gpu']), { exit: 5, stderr: /no node is selected/ });
  });
  await t.test('4: not allowed, and one at a time', async (t) => {
    const answer = await server.post('/v1/tokens', { kind: 'user', name: 'eve', role: 'viewer' });
    const folder = t.testdir({
      eve: (answer.body as { token: string }).token,
      'policy.json': REJECT_ALL,
    });
    const candidate = ['simulate', '--policy', join(folder, 'policy.json')];
    const asEve = ['--server', server.url, '--token-file', join(folder, 'eve')];
    t.match(await runCli([...candidate, ...asEve]), { exit: 4, stderr: /does not allow this/ });
    const first = simulate();
    const command = await node.agent.next('command');
    t.match(await simulate(), { exit: 4, stderr: /under way\n {2}next: try again in 10 s/ });
    const { id } = command;
    node.agent.send({ type: 'result', id, part: 1, of: 1, ok: false, error: 'not now' });
    t.equal((await first).exit, 6, 'a node that refuses did not answer');
  });
  await t.test('6: an agent too old for it is named', async (t) => {
    const { body } = await server.post('/v1/tokens', { kind: 'agent', name: 'old' });
    const old = await AgentClient.connect(server.url, (body as { token: string }).token);
    const { exit, stdout } = await simulate(['-l', 'name=old']);
    t.equal(exit, 6);
    t.match(stdout, /old: nothing is known, its agent \(0\.1\.0\) cannot judge/);
    await old.close();
  });
  await t.test('130: interrupted', async (t) => {
    const interrupt = new AbortController();
    const running = simulate([], { signal: interrupt.signal });
    const { id } = await node.agent.next('command');
    interrupt.abort();
    t.equal((await running).exit, 130);
    node.agent.send({ type: 'result', id, part: 1, of: 1, ok: false, error: 'over' });
  });
});

t.test('a candidate that is none ends before anybody is asked', async (t) => {
  await using here = await stage(t, '{"default": [{"type": "rejekt"}]}');
  t.match(await here.simulate(), { exit: 7, stdout: '', stderr: /policy\.json:1:\d+: no valid/ });
  t.match((await here.server.get('/v1/simulations')).body, { items: { length: 0 } });
});

t.test('what nodes say is shown harmlessly', async (t) => {
  await using here = await stage(t);
  for (const format of ['table', 'wide', 'csv', 'json']) {
    const running = here.simulate(['-o', format]);
    const hostile = { reference: HOSTILE_NAME, reason: HOSTILE_NAME, message: HOSTILE_NAME };
    await here.node.answer({ ...simulationOf([outcome('web', hostile)]), notes: [HOSTILE_NAME] });
    const { exit, stdout, stderr } = await running;
    t.equal(exit, 1);
    t.notMatch(stdout + stderr, HOSTILE, format);
  }
});

t.test('a stream that is cut off before the end does not end the command', async (t) => {
  const item = {
    id: 'a',
    state: 'running',
    progress: { nodes: 1, asked: 1, answered: 0, failed: 0, offline: 0 },
  };
  const counts = { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 };
  const result = {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'Simulation',
    candidate: {},
    strict: false,
    onlyRunning: false,
    summary: {
      ...{ nodes: 0, uses: 0, images: 0, now: counts, after: counts },
      changes: { newlyRefused: 0, newlyAccepted: 0, noLongerVerified: 0, undecided: 0 },
    },
    items: [],
    neverMatched: [],
    shadowed: [],
    nodes: [],
    coverage: { expected: 0, reporting: 0, missing: [] },
  };
  const server = createServer((request, response) => {
    request.resume();
    if (request.url?.endsWith('/watch')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: simulation\ndata: ${JSON.stringify(item)}\n\n`, () => {
        response.destroy();
      });
      return;
    }
    const isDone = request.method === 'GET';
    const answer = isDone
      ? { simulation: { ...item, state: 'done' }, result }
      : { simulation: item };
    response.writeHead(request.method === 'POST' ? 202 : 200).end(JSON.stringify(answer));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const policy = join(t.testdir({ 'policy.json': REJECT_ALL }), 'policy.json');
  const words = ['simulate', '--policy', policy, '--server', `http://127.0.0.1:${port}`];
  t.match(await runCli(words), { exit: 0, stdout: /^0 nodes, 0 image uses/ });
});

t.test('an answer of something else is told as such', async (t) => {
  const answers: readonly [string, unknown][] = [
    ['an empty object', {}],
    ['another kind', { simulation: { id: 'a', state: 'done', progress: 7 } }],
  ];
  let answer: unknown;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify(answer)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const policy = join(t.testdir({ 'policy.json': REJECT_ALL }), 'policy.json');
  for (const [what, value] of answers) {
    answer = value;
    const words = ['simulate', '--policy', policy, '--server', `http://127.0.0.1:${port}`];
    t.match(await runCli(words), { exit: 4, stderr: /is not understood/ }, what);
  }
});
