import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../cli/fake-io.ts';
import { AgentClient, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { findingItem } from '../support/findings.ts';

const HOUR_MS = 3_600_000;
const NAME = 'worker-1';

/** A machine under the name, with a credential of its own; it reports one rule. */
async function report(
  server: RunningAggregator,
  machineId: string,
  result: string,
): Promise<AgentClient> {
  const { body } = await server.post('/v1/tokens', { kind: 'agent', name: NAME });
  const { token } = body as { token: string };
  const host = { name: NAME, machineId, bootId: `boot of ${machineId}` };
  const agent = await AgentClient.connect(server.url, token, { host });
  const checks = new Map([['a.rule', findingItem({ ruleId: 'a.rule', result })]]);
  agent.send(state('checks', checks));
  await agent.next('stateApplied');
  return agent;
}

async function revokeTokens(server: RunningAggregator): Promise<void> {
  const { body } = await server.get('/v1/tokens');
  const { items } = body as { items: readonly { id: string; name?: string }[] };
  const headers = { authorization: `Bearer ${server.adminToken}` };
  for (const { id, name } of items) {
    if (name === NAME) await fetch(`${server.url}/v1/tokens/${id}`, { method: 'DELETE', headers });
  }
}

t.test('walk-through 5: a machine set up anew under the name of another', async (t) => {
  let nowMs = Date.parse('2026-11-21T12:00:00Z');
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const folder = t.testdir({ state: {} });
  const stateDir = join(folder, 'state');
  await using server = await runAggregator(stateDir, { bootstrapAgent: undefined }, clock);
  const tokenFile = join(folder, 'cli.token');
  writeFileSync(tokenFile, server.adminToken);
  const before = await report(server, 'machine-1', 'fail');
  await before.close();
  nowMs += HOUR_MS;
  await revokeTokens(server);
  const after = await report(server, 'machine-2', 'pass');
  const flags = ['--server', server.url, '--token-file', tokenFile];

  await t.test('counts once in every answer: as the machine that is there', async (t) => {
    t.match(await server.get('/v1/nodes'), {
      body: {
        items: [
          { name: NAME, state: 'online', results: { pass: 1, fail: 0 } },
          { name: NAME, state: 'retired', results: { pass: 0, fail: 1 } },
        ],
        coverage: { expected: 1, reporting: 1, missing: [] },
      },
    });
    const { body } = await server.get('/v1/findings');
    const { items, coverage } = body as { items: readonly object[]; coverage: object };
    t.match(items, [{ node: NAME, ruleId: 'a.rule', result: 'pass' }]);
    t.equal(items.length, 1);
    t.notOk('nodeState' in (items[0] ?? {}), 'it reports, whatever became of its predecessor');
    t.match(coverage, { expected: 1, reporting: 1 });
    t.match(await server.get('/v1/checks'), {
      body: { items: [{ ruleId: 'a.rule', nodes: { pass: 1, fail: 0 } }] },
    });
    const metrics = String((await server.get('/metrics')).body);
    for (const line of [
      'nodeseal_nodes{state="online"} 1',
      'nodeseal_nodes{state="retired"} 1',
      'nodeseal_nodes_expected 1',
      'nodeseal_nodes_reporting 1',
      'nodeseal_results{result="fail"} 0',
      'nodeseal_results{result="pass"} 1',
    ]) {
      t.ok(metrics.split('\n').includes(line), line);
    }
    t.match(String((await server.get('/v1/exports/csv')).body), '1 of 1 node reporting');
    const status = await runCli(['status', '-o', 'json', ...flags], { nowMs });
    t.match(JSON.parse(status.stdout), {
      coverage: { expected: 1, reporting: 1 },
      results: { pass: 1, fail: 0 },
      failingNodes: [],
    });
  });

  await t.test('is recorded, and what was before can be compared with what is', async (t) => {
    t.match(await server.get('/v1/events?kind=nodeReplaced'), {
      body: { items: [{ node: NAME }] },
    });
    t.match(await server.get(`/v1/nodes/${NAME}?asOf=30m`), {
      body: { findings: [{ ruleId: 'a.rule', result: 'fail' }] },
    });
    t.match(await server.get(`/v1/nodes/${NAME}`), {
      body: { node: { state: 'online' }, findings: [{ result: 'pass' }] },
    });
    const diff = await runCli(['diff', NAME, '--at', '30m', '-o', 'json', ...flags], { nowMs });
    t.match(
      { ...diff, stdout: JSON.parse(diff.stdout) },
      {
        exit: 1,
        stdout: {
          differences: [
            {
              section: 'checks',
              key: 'a.rule',
              change: 'changed',
              from: { result: 'fail' },
              to: { result: 'pass' },
            },
          ],
        },
      },
    );
  });

  await t.test('and when it is retired in its turn, who comes next is expected once', async (t) => {
    t.equal((await server.post(`/v1/nodes/${NAME}/retire`)).status, 200);
    t.equal(await after.closed, 4003);
    t.match(await server.get('/v1/nodes'), { body: { coverage: { expected: 0 } } });
    const { status } = await server.post('/v1/tokens', { kind: 'agent', name: NAME });
    t.equal(status, 200);
    t.match(
      await server.get('/v1/nodes'),
      { body: { coverage: { expected: 1, missing: [{ node: NAME, cause: 'never seen' }] } } },
      'who got a credential is missed until it comes',
    );
  });
});
