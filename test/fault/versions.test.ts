import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeFrame } from '../../shared/frames.ts';
import type { AgentFrame, AggregatorFrame, Frame } from '../../shared/protocol.ts';
import { AgentClient, event } from '../support/agent-client.ts';
import { runAggregator } from '../support/aggregator.ts';
import { FrameServer } from '../support/frame-server.ts';
import { LinkNode } from '../support/link-node.ts';

/** Frames as each release sent them: test/fixtures/frames/README.md. */
const golden = join(import.meta.dirname, '../fixtures/frames');
const names = readdirSync(golden).filter((name) => name.endsWith('.json'));

function frame<F extends Frame>(name: string): F {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8')) as F; // frames.test.ts holds that it is
}

/** As a later release may send it: with members that this one does not know. */
function later<F extends Frame>(of: F): F {
  return { ...of, later: { than: ['this'] } };
}

const fromAgent = [
  'state-full',
  'state-delta',
  'events',
  'heartbeat',
  'result',
  'result-refused',
  'authenticate',
  'error',
] as const;
const fromAggregator = [
  'stateApplied',
  'stateNeeded',
  'ack',
  'reject',
  'command',
  'drain',
  'error',
] as const;

t.test('I15 versions mix: there is a test for each frame that was recorded', async (t) => {
  const told = ['hello', 'welcome', 'welcome-first', ...fromAgent, ...fromAggregator];
  t.same(
    names.map((name) => name.replace('.json', '')).sort(),
    [...new Set([...told, 'heartbeat'])].sort(),
  );
});

for (const [age, aged] of [
  ['an agent of an earlier release', (of: AgentFrame) => of],
  ['an agent of a later release', later<AgentFrame>],
] as const) {
  t.test(`I15 versions mix: ${age} with this aggregator`, async (t) => {
    await using server = await runAggregator(t.testdir());
    const agent = new AgentClient(server.url, server.agentToken);
    await once(agent.socket, 'open');
    agent.send(aged(frame('hello')));
    t.match(await agent.next('welcome'), { have: { epoch: '000001-x', sequence: 1040 } });
    for (const name of fromAgent) agent.send(aged(frame(name)));
    agent.socket.send(encodeFrame({ type: 'invented' } as unknown as Frame));
    t.match(await agent.next('ack'), { epoch: '000001-x', sequence: 1359 }, 'events');
    t.match(await agent.next('stateNeeded'), { section: 'checks', why: 'baseUnknown' }, 'state');
    t.ok(await agent.next('error', ({ code }) => code === 'authenticate'), 'no token');
    t.ok(await agent.next('error', ({ code }) => code === 'unsupported'), 'a frame of the future');
    agent.send({ type: 'events', epoch: '000001-x', items: [event(1360)] });
    await agent.next('ack', ({ sequence }) => sequence === 1360);
    t.match(await server.get('/v1/nodes/node-1'), {
      body: { session: { conditions: ['SpoolDegraded'] }, node: { agentVersion: '0.1.0' } },
    });
    await agent.close();
  });
}

for (const [age, aged] of [
  ['an aggregator of an earlier release', (of: AggregatorFrame) => of],
  ['an aggregator of a later release', later<AggregatorFrame>],
] as const) {
  for (const welcome of ['welcome', 'welcome-first']) {
    t.test(`I15 versions mix: ${age} with this agent, ${welcome}`, async (t) => {
      const folder = t.testdir({});
      const tokenFile = join(folder, 'token');
      writeFileSync(tokenFile, 'secret');
      await using server = await FrameServer.listen();
      await using node = await LinkNode.start({ folder, url: server.url, tokenFile });
      node.state.replace('images', new Map([['a', { verdict: 'accepted' }]]));
      const peer = await server.peer();
      await peer.next('hello');
      peer.send(aged(frame(welcome)));
      await peer.next('state', ({ section }) => section === 'images');
      for (const name of fromAggregator) peer.send(aged(frame(name)));
      peer.send(aged(frame('heartbeat')));
      peer.socket.send(encodeFrame({ type: 'invented' } as unknown as Frame));
      t.match(await peer.next('result'), { id: '01JX', ok: false, error: 'unsupported' });
      await peer.next('state', ({ section, mode }) => section === 'images' && mode === 'full');
      t.match(await peer.next('error'), { code: 'unsupported' }, 'a frame of the future');
      await node.spool.append({ kind: 'test', class: 'low', data: {} });
      t.match(await peer.next('events'), { items: [{ sequence: 1 }] }, 'and goes on');
      t.equal(node.uplink.session, frame<Extract<Frame, { type: 'welcome' }>>(welcome).session);
    });
  }
}
