import { join } from 'node:path';
import t from 'tap';
import { images } from '../../agent/checks/images.ts';
import type { SimulationResult } from '../../shared/simulation.ts';
import { runCli } from '../cli/fake-io.ts';
import { runAgent } from '../support/agent.ts';
import { runAggregator } from '../support/aggregator.ts';
import { until } from '../support/link-node.ts';
import {
  ANYTHING,
  manifestOf,
  OTHER_KEY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../support/signed-images.ts';
import { storeFiles, writeFiles } from '../support/store-tree.ts';

const APP = 'registry.example.com/team/app:v1';
const TOOL = 'any.example.com/tool:v1';
const keyData = Buffer.from(OTHER_KEY.pem).toString('base64');
const OTHER = [{ type: 'sigstoreSigned', keyData }];
const STORE = {
  ...trustFiles(),
  ...storeFiles([
    pulled({ seed: 'app', names: [APP], signatures: [signed(APP, manifestOf('app'))] }),
    pulled({ seed: 'tool', names: [TOOL] }),
  ]),
};

t.test('real agents are asked through the command line, one from its last report', async (t) => {
  const folder = t.testdir({ here: { host: {} }, gone: { host: {} }, state: {} });
  await using server = await runAggregator(join(folder, 'state'));
  const { body } = await server.post('/v1/tokens', { kind: 'agent', name: 'gone' });
  const tokens = { here: server.agentToken, gone: (body as { token: string }).token };
  const start = async (name: 'here' | 'gone') => {
    writeFiles(join(folder, name, 'host'), STORE);
    const link = { url: server.url, token: tokens[name] };
    return await runAgent(join(folder, name), link, { checks: [images], random: () => 0 });
  };
  const reported = async (count: number): Promise<boolean> => {
    const { body } = await server.get('/v1/images');
    return (body as { items: readonly unknown[] }).items.length === count;
  };
  {
    await using _gone = await start('gone');
    await until(() => reported(2));
  }
  await using _here = await start('here');
  await until(() => reported(4));

  const simulate = async (docker: object): Promise<SimulationResult & { exit: number }> => {
    const policy = join(folder, 'policy.json');
    const text = JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } });
    writeFiles(folder, { 'policy.json': text });
    const words = ['simulate', '--policy', policy, '--server', server.url, '-o', 'json'];
    const token = ['--token-file', join(folder, 'state/tokens/admin.token')];
    const { exit, stdout } = await runCli([...words, ...token]);
    return { ...(JSON.parse(stdout) as SimulationResult), exit };
  };
  const team = 'registry.example.com/team';

  await t.test('what needs no signature is decided for both', async (t) => {
    const result = await simulate({ [team]: SIGNED });
    t.equal(result.exit, 1, 'a refusal speaks first');
    t.match(result, {
      summary: { uses: 4, images: 2, now: { accepted: 2, unenforced: 2 }, after: { accepted: 2 } },
      items: [
        {
          change: 'newlyRefused',
          reference: TOOL,
          nodes: ['gone', 'node-1'],
          staleNodes: ['gone'],
        },
      ],
      nodes: [
        { node: 'gone', source: 'lastKnown' },
        { node: 'node-1', source: 'live' },
      ],
    });
    t.equal(result.items.length, 1);
  });

  await t.test('what does is decided where the signatures are', async (t) => {
    const { items } = await simulate({ [team]: OTHER, 'any.example.com': ANYTHING });
    t.match(items, [
      { change: 'newlyRefused', reference: APP, nodes: ['node-1'] },
      { change: 'undecided', reference: APP, nodes: ['gone'], reason: 'node-not-asked' },
    ]);
    t.equal(items.length, 2);
  });
});
