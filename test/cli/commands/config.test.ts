import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fake-io.ts';
import { runFleet } from '../fleet.ts';

t.test('contexts are added, listed, chosen and used', async (t) => {
  await using fleet = await runFleet(t.testdir({ home: {} }));
  const file = join(t.testdirName, 'home', 'deep', 'config.yaml');
  const env = { NODESEAL_CONFIG: file, LANG: 'C.UTF-8' };
  const nodeseal = async (words: string) => await runCli(words.split(' '), { env });
  const empty = await nodeseal('config get-contexts');
  t.equal(empty.exit, 0);
  t.match(empty.stderr, /^no contexts in /);
  const [, server = '', , tokenFile = ''] = fleet.flags;
  const added = await nodeseal(
    `config set-context lab --server ${server} --token-file ${tokenFile}`,
  );
  t.same(added, { exit: 0, stdout: 'context lab added\n', stderr: '' });
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(
    (await nodeseal('get nodes -o name')).stdout,
    'node/node-1\n',
    'the first is the current one',
  );

  await nodeseal('config set-context other --server https://other.example.com');
  t.equal((await nodeseal('get nodes --context lab')).exit, 0);
  t.equal(
    (await nodeseal('config get-contexts --no-headers')).stdout.replaceAll(/ +/g, ' '),
    `lab * ${server} ${tokenFile}\nother - https://other.example.com -\n`,
  );
  t.equal((await nodeseal('config use-context other')).stdout, 'current context: other\n');
  t.match(JSON.parse((await nodeseal('config view -o json')).stdout), { currentContext: 'other' });
  t.match(
    (await nodeseal('config view')).stdout,
    /^apiVersion: "?nodeseal.dev\/v1"?\nkind: Config\n/,
  );

  const near = await nodeseal('config use-context oter');
  t.equal(near.exit, 5);
  t.match(near.stderr, /next: did you mean 'other'\?/);
  t.equal((await nodeseal('get nodes --context nowhere')).exit, 5);
  t.equal((await nodeseal('config set-context new')).exit, 2, 'a new one needs a server');
  t.equal((await nodeseal('config set-context new --server http://far.example')).exit, 2);
  const changed = await nodeseal('config set-context lab --ca-file ca.pem');
  t.equal(changed.stdout, 'context lab changed\n');
  t.match(readFileSync(file, 'utf8'), join(process.cwd(), 'ca.pem'), 'as typed, from here');
});

t.test('a configuration written by hand, in YAML', async (t) => {
  await using fleet = await runFleet(t.testdir({}));
  const [, server = ''] = fleet.flags;
  const folder = t.testdirName;
  const text = `# mine\ncurrentContext: lab\ncontexts:\n  - name: lab\n    server: ${server}\n    tokenFile: cli.token\n`;
  writeFileSync(join(folder, 'config.yaml'), text);
  const env = { NODESEAL_CONFIG: join(folder, 'config.yaml') };
  const { exit, stdout, stderr } = await runCli(['get', 'nodes', '-o', 'name'], { env });
  t.equal(exit, 0, stderr);
  t.equal(stdout, 'node/node-1\n', 'the token file lies beside the configuration');
});

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['no YAML', 'contexts: [', /is no valid configuration\n {2}why: /],
  ['no mapping', '[1]', /why: config: expected an object, found list/],
  ['an unknown key', 'curentContext: a', /unknown key, did you mean "currentContext"\?/],
  [
    'an unknown key of a context',
    'contexts: [{name: a, server: b, token: c}]',
    /contexts\[0\]\.token: unknown key/,
  ],
  [
    'a context without server',
    'contexts: [{name: a}]',
    /contexts\[0\]\.server: expected text, found nothing/,
  ],
  ['one name twice', 'contexts: [{name: a, server: b}, {name: a, server: c}]', /stands twice/],
  ['another version', 'apiVersion: nodeseal.dev/v9', /apiVersion: expected nodeseal.dev\/v1/],
  ['a repeated key', 'kind: Config\nkind: Config', /why: /],
  ['JSON that is cut', '{"contexts":', /why: /],
  ['aliases', 'a: &a [1]\ncontexts: *a', /why: /],
];
for (const [name, text, why] of broken) {
  t.test(`a configuration with ${name}`, async (t) => {
    const env = { NODESEAL_CONFIG: join(t.testdir({ 'config.yaml': text }), 'config.yaml') };
    const { exit, stdout, stderr } = await runCli(['get', 'nodes'], { env });
    t.equal(exit, 7, stderr);
    t.equal(stdout, '');
    t.match(stderr, why);
  });
}

t.test('contexts that are added at the same time are all there', async (t) => {
  const folder = t.testdir({});
  const env = { NODESEAL_CONFIG: join(folder, 'config.yaml') };
  const names = Array.from({ length: 20 }, (_, n) => `c${n}`);
  const answers = await Promise.all(
    names.map(async (name) => {
      const words = ['config', 'set-context', name, '--server', 'https://a.example.com'];
      return await runCli(words, { env });
    }),
  );
  t.same(new Set(answers.map(({ exit }) => exit)), new Set([0]));
  const { stdout } = await runCli(['config', 'get-contexts', '-o', 'name'], { env });
  const found = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace('context/', ''));
  t.same(found.sort(), names.sort());
  t.same(readdirSync(folder), ['config.yaml'], 'nothing is left beside it');
});

t.test('a lock that was left behind is told', async (t) => {
  const folder = t.testdir({ 'config.yaml.lock': '' });
  const env = { NODESEAL_CONFIG: join(folder, 'config.yaml') };
  const words = ['config', 'set-context', 'a', '--server', 'https://a.example.com'];
  const { exit, stderr } = await runCli(words, { env });
  t.equal(exit, 7);
  t.match(stderr, /why: another nodeseal is changing it.*\n {2}next: if none is: rm .*lock/);
});

t.test('where the configuration is looked for', async (t) => {
  const folder = t.testdir({ x: { nodeseal: { 'config.yaml': 'contexts: 1' } } });
  const config = { XDG_CONFIG_HOME: join(folder, 'x') };
  t.equal((await runCli(['config', 'view'], { env: config })).exit, 7, 'XDG_CONFIG_HOME');
  t.equal(
    (await runCli(['config', 'view'], { env: { HOME: folder } })).exit,
    0,
    'HOME: none there',
  );
});
