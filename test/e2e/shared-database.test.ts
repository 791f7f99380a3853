import { join } from 'node:path';
import t from 'tap';
import type { SimulationDetail } from '../../shared/api-simulation.ts';
import type { Json } from '../../shared/canonical.ts';
import { CLOSE } from '../../shared/protocol.ts';
import { AgentClient, state } from '../support/agent-client.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { AggregatorProcess } from '../support/processes.ts';
import { answerSimulation, outcome, REJECT_ALL, simulationOf } from '../support/simulations.ts';
import { Watching } from '../support/watching.ts';

const finding = (ruleId: string, result: string): readonly [string, Json] => [
  ruleId,
  {
    ruleId,
    checkId: 'selinux',
    title: ruleId,
    result,
    severity: 'high',
    message: 'seen',
    observed: {},
    remediation: { kind: 'none', text: '' },
    mappings: [],
  },
];
const BEFORE = new Map([finding('selinux.a', 'pass'), finding('selinux.b', 'pass')]);
const AFTER = new Map([finding('selinux.a', 'fail')]);

t.test('two aggregators on one database', { skip: withoutPostgres }, async (t) => {
  const server = await PostgresServer.create();
  t.teardown(() => server[Symbol.asyncDispose]());
  const databaseUrl = await server.database();
  const folder = t.testdir({});
  const config = { databaseUrl, stateDir: join(folder, 'state') };
  const first = await AggregatorProcess.start(join(folder, 'first'), config);
  const second = await AggregatorProcess.start(join(folder, 'second'), config);
  t.teardown(async () => {
    await first.program[Symbol.asyncDispose]();
    await second.program[Symbol.asyncDispose]();
  });
  await using watching = await Watching.start(second.url, second.adminToken);
  const agent = await AgentClient.connect(first.url, first.agentToken);
  agent.send(state('checks', BEFORE));
  await agent.next('stateApplied');

  await t.test('the one tells its watchers what came to the other', async (t) => {
    await watching.until(
      ({ topic, item }) => topic === 'nodes' && item.state === 'online' && item.results.pass === 2,
    );
    agent.send(state('checks', AFTER));
    agent.events([1, 2]);
    await watching.until(
      ({ topic, change, item }) =>
        topic === 'findings' && change === 'set' && item.ruleId === 'selinux.a',
    );
    await watching.until(
      ({ topic, change, item }) =>
        topic === 'findings' && change === 'removed' && item.ruleId === 'selinux.b',
    );
    await watching.until(({ topic, item }) => topic === 'events' && item.sequence === 2);
    const told = watching.messages.filter(({ topic }) => topic === 'events');
    t.same(
      told.map(({ item }) => 'sequence' in item && item.sequence),
      [1, 2],
      'each event once',
    );
  });

  await t.test('each answers for all', async (t) => {
    for (const aggregator of [first, second]) {
      t.match(await aggregator.get('/v1/findings'), {
        items: [{ node: 'node-1', ruleId: 'selinux.a', result: 'fail' }],
        coverage: { expected: 1, reporting: 1 },
      });
      t.match(await aggregator.get('/v1/nodes'), { items: [{ name: 'node-1', state: 'online' }] });
      t.match(await aggregator.get('/v1/nodes/node-1'), { session: { connected: true } });
      t.equal((await aggregator.get('/v1/events?kind=file.changed')).items.length, 2);
    }
  });

  await t.test('a command reaches the node wherever it is connected', async (t) => {
    const asked = second.post('/v1/nodes/node-1/rescan');
    const { id, verb } = await agent.next('command');
    t.equal(verb, 'rescan');
    agent.send({ type: 'result', id, part: 1, of: 1, ok: true, data: { rules: 4 } });
    t.match(await asked, { status: 200, body: { node: 'node-1', data: [{ rules: 4 }] } });
    const refused = second.post('/v1/nodes/node-1/rescan');
    const command = await agent.next('command');
    agent.send({ type: 'result', id: command.id, part: 1, of: 1, ok: false, error: 'not now' });
    t.match(await refused, { status: 409, body: { code: 'nodeRefused', detail: /not now/ } });
  });

  await t.test(
    'a simulation asks the node wherever it is connected, and both tell of it',
    async (t) => {
      const begun = await second.post('/v1/simulations', { candidate: { policy: REJECT_ALL } });
      t.equal(begun.status, 202);
      const { id } = (begun.body as SimulationDetail).simulation;
      const path = `/v1/simulations/${id}`;
      t.match(await first.get(path), { simulation: { id, state: 'running' } });
      await answerSimulation(agent, simulationOf([outcome('web')]));
      for (const aggregator of [first, second]) {
        const headers = { authorization: `Bearer ${aggregator.adminToken}` };
        const told = await (await fetch(`${aggregator.url}${path}/watch`, { headers })).text();
        t.match(told, /"state":"done"/);
        t.match(await aggregator.get(path), {
          simulation: { state: 'done', progress: { nodes: 1, asked: 1, answered: 1 } },
          result: { items: [{ change: 'newlyRefused', nodes: ['node-1'] }] },
        });
        t.match((await aggregator.get('/v1/simulations')).items, [{ id, state: 'done' }]);
      }
      t.equal((await second.get(`${path}/outcomes`)).items.length, 1);
      await t.rejects(first.get(`${path}/outcomes`), /409 .*notHere/);
      const old = second.post('/v1/simulations', { candidate: { policy: REJECT_ALL } });
      const command = await agent.next('command');
      agent.send({
        type: 'result',
        id: command.id,
        part: 1,
        of: 1,
        ok: false,
        error: 'unsupported',
      });
      const next = ((await old).body as SimulationDetail).simulation.id;
      const headers = { authorization: `Bearer ${second.adminToken}` };
      await (await fetch(`${second.url}/v1/simulations/${next}/watch`, { headers })).text();
      t.match(await second.get(`/v1/simulations/${next}`), {
        result: {
          nodes: [{ node: 'node-1', source: 'none', problem: /cannot judge a candidate/ }],
        },
      });
    },
  );

  await t.test('a node that goes to the other is served there alone', async (t) => {
    const spool = { epoch: 'epoch-1', first: 1, next: 3, bytes: 0, lost: 0 };
    const moved = await AgentClient.connect(second.url, second.agentToken, { spool });
    // Sent before the first has the news: the number of the session keeps it out.
    agent.events([3]);
    t.equal(await agent.closed, CLOSE.superseded);
    moved.events([3, 4]);
    await moved.next('ack', ({ sequence }) => sequence === 4);
    const events = await first.all('/v1/events?kind=file.changed');
    t.same(events.map(({ sequence }) => sequence).toSorted(), [1, 2, 3, 4]);
    await t.test('and retiring it at the first ends its session', async (t) => {
      t.match(await first.post('/v1/nodes/node-1/retire'), { status: 200 });
      t.equal(await moved.closed, CLOSE.revoked);
      t.match(await second.post('/v1/nodes/node-1/rescan'), { status: 409 });
    });
  });
});
