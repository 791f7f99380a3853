import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { AgentClient, heartbeatFrame } from '../support/agent-client.ts';
import { type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { until } from '../support/link-node.ts';
import { PostgresServer, withoutPostgres } from '../support/postgres.ts';

t.setTimeout(90_000);

/** No session ends because time passes at once here. */
const limits = {
  ...{ handshakes: 512, handshakesPerSource: 128 },
  ...{ heartbeatSeconds: 20, silentSeconds: 100_000, helloSeconds: 5 },
};
const HOUR_MS = 3_600_000;
/** Longer than until a node that is not heard is late. */
const LONG_MS = 120_000;

/** An aggregator's clock: set wrong by so much, and time can be let pass. */
class WrongClock implements Clock {
  passedMs = 0;
  readonly #aheadMs: number;
  constructor(aheadMs: number) {
    this.#aheadMs = aheadMs;
  }
  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs + this.passedMs;
  }
  monotonicMs(): number {
    return systemClock.monotonicMs() + this.passedMs;
  }
}

/** A node that says that it is there. */
async function connect(t: Test, url: string, token: string): Promise<void> {
  const agent = await AgentClient.connect(url, token);
  const beating = setInterval(() => {
    agent.send(heartbeatFrame());
  }, 500);
  t.teardown(() => {
    clearInterval(beating);
    return agent.close();
  });
}

async function stateOf(
  { url }: RunningAggregator,
  admin: string,
  name: string,
): Promise<string | undefined> {
  const headers = { authorization: `Bearer ${admin}` };
  const response = await fetch(`${url}/v1/nodes/${name}`, { headers });
  if (!response.ok) return undefined;
  return ((await response.json()) as { node: { state: string } }).node.state;
}

t.test('I11 clocks of two aggregators that differ', { skip: withoutPostgres }, async (t) => {
  const postgres = await PostgresServer.create();
  t.teardown(() => postgres[Symbol.asyncDispose]());
  const run = async (name: string, aheadMs: number): Promise<void> => {
    const databaseUrl = await postgres.database();
    const folder = join(t.testdirName, name);
    const [clock, right] = [new WrongClock(aheadMs), new WrongClock(0)];
    const wrong = await runAggregator(join(folder, 'wrong'), { databaseUrl, limits }, clock);
    t.teardown(() => wrong[Symbol.asyncDispose]());
    const other = await runAggregator(join(folder, 'right'), { databaseUrl, limits }, right);
    t.teardown(() => other[Symbol.asyncDispose]());
    const { adminToken } = wrong;
    const { body } = await wrong.post('/v1/tokens', { kind: 'agent', name: 'node-2' });
    await connect(t, wrong.url, wrong.agentToken);
    await connect(t, other.url, (body as { token: string }).token);
    for (const [seenBy, clockOf, node] of [
      [wrong, clock, 'node-2'],
      [other, right, 'node-1'],
    ] as const) {
      const state = (): Promise<string | undefined> => stateOf(seenBy, adminToken, node);
      await until(async () => (await state()) === 'online', 100);
      clockOf.passedMs += LONG_MS;
      await until(async () => (await state()) === 'online', 100);
      t.pass(`${node} is connected to the other aggregator, and online here: ${name}`);
    }
  };
  await Promise.all([run('one is an hour ahead', HOUR_MS), run('one is an hour behind', -HOUR_MS)]);
});
