import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../../aggregator/config.ts';
import type { Coverage } from '../../../shared/api.ts';
import { parseConfig } from '../../../shared/config.ts';
import { AgentClient, state } from '../../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../../support/aggregator.ts';
import { NODES_TOKEN, NodesServer, nodeObject } from '../../support/nodes-server.ts';

async function coverageOf(server: RunningAggregator): Promise<Coverage> {
  const { body } = await server.get('/v1/nodes');
  return (body as { coverage: Coverage }).coverage;
}

/** Asks until it is so; a test that waits in vain is ended by its timeout. */
async function until(
  server: RunningAggregator,
  holds: (coverage: Coverage) => boolean,
): Promise<Coverage> {
  for (;;) {
    const coverage = await coverageOf(server);
    if (holds(coverage)) return coverage;
  }
}

const causes = ({ missing }: Coverage): string =>
  missing.map(({ node, cause }) => `${node}: ${cause}`).join('; ');

t.test('coverage over a cluster', async (t) => {
  await using api = await NodesServer.start();
  const folder = t.testdir({ state: {}, token: NODES_TOKEN, 'ca.crt': api.ca });
  const { kubernetes } = parseConfig(
    JSON.stringify({
      kubernetes: {
        audience: 'nodeseal-aggregator',
        serviceAccount: 'nodeseal/nodeseal-agent',
        nodes: true,
        url: api.url,
        caFile: join(folder, 'ca.crt'),
        tokenFile: join(folder, 'token'),
      },
    }),
    'test',
    configSchema,
  );
  api.set(nodeObject('node-1'));
  api.set(nodeObject('worker-1', { ready: 'False' }));
  api.set(nodeObject('worker-2', { unschedulable: true }));
  const start = (): Promise<RunningAggregator> =>
    runAggregator(join(folder, 'state'), { kubernetes });
  let server = await start();
  t.teardown(() => server[Symbol.asyncDispose]());

  await t.test('names every node that is missing, and why', async (t) => {
    const coverage = await until(server, ({ expected }) => expected === 3);
    t.equal(
      causes(coverage),
      'node-1: never seen; worker-1: never seen, node not ready; worker-2: never seen, cordoned',
    );
    t.match(coverage.sources, [{ source: 'kubernetes', nodes: 3, asOf: /^20/ }]);
  });

  await t.test('counts a node once, whatever its credential calls it', async (t) => {
    const agent = await AgentClient.connect(server.url, server.agentToken);
    agent.send(state('checks', new Map()));
    await agent.next('stateApplied');
    const coverage = await until(server, ({ reporting }) => reporting === 1);
    t.equal(coverage.expected, 3);
    t.equal((await server.get('/v1/nodes/node-1')).status, 200);
    await agent.close();
  });

  await t.test('follows the cluster', async (t) => {
    api.set(nodeObject('worker-1'));
    api.remove('worker-2');
    const coverage = await until(server, ({ expected }) => expected === 2);
    t.equal(causes(coverage), 'worker-1: never seen');
    t.equal((await server.get('/v1/nodes/worker-2')).status, 404, 'it never reported');
  });

  await t.test('stays when the API server is away, over a restart too, and says so', async (t) => {
    await server[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
    server = await start();
    const isKnown = ({ sources }: Coverage): boolean => /ECONN/.test(sources?.[0]?.reason ?? '');
    const coverage = await until(server, isKnown);
    t.equal(coverage.expected, 2);
    t.match(causes(coverage), 'worker-1: never seen');
    t.match(coverage.sources, [{ source: 'kubernetes', nodes: 2, reason: /ECONNREFUSED/ }]);
    t.equal((await server.get('/readyz')).status, 200, 'it answers all the same');
    const { body } = await server.get('/readyz?verbose');
    t.match(body, {
      status: 'ok',
      checks: [
        { name: 'store', ok: true, required: true },
        { name: 'audit', ok: true, required: true },
        { name: 'coverage.kubernetes', ok: false, required: false, reason: /ECONNREFUSED/ },
      ],
    });
  });
});

t.test('a node that its cluster deleted is retired when it is gone', async (t) => {
  await using api = await NodesServer.start();
  const folder = t.testdir({ state: {}, token: NODES_TOKEN, 'ca.crt': api.ca });
  const common = {
    audience: 'a',
    serviceAccount: 'n/a',
    pool: 'default',
    nodes: true,
    tokenReview: false,
    people: false,
    url: api.url,
    caFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  };
  await using server = await runAggregator(join(folder, 'state'), { kubernetes: common });
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const { uid } = ((await server.get('/v1/nodes/node-1')).body as { node: { uid: string } }).node;
  api.set(nodeObject('node-1', { uid }));
  api.set(nodeObject('worker-1'));
  await until(server, ({ expected }) => expected === 2);
  api.remove('node-1');
  api.remove('worker-1');
  await until(server, ({ expected }) => expected === 1);
  t.equal((await coverageOf(server)).missing[0]?.node, 'node-1', 'not while it is connected');
  await agent.close();
  await until(server, ({ expected }) => expected === 0);
  t.match(await server.get('/v1/nodes?state=retired'), { body: { items: [{ name: 'node-1' }] } });
});

t.test('an inventory file and what became of a credential', async (t) => {
  const folder = t.testdir({ state: {}, 'nodes.txt': 'rhel-1\nrhel-2\n' });
  const inventoryFile = join(folder, 'nodes.txt');
  const limits = { handshakes: 9, handshakesPerSource: 9, helloSeconds: 5, silentSeconds: 50 };
  await using server = await runAggregator(join(folder, 'state'), {
    inventoryFile,
    limits: { ...limits, heartbeatSeconds: 0.1 },
  });
  const first = await coverageOf(server);
  t.equal(causes(first), 'node-1: never seen; rhel-1: never seen; rhel-2: never seen');
  writeFileSync(inventoryFile, 'rhel-2\n');
  await until(server, ({ expected }) => expected === 2);
  rmSync(inventoryFile);
  const coverage = await until(server, ({ sources }) => sources?.[0]?.reason !== undefined);
  t.match(coverage, { expected: 2, sources: [{ source: 'inventoryFile', nodes: 1 }] });

  const agent = await AgentClient.connect(server.url, server.agentToken);
  const { body } = await server.get('/v1/tokens');
  const items = (body as { items: readonly { id: string; kind: string }[] }).items;
  const token = items.find(({ kind }) => kind === 'agent');
  await fetch(`${server.url}/v1/tokens/${token?.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${server.adminToken}` },
  });
  t.equal(await agent.closed, 4003);
  t.match(causes(await coverageOf(server)), /node-1: connected, no report yet, credential revoked/);
});
