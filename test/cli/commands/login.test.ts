import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fake-io.ts';
import { runFleet } from '../fleet.ts';

t.test('a token that the aggregator takes is kept, another is not', async (t) => {
  const folder = t.testdir({ state: {}, conf: {} });
  await using fleet = await runFleet(join(folder, 'state'));
  const NODESEAL_CONFIG = join(folder, 'conf/config.yaml');
  const env = { NODESEAL_CONFIG, LANG: 'C.UTF-8' };
  const [, server = ''] = fleet.flags;
  const token = fleet.running.adminToken;
  const login = async (words: string, stdin = '') =>
    await runCli(['login', ...words.split(' ')], { env, stdin });
  const kept = join(folder, 'conf/tokens/lab');

  const wrong = await login(`lab --server ${server}`, `nsu_0123456789abcdef.${'a'.repeat(43)}`);
  t.equal(wrong.exit, 4, wrong.stderr);
  t.match(wrong.stderr, 'does not know who asks');
  t.notMatch(wrong.stderr, 'aaaa');
  t.same(
    existsSync(join(folder, 'conf/tokens')) ? readdirSync(join(folder, 'conf/tokens')) : [],
    [],
  );
  t.notOk(existsSync(NODESEAL_CONFIG));

  const right = await login(`lab --server ${server}`, `${token}\n`);
  t.same(right, { exit: 0, stdout: `logged in to ${server} as context lab\n`, stderr: '' });
  t.equal(readFileSync(kept, 'utf8'), `${token}\n`);
  t.equal(statSync(kept).mode & 0o777, 0o600);
  t.equal(statSync(join(folder, 'conf/tokens')).mode & 0o77, 0);
  t.notMatch(readFileSync(NODESEAL_CONFIG, 'utf8'), token);
  t.equal((await runCli(['get', 'nodes', '-o', 'name'], { env })).stdout, 'node/node-1\n');

  // A new token for the same context: its server is known.
  const file = join(folder, 'mine');
  writeFileSync(file, token);
  t.equal((await login(`lab --token-file ${file}`)).exit, 0);
  writeFileSync(file, 'wrong');
  t.equal((await login(`lab --token-file ${file}`)).exit, 4);
  t.equal(readFileSync(kept, 'utf8'), `${token}\n`, 'the one that holds stays');
  t.equal((await login(`other --server http://127.0.0.1:1`, token)).exit, 4);
  t.same(readdirSync(join(folder, 'conf/tokens')), ['lab']);
});

const TOKEN = `nsu_0123456789abcdef.${'b'.repeat(43)}`;
const cases: readonly (readonly [words: string, stdin: string, exit: number, said: RegExp])[] = [
  ['a', 'x', 2, /context 'a' is new and has no server/],
  ['../a --server https://h', 'x', 2, /is no name of a context/],
  ['a b --server https://h', 'x', 2, /too many arguments/],
  ['a --server ftp://h', 'x', 2, /server address/],
  ['a --server http://far.example', 'x', 2, /over plain HTTP/],
  ['a --server https://u:p@h', 'x', 2, /more than host, port/],
  ['a --server http://localhost:1', '', 7, /standard input holds no token/],
  ['a --server http://localhost:1', 'two words', 7, /expected one line/],
  ['a --server http://localhost:1', 'a\nb', 7, /expected one line/],
  ['a --server http://localhost:1', 'x'.repeat(20_000), 7, /expected one line/],
  ['a --server http://localhost:1 --token-file /nowhere', '', 5, /no such file/],
  ['a --server http://localhost:1 --ca-file /nowhere', 'x', 5, /no such file/],
  ['a --server http://localhost:1 --timeout soon', 'x', 2, /--timeout soon/],
  [`a --server https://h --token ${TOKEN}`, '', 2, /not taken from the command line/],
  [`a --server https://h --token=${TOKEN}`, '', 2, /not taken from the command line/],
  [`${TOKEN} --server https://h`, '', 2, /not taken from the command line/],
];
for (const [words, stdin, exit, said] of cases) {
  t.test(`nodeseal login ${words} < ${stdin.slice(0, 20)}`, async (t) => {
    const env = { NODESEAL_CONFIG: join(t.testdir({}), 'config.yaml'), LANG: 'C.UTF-8' };
    const answer = await runCli(['login', ...words.split(' ')], { env, stdin });
    t.equal(answer.exit, exit, answer.stderr);
    t.match(answer.stderr, said);
    t.notMatch(answer.stderr, 'bbbb', 'a token is not shown');
    t.same(
      readdirSync(t.testdirName, { recursive: true, withFileTypes: true }).filter((e) =>
        e.isFile(),
      ),
      [],
    );
  });
}
