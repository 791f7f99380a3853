import t from 'tap';
import { hashItems } from '../../shared/report.ts';
import { AgentClient, state } from '../support/agent-client.ts';
import { runAggregator } from '../support/aggregator.ts';

t.test('an agent that connects', async (t) => {
  await using server = await runAggregator(t.testdir());
  const agent = await AgentClient.connect(server.url, server.agentToken);
  agent.events([1, 2, 3]);
  t.match(await agent.next('ack'), { epoch: 'epoch-1', sequence: 3 });
  const items = new Map([['a.b', { ruleId: 'a.b' }]]);
  agent.send(state('checks', items));
  t.match(await agent.next('stateApplied'), { section: 'checks', to: hashItems(items) });
  const nodes = await server.get('/v1/nodes');
  t.match(nodes, {
    status: 200,
    body: { kind: 'NodeList', items: [{ name: 'node-1', state: 'online' }] },
  });
  const findings = await server.get('/v1/findings');
  t.match(findings.body, { items: [{ ruleId: 'a.b', result: 'error', node: 'node-1' }] });
  const events = await server.get('/v1/events');
  t.match(events.body, { items: [{ sequence: 3 }, { sequence: 2 }, { sequence: 1 }] });
  t.match(await server.get('/metrics'), { status: 200 });
  await agent.close();
});
