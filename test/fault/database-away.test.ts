import { join } from 'node:path';
import t from 'tap';
import { CLOSE } from '../../shared/protocol.ts';
import { AgentClient, event, helloFrame, state } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';

const BATCH = 20;

/** Sends until the connection is gone; answers with what was acknowledged and what was sent. */
async function feed(
  agent: AgentClient,
  from: number,
  onAck: (acknowledged: number) => void,
): Promise<{ readonly acknowledged: number; readonly sent: number }> {
  let [acknowledged, next] = [from, from + 1];
  try {
    for (;;) {
      while (next - acknowledged <= 10 * BATCH) {
        const items = Array.from({ length: BATCH }, (_, index) => event(next + index));
        agent.send({ type: 'events', epoch: 'epoch-1', items });
        next += BATCH;
      }
      acknowledged = Math.max(acknowledged, (await agent.next('ack')).sequence);
      onAck(acknowledged);
    }
  } catch {
    await agent.closed;
    for (const frame of agent.received) {
      if (frame.type === 'ack') acknowledged = Math.max(acknowledged, frame.sequence);
    }
    return { acknowledged, sent: next - 1 };
  }
}

/** Asks for readiness until it is as wanted. */
async function untilReady(server: RunningAggregator, status: number): Promise<unknown> {
  for (;;) {
    const answer = await server.get('/readyz?verbose', null);
    if (answer.status === status) return answer.body;
  }
}

t.test('the database goes away and comes back', { skip: withoutPostgres }, async (t) => {
  const postgres = await PostgresServer.create();
  t.teardown(() => postgres[Symbol.asyncDispose]());
  const databaseUrl = await postgres.database();
  await using server = await runAggregator(join(t.testdir({}), 'state'), { databaseUrl });
  t.match(await untilReady(server, 200), { checks: [{ name: 'store', ok: true }] });
  let acknowledged = 0;
  for (const mode of ['fast', 'immediate'] as const) {
    const spool = { epoch: 'epoch-1', first: 1, next: acknowledged + 1, bytes: 0, lost: 0 };
    const agent = await AgentClient.connect(server.url, server.agentToken, { spool });
    const target = acknowledged + 500;
    let stopping: Promise<void> | undefined;
    const fed = await feed(agent, acknowledged, (sequence) => {
      if (sequence >= target) stopping ??= postgres.stop(mode);
    });
    await stopping;
    t.equal(await agent.closed, CLOSE.overloaded, `${mode}: the agent is sent off`);
    t.match(
      agent.received.find(({ type }) => type === 'error'),
      { code: 'storeUnavailable', keepIdentity: true, retryAfterSeconds: /\d/ },
      'with a reason and when to come back',
    );
    t.match(
      await untilReady(server, 503),
      { status: 'not ready', checks: [{ name: 'store', ok: false, reason: /PostgreSQL: / }] },
      'readiness says why',
    );
    t.equal((await server.get('/healthz', null)).status, 200, 'the process lives');
    t.match(await server.get('/v1/findings'), { status: 503, body: { code: 'storeUnavailable' } });
    t.match(await server.get('/v1/nodes'), { status: 200 }, 'what is in memory is answered');
    const turned = new AgentClient(server.url, server.agentToken);
    turned.socket.once('open', () => turned.send(helloAgain(fed.sent)));
    t.equal(await turned.closed, CLOSE.overloaded, 'who comes meanwhile is sent off too');

    await postgres.start();
    await untilReady(server, 200);
    const back = await AgentClient.connect(server.url, server.agentToken, {
      spool: { ...spool, next: fed.sent + 1 },
    });
    const held = await heldBy(back);
    t.ok(held >= fed.acknowledged, `${held} held, ${fed.acknowledged} acknowledged`);
    const [row] = await postgres.sql(
      databaseUrl,
      `SELECT count(*)::int AS n, count(DISTINCT sequence)::int AS d, max(through)::int AS m
         FROM event JOIN spool ON spool.id = event.spool WHERE epoch = 'epoch-1'`,
    );
    t.match(row, { n: held, d: held, m: held }, 'nothing is lost, nothing is there twice');
    back.send(state('checks', new Map()));
    await back.next('stateApplied');
    await back.close();
    acknowledged = held;
  }
});

function helloAgain(sent: number) {
  const spool = { epoch: 'epoch-1', first: 1, next: sent + 1, bytes: 0, lost: 0 };
  return helloFrame({ spool });
}

/** A duplicate asks for what is held. */
async function heldBy(agent: AgentClient): Promise<number> {
  agent.events([1]);
  return (await agent.next('ack')).sequence;
}
