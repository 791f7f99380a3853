import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import type { Agent } from '../../agent/daemon.ts';
import { runAgent, WATCHED } from '../support/agent.ts';
import { runAggregator } from '../support/aggregator.ts';
import { freePort } from '../support/free-port.ts';
import { AggregatorProcess, Program } from '../support/processes.ts';

t.setTimeout(120_000);

/** No delay after a lost connection, half a spread after a failed attempt. */
const random = (): number => 0;

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function isDelivered({ spool }: Agent): boolean {
  return spool.state.acknowledged === spool.state.next - 1;
}

t.test('events survive kill -9 of the aggregator: none missing, none twice', async (t) => {
  const folder = t.testdir({ agent: {}, aggregator: {} });
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
  await using _last = { [Symbol.asyncDispose]: () => aggregator.program.kill('SIGTERM') };
  const link = { url: aggregator.url, token: aggregator.agentToken };
  await using running = await runAgent(join(folder, 'agent'), link, { random });
  const { spool } = running.agent;
  const emit = async (): Promise<void> => {
    for (let n = 0; n < 40; n++) {
      await spool.append({ kind: 'test', class: 'medium', data: { n } });
    }
  };
  for (let round = 0; round < 3; round++) {
    const target = spool.state.acknowledged + randomInt(1, 30);
    const emitting = emit();
    await until(() => spool.state.acknowledged >= target);
    await aggregator.program.kill('SIGKILL');
    const { acknowledged } = spool.state;
    await emitting;
    await emit();
    await aggregator.restart();
    const held = (await aggregator.all('/v1/events')).map(({ sequence }) => Number(sequence));
    const missing = Array.from({ length: acknowledged }, (_, n) => n + 1).filter(
      (n) => !held.includes(n),
    );
    t.same(missing, [], `round ${round}: all ${acknowledged} acknowledged before are held after`);
    await until(() => isDelivered(running.agent));
  }
  const sequences = (await aggregator.all('/v1/events')).map(({ sequence }) => Number(sequence));
  const expected = Array.from({ length: spool.state.next - 1 }, (_, n) => n + 1);
  t.same(
    sequences.sort((a, b) => a - b),
    expected,
    'every event is there, once',
  );
});

t.test('an agent without its aggregator goes on looking and delivers later', async (t) => {
  const folder = t.testdir({ agent: {}, aggregator: {} });
  const port = await freePort();
  const token = join(folder, 'aggregator');
  // The token is made first, as an administrator would.
  const { agentToken } = await first(token);
  const link = { url: `http://127.0.0.1:${port}`, token: agentToken };
  await using running = await runAgent(join(folder, 'agent'), link, { random });
  await running.agent.rescan();
  for (const text of ['bad', 'good', 'bad']) {
    const { next } = running.agent.spool.state;
    running.write(WATCHED, text);
    await until(() => running.agent.spool.state.next > next);
  }
  t.equal(running.agent.spool.state.acknowledged, 0, 'nothing was delivered');
  await using aggregator = await runAggregator(token, {
    listen: { address: '127.0.0.1', port, allowPlain: false },
  });
  await until(() => isDelivered(running.agent));
  const { body } = await aggregator.get('/v1/events');
  const changes = (body as { items: readonly { kind: string; data: object }[] }).items
    .filter(({ kind }) => kind === 'finding.changed')
    .map(({ data }) => data);
  t.match(changes.reverse(), [
    { ruleId: 'file.a', was: 'error', now: 'fail' },
    { ruleId: 'file.a', was: 'fail', now: 'pass' },
    { ruleId: 'file.a', was: 'pass', now: 'fail' },
  ]);
  const findings = await aggregator.get('/v1/findings');
  t.match((findings.body as { items: object[] }).items, [{ ruleId: 'file.a', result: 'fail' }, {}]);
});

async function first(stateDir: string): Promise<{ agentToken: string }> {
  await using aggregator = await runAggregator(stateDir);
  return { agentToken: aggregator.agentToken };
}

t.test('a change made while the agent was not running is an event of its next life', async (t) => {
  const folder = t.testdir({ agent: {}, aggregator: {} });
  await using aggregator = await runAggregator(join(folder, 'aggregator'));
  const link = { url: aggregator.url, token: aggregator.agentToken };
  const kinds = async (): Promise<readonly string[]> => {
    const { body } = await aggregator.get('/v1/events');
    return (body as { items: readonly { kind: string }[] }).items.map(({ kind }) => kind).reverse();
  };
  {
    await using running = await runAgent(join(folder, 'agent'), link, { random });
    running.write(WATCHED, 'good');
    await running.agent.rescan();
    await until(() => isDelivered(running.agent));
  }
  const before = await kinds();
  t.equal(before[0], 'agent.started');
  {
    await using running = await runAgent(join(folder, 'agent'), link, { random });
    await running.agent.rescan();
    await until(() => isDelivered(running.agent));
  }
  t.same(await kinds(), [...before, 'agent.started'], 'nothing changed, nothing told');
  await using running = await runAgent(join(folder, 'agent'), undefined);
  running.write(WATCHED, 'bad');
  await running[Symbol.asyncDispose]();
  await using again = await runAgent(join(folder, 'agent'), link, { random });
  await again.agent.rescan();
  await until(() => isDelivered(again.agent));
  const after = await kinds();
  t.same(
    after.filter((kind) => kind === 'finding.changed').length,
    before.filter((kind) => kind === 'finding.changed').length + 1,
  );
});

t.test('a rescan asked for at the aggregator looks again', async (t) => {
  const folder = t.testdir({ agent: {}, aggregator: {} });
  await using aggregator = await runAggregator(join(folder, 'aggregator'));
  const link = { url: aggregator.url, token: aggregator.agentToken };
  await using running = await runAgent(join(folder, 'agent'), link, { random });
  await running.agent.rescan();
  await until(() => isDelivered(running.agent));
  t.match(await aggregator.post('/v1/nodes/node-1/rescan'), { status: 200 });
});

t.test('state is equal on both sides after random edits and cuts', async (t) => {
  const folder = t.testdir({ agent: {}, aggregator: {} });
  await using aggregator = await runAggregator(join(folder, 'aggregator'));
  const link = { url: aggregator.url, token: aggregator.agentToken };
  await using running = await runAgent(join(folder, 'agent'), link, { random });
  for (let round = 0; round < 30; round++) {
    const items = Array.from({ length: randomInt(0, 6) }, (): [string, object] => [
      `key ${randomInt(6)}`,
      { value: randomInt(3) },
    ]);
    running.agent.state.replace('trust', new Map(items) as Map<string, never>);
    if (round % 10 === 9) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { hash, items } = running.agent.state.section('trust');
  const detail = async (): Promise<Record<string, unknown>> => {
    const { body } = await aggregator.get('/v1/nodes/node-1');
    return (body as { sections: { trust: Record<string, unknown> } }).sections.trust;
  };
  await until(
    async () =>
      JSON.stringify(sorted(await detail())) === JSON.stringify(sorted(Object.fromEntries(items))),
  );
  t.pass(hash);
});

function sorted(object: Record<string, unknown>): unknown {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}

t.test('both programs run as processes, and stop when asked', async (t) => {
  const folder = t.testdir({ agent: { host: { etc: {} } }, aggregator: {} });
  const aggregator = await AggregatorProcess.start(join(folder, 'aggregator'));
  const agent = new Program(
    'agent',
    {
      hostRoot: join(folder, 'agent/host'),
      stateDir: join(folder, 'agent/state'),
      aggregator: {
        url: aggregator.url,
        tokenFile: join(folder, 'aggregator/state/tokens/agents/node-1.token'),
      },
    },
    join(folder, 'agent'),
  );
  await agent.says('connected to the aggregator');
  await until(async () => (await aggregator.get('/v1/findings')).items.length > 10);
  await agent.kill('SIGTERM');
  t.equal(agent.child.exitCode, 0, 'the agent');
  await aggregator.program.kill('SIGTERM');
  t.equal(aggregator.program.child.exitCode, 0, 'the aggregator');
});
