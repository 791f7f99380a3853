import { join } from 'node:path';
import t from 'tap';
import type { Notice } from '../../aggregator/alerts/notice.ts';
import { AgentClient, state } from '../support/agent-client.ts';
import { AlertReceiver } from '../support/alert-receiver.ts';
import { findingItem } from '../support/findings.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(90_000);

/** What the checks of a node find. */
function findings(results: Readonly<Record<string, 'pass' | 'fail'>>) {
  return state(
    'checks',
    new Map(
      Object.entries(results).map(([ruleId, result]) => [
        ruleId,
        findingItem({ ruleId, result, severity: 'critical' }),
      ]),
    ),
  );
}

t.test(
  'of several aggregators one tells, and another when it is killed',
  {
    skip: withoutPostgres,
  },
  async (t) => {
    const server = await PostgresServer.create();
    t.teardown(() => server[Symbol.asyncDispose]());
    await using receiver = await AlertReceiver.start();
    const databaseUrl = await server.database();
    const folder = t.testdir({});
    const alerts = { webhooks: [{ url: receiver.url }], holdSeconds: 0, resolveSeconds: 0 };
    const config = { databaseUrl, alerts };
    const first = await AggregatorProcess.start(join(folder, 'first'), config);
    t.teardown(() => first.program[Symbol.asyncDispose]());
    const second = await AggregatorProcess.start(join(folder, 'second'), config);
    t.teardown(() => second.program[Symbol.asyncDispose]());
    const told = (): readonly string[] =>
      receiver.received.map(({ body }) => {
        const { status, rule } = body as Notice;
        return `${status} ${rule}`;
      });
    const leaders = async () => await server.sql(databaseUrl, 'SELECT replica FROM leader');
    // Its first look must have been before, or what follows would be no news.
    const looked = `SELECT 1 FROM record WHERE kind = 'alerts' AND text LIKE '%rules%'`;
    while ((await server.sql(databaseUrl, looked)).length === 0);
    const [leader] = await leaders();

    // Connected to the one that looks on: its reports reach the other by the database.
    const agent = await AgentClient.connect(second.url, first.agentToken);
    agent.send(findings({ 'selinux.a': 'pass', 'selinux.b': 'pass' }));
    await agent.next('stateApplied');
    agent.send(findings({ 'selinux.a': 'fail', 'selinux.b': 'pass' }));
    await receiver.count(1);
    t.same(told(), ['firing selinux.a']);
    // A notice that was taken and not yet crossed out would come again, with its id.
    const crossedOut = `SELECT 1 FROM record WHERE kind = 'alerts' AND text LIKE '%selinux.a%'
    AND text NOT LIKE '%"status"%'`;
    while ((await server.sql(databaseUrl, crossedOut)).length === 0);

    await first.program.kill('SIGKILL');
    // As if ten seconds had passed.
    await server.sql(databaseUrl, `UPDATE leader SET said_at = said_at - interval '10 seconds'`);
    agent.send(findings({ 'selinux.a': 'fail', 'selinux.b': 'fail' }));
    await receiver.count(2);
    t.same(told(), ['firing selinux.a', 'firing selinux.b'], 'nothing that was told is told again');
    t.notSame(await leaders(), [leader]);
    agent.send(findings({ 'selinux.a': 'pass', 'selinux.b': 'fail' }));
    await receiver.count(3);
    t.equal(told().at(-1), 'resolved selinux.a', 'the end of what the other began');

    await first.restart();
    agent.send(findings({ 'selinux.a': 'pass', 'selinux.b': 'pass' }));
    await receiver.count(4);
    await second.program.kill('SIGTERM');
    t.same(
      told(),
      ['firing selinux.a', 'firing selinux.b', 'resolved selinux.a', 'resolved selinux.b'],
      'who comes back looks on',
    );
    while ((await leaders()).length === 0);
    t.notSame(await leaders(), [leader], 'one that stops gives its turn to who is there');
    await agent.closed;
  },
);
