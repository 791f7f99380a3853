import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { VERSION } from '../../../shared/version.ts';
import { runCli } from '../fake-io.ts';
import { runFleet } from '../fleet.ts';

t.test('client and server', async (t) => {
  const folder = t.testdir({ state: {} });
  await using fleet = await runFleet(join(folder, 'state'));
  const both = await runCli(['version', '-o', 'json', ...fleet.flags]);
  t.equal(both.exit, 0, both.stderr);
  t.match(JSON.parse(both.stdout), {
    kind: 'Version',
    client: { version: VERSION, node: process.version },
    server: { version: VERSION, store: { kind: 'sqlite', schema: Number } },
  });
  const people = await runCli(['version', ...fleet.flags]);
  t.match(
    people.stdout,
    /^nodeseal \S+ \(Node.js .*\)\naggregator \S+ \(Node.js .*sqlite schema \d+\)\n$/,
  );
  const config = join(folder, 'config.yaml');
  const [, server, , tokenFile] = fleet.flags;
  writeFileSync(
    config,
    JSON.stringify({ currentContext: 'a', contexts: [{ name: 'a', server, tokenFile }] }),
  );
  const env = { NODESEAL_CONFIG: config };
  t.match(
    (await runCli(['version'], { env })).stdout,
    'aggregator ',
    'the current context is asked',
  );
  t.notMatch((await runCli(['version', '--client'], { env })).stdout, 'aggregator ');
});

t.test('without a server, and one that cannot be reached', async (t) => {
  const env = { NODESEAL_CONFIG: '/nowhere/config.yaml' };
  const alone = await runCli(['version', '-o', 'json'], { env });
  t.equal(alone.exit, 0);
  t.match(JSON.parse(alone.stdout), { client: { version: VERSION }, server: null });
  const words = ['version', '-o', 'json', '--server', 'http://127.0.0.1:1'];
  const away = await runCli(words, { env });
  t.equal(away.exit, 4);
  t.match(JSON.parse(away.stdout), { client: { version: VERSION }, server: null });
  t.match(away.stderr, 'nothing listens there');
});
