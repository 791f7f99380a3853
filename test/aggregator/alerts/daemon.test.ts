import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { alertsSchema } from '../../../aggregator/alerts/config.ts';
import { parseConfig } from '../../../shared/config.ts';
import { AgentClient, state } from '../../support/agent-client.ts';
import { runAggregator } from '../../support/aggregator.ts';
import { AlertReceiver } from '../../support/alert-receiver.ts';
import { findingItem } from '../../support/findings.ts';

t.test('an aggregator tells of a rule that begins to fail on a node', async (t) => {
  await using webhook = await AlertReceiver.start();
  await using alertmanager = await AlertReceiver.start();
  const config = {
    webhooks: [{ url: webhook.url }],
    alertmanager: { urls: [alertmanager.url] },
    holdSeconds: 0,
  };
  const alerts = parseConfig(JSON.stringify(config), 'alerts', alertsSchema);
  const stateDir = t.testdir();
  await using server = await runAggregator(stateDir, { alerts });
  const agent = await AgentClient.connect(server.url, server.agentToken);
  const item = findingItem({ ruleId: 'selinux.mode', result: 'fail', severity: 'critical' });
  alertmanager.behaviour = 500;
  // The first look of the alerts must have been before, or it would be no news.
  while (!existsSync(join(stateDir, 'alerts.json'))) await server.get('/healthz');
  agent.send(state('checks', new Map([['selinux.mode', item]])));
  await Promise.all([webhook.count(1), alertmanager.count(1)]);
  t.match(webhook.received[0]?.body, {
    status: 'firing',
    rule: 'selinux.mode',
    nodes: ['node-1'],
    summary: 'Title of selinux.mode: fails on 1 node: node-1',
  });
  t.match(alertmanager.received[0]?.body, [{ labels: { alertname: 'NodesealRuleFailing' } }]);
  for (;;) {
    const { status, body } = await server.get('/readyz?verbose', null);
    t.equal(status, 200, 'that nobody listens keeps nobody away');
    const { checks } = body as { checks: readonly { name: string; ok: boolean }[] };
    if (checks.every(({ name, ok }) => ok === !name.startsWith('alerts.alertmanager'))) break;
  }
  await agent.close();
});
