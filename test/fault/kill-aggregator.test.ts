import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { AgentClient, event } from '../support/agent-client.ts';
import { randomFrom } from '../support/random.ts';

const KILLS = Number(process.env['NODESEAL_KILLS'] ?? 6);
const SEED = Number(process.env['NODESEAL_SEED'] ?? Date.now() % 1e9);
const EPOCH = 'epoch-1';
const BATCH = 20;
const INFLIGHT = 400;

interface Child {
  readonly process: ChildProcess;
  readonly url: string;
}

/** The aggregator as it is run, in a process of its own; resolves when it is ready. */
async function start(config: string): Promise<Child> {
  const main = join(import.meta.dirname, '../../aggregator/main.ts');
  const child = spawn(process.execPath, [main, '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) {
      child.stdout.resume();
      return { process: child, url };
    }
  }
  throw new Error('the aggregator ended before it was ready');
}

t.test(`I1 an acknowledged event survives any crash: ${KILLS} kills, seed ${SEED}`, async (t) => {
  const random = randomFrom(SEED);
  const stateDir = t.testdir({ state: {} });
  const config = join(stateDir, 'aggregator.yaml');
  const state = join(stateDir, 'state');
  writeFileSync(
    config,
    JSON.stringify({
      stateDir: state,
      listen: { port: 0 },
      bootstrapAgent: 'node-1',
      logLevel: 'info',
    }),
  );
  let acknowledged = 0;
  let sentThrough = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const aggregator = await start(config);
    const token = readFileSync(join(state, 'tokens/agents/node-1.token'), 'utf8').trim();
    const spool = { epoch: EPOCH, first: 1, next: sentThrough + 1, bytes: 0, lost: 0 };
    const agent = await AgentClient.connect(aggregator.url, token, { spool });
    const held = await heldBy(agent, acknowledged);
    t.ok(held >= acknowledged, `${held} held, ${acknowledged} acknowledged`);
    const died = once(aggregator.process, 'exit');
    // The kill falls on whatever the aggregator is doing when so many are acknowledged, or a little after.
    const target = held + 1 + random.below(3000);
    const delayMs = random.below(8);
    let next = held + 1;
    const feed = (): void => {
      while (next - acknowledged <= INFLIGHT) {
        const sequences = Array.from({ length: BATCH }, (_, index) => next + index);
        agent.send({ type: 'events', epoch: EPOCH, items: sequences.map((n) => event(n)) });
        next += BATCH;
      }
      sentThrough = Math.max(sentThrough, next - 1);
    };
    acknowledged = held;
    feed();
    while (acknowledged < target) {
      acknowledged = Math.max(acknowledged, (await agent.next('ack')).sequence);
      feed();
    }
    setTimeout(() => aggregator.process.kill('SIGKILL'), delayMs);
    await died;
    await agent.closed;
    for (const frame of agent.received) {
      if (frame.type === 'ack') acknowledged = Math.max(acknowledged, frame.sequence);
    }
  }
  const database = new DatabaseSync(join(state, 'nodeseal.db'));
  const row = database
    .prepare('SELECT count(*) AS n, count(DISTINCT sequence) AS d, max(through) AS m FROM event')
    .get();
  const [check] = database.prepare('PRAGMA integrity_check').all();
  database.close();
  t.equal(check?.['integrity_check'], 'ok');
  t.equal(row?.['n'], row?.['d'], 'I3 no event is stored twice');
  t.equal(row?.['n'], row?.['m'], 'there is no hole');
  t.ok(Number(row?.['m']) >= acknowledged, `${row?.['m']} stored, ${acknowledged} acknowledged`);
  t.ok(acknowledged > KILLS, 'and something was acknowledged');
});

/** What the aggregator said in `welcome` it holds: the client took that frame, so a duplicate asks for it. */
async function heldBy(agent: AgentClient, acknowledged: number): Promise<number> {
  if (acknowledged === 0) return 0;
  agent.events([1], EPOCH);
  return (await agent.next('ack')).sequence;
}
