import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import type { Json } from '../../shared/canonical.ts';
import { accountOf } from '../support/account.ts';
import { AgentClient, event, helloFrame, state } from '../support/agent-client.ts';
import { runAggregator } from '../support/aggregator.ts';
import { until } from '../support/link-node.ts';
import { FarNetwork } from '../support/network.ts';
import { AggregatorProcess } from '../support/processes.ts';

t.setTimeout(60_000);

const EPOCH = 'epoch-1';

const by = (who: string, sequence: number) =>
  event(sequence, { kind: 'test', data: { id: `${who} ${sequence}` } });
const files = (who: string): ReadonlyMap<string, Json> => new Map([['/a', { who }]]);

t.test('I7 an older session cannot overwrite a newer one: both write at once', async (t) => {
  const stateDir = t.testdir({});
  await using server = await runAggregator(stateDir);
  let held = 0;
  const spool = { epoch: EPOCH, first: 1, next: 1, bytes: 0, lost: 0 };
  let older = await AgentClient.connect(server.url, server.agentToken, { spool });
  const takenOver: number[] = [];
  for (let round = 0; round < 20; round++) {
    // The older one goes on writing while the newer one says hello, and after.
    let next = held + 1;
    const writing = setInterval(() => {
      if (older.socket.readyState !== older.socket.OPEN) return;
      older.send({ type: 'events', epoch: EPOCH, items: [by('older', next++)] });
      older.send(state('files', files('older')));
    }, 1);
    await older.next('ack');
    const newer = new AgentClient(server.url, server.agentToken);
    await once(newer.socket, 'open');
    newer.send(helloFrame({ spool: { ...spool, next } }));
    const { have } = await newer.next('welcome');
    takenOver.push(have.sequence);
    newer.send({ type: 'events', epoch: EPOCH, items: [by('newer', have.sequence + 1)] });
    newer.send(state('files', files(`newer ${round}`)));
    await newer.next('stateApplied');
    await newer.next('ack', ({ sequence }) => sequence > have.sequence);
    t.equal(await older.closed, 4009);
    clearInterval(writing);
    held = have.sequence + 1;
    older = newer;
  }
  const account = accountOf(join(stateDir, 'nodeseal.db'), 'node-1');
  t.match(account, { duplicates: 0, holes: 0 });
  const records = account.epochs.get(EPOCH) ?? [];
  for (const sequence of takenOver) {
    const [next] = records.filter((record) => record.sequence === sequence + 1);
    t.equal(next?.id, `newer ${sequence + 1}`, 'what follows is of the newer session');
  }
  t.match(await server.get('/v1/nodes/node-1'), {
    body: { sections: { files: { '/a': { who: 'newer 19' } } } },
  });
});

const client = new URL('../support/agent-client.ts', import.meta.url).href;

/** Connects, and writes when told to: it does not know that nobody hears it. */
const script = `
import { createInterface } from 'node:readline';
import { AgentClient, event, state } from ${JSON.stringify(client)};
const [url, token] = process.argv.slice(1);
const agent = await AgentClient.connect(url, token);
agent.send({ type: 'events', epoch: 'epoch-1', items: [event(1)] });
await agent.next('ack');
console.log('connected');
agent.closed.then((code) => { console.log('closed', code); process.exit(); });
for await (const _ of createInterface({ input: process.stdin })) {
  const item = event(2, { kind: 'test', data: { id: 'older 2' } });
  agent.send({ type: 'events', epoch: 'epoch-1', items: [item] });
  agent.send(state('files', new Map([['/a', { who: 'older' }]])));
  console.log('written');
}
`;

const far = FarNetwork.make(1);

t.test(
  'I7 an older session cannot overwrite a newer one: half-open and healed later',
  { skip: typeof far === 'string' ? far : false },
  async (t) => {
    if (typeof far === 'string') return;
    t.teardown(() => far[Symbol.dispose]());
    const folder = t.testdir({});
    const aggregator = await AggregatorProcess.start(folder, {
      listen: { address: far.here, allowPlain: true },
    });
    await using _stop = { [Symbol.asyncDispose]: () => aggregator.program.kill('SIGKILL') };
    const { url, agentToken } = aggregator;
    const [program = '', ...words] = far.inside;
    const node = [process.execPath, '--input-type=module', '-e', script, url, agentToken];
    const older = spawn(program, [...words, ...node], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines: string[] = [];
    createInterface({ input: older.stdout }).on('line', (line) => lines.push(line));
    await until(() => lines.includes('connected'));
    far.cut();
    older.stdin.write('write\n');
    await until(() => lines.includes('written'));
    const spool = { epoch: EPOCH, first: 1, next: 2, bytes: 0, lost: 0 };
    const newer = await AgentClient.connect(url, agentToken, { spool });
    newer.send({ type: 'events', epoch: EPOCH, items: [by('newer', 2)] });
    newer.send(state('files', files('newer')));
    await newer.next('ack', ({ sequence }) => sequence === 2);
    await newer.next('stateApplied');
    // What was written meanwhile arrives now, on a connection that the server still has.
    far.heal();
    await once(older, 'exit');
    t.match(lines.at(-1), /^closed (?:4009|1006)$/, 'the older one was ended');
    newer.send({ type: 'events', epoch: EPOCH, items: [by('newer', 3)] });
    await newer.next('ack', ({ sequence }) => sequence === 3);
    const account = accountOf(join(folder, 'state/nodeseal.db'), 'node-1');
    t.same(account.ids, ['newer 2', 'newer 3'], 'nothing of the older one was stored');
    const { sections } = (await aggregator.get('/v1/nodes/node-1')) as unknown as {
      sections: object;
    };
    t.match(sections, { files: { '/a': { who: 'newer' } } });
    await newer.close();
  },
);
