import t from 'tap';
import type { Command, CommandResult } from '../../shared/protocol.ts';
import { readAnswer } from '../../shared/simulation/node-answer.ts';
import { EVALUATE_POLICY } from '../../shared/simulation.ts';
import { runAgent } from '../support/agent.ts';
import { FrameServer, type Peer } from '../support/frame-server.ts';
import { pulled, trustFiles } from '../support/signed-images.ts';
import { storeFiles, writeFiles } from '../support/store-tree.ts';

const NAME = 'any.example.com/tool:v1';
const POLICY = JSON.stringify({ default: [{ type: 'reject' }] });

async function ask(
  peer: Peer,
  id: string,
  candidate: Command['arguments'],
): Promise<CommandResult> {
  const deadlineMs = Date.now() + 60_000;
  peer.send({ type: 'command', id, verb: EVALUATE_POLICY, arguments: candidate, deadlineMs });
  return await peer.next('result', (result) => result.id === id);
}

t.test('an aggregator asks an agent to rehearse a policy', async (t) => {
  const folder = t.testdir({ host: {} });
  writeFiles(`${folder}/host`, {
    ...trustFiles(),
    ...storeFiles([pulled({ seed: 'tool', names: [NAME] })]),
  });
  await using server = await FrameServer.listen();
  await using _agent = await runAgent(folder, { url: server.url, token: 'x' });
  const peer = await server.peer();
  const { capabilities } = await peer.next('hello');
  t.ok(capabilities.includes('command.evaluatePolicy'), 'it says that it can');
  peer.welcome();

  const { ok, data } = await ask(peer, 'good', { policy: POLICY });
  t.ok(ok);
  t.match(readAnswer([data]), {
    policy: '/etc/containers/policy.json',
    images: [{ reference: NAME, now: 'unenforced', after: 'rejected', reason: 'policy-reject' }],
  });

  for (const [id, candidate, error] of [
    ['none', null, /^candidate: /],
    ['text', 'policy', /^candidate: /],
    ['no policy', { policy: '{' }, /^policy:1:2: /],
    ['a path', { policy: POLICY, registriesD: [{ name: '../x', text: '' }] }, /a file name/],
  ] as const) {
    t.match(await ask(peer, id, candidate), { ok: false, error }, id);
  }
});
