import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../../cli/commands/index.ts';
import { runCli } from '../fake-io.ts';
import { HOSTILE_NAME, image, runFleet } from '../fleet.ts';

const NOWHERE = { NODESEAL_CONFIG: '/nowhere/config.yaml', LANG: 'C.UTF-8' };

/** The candidates, and the directive as cobra has it. */
async function completed(
  words: readonly string[],
  env: Readonly<Record<string, string>> = NOWHERE,
): Promise<{ readonly words: readonly string[]; readonly directive: string | undefined }> {
  const { exit, stdout, stderr } = await runCli(['__complete', ...words], { env });
  t.equal(exit, 0, words.join(' '));
  t.equal(stderr, '', words.join(' '));
  const lines = stdout.trimEnd().split('\n');
  const directive = lines.pop();
  return { words: lines.map((line) => line.split('\t')[0] ?? ''), directive };
}

const NO_FILES = ':4';
const cases: readonly (readonly [
  line: string,
  has: readonly string[],
  hasNot: readonly string[],
  directive: string,
])[] = [
  ['', ['get', 'policy', 'help', 'completion'], ['policy validate', '__complete'], NO_FILES],
  ['ver', ['verify', 'verify-signature', 'version'], ['get'], NO_FILES],
  ['policy ', ['validate', 'diff'], ['policy'], NO_FILES],
  ['policy val', ['validate'], ['diff'], NO_FILES],
  ['help pol', ['policy'], [], NO_FILES],
  ['help policy d', ['diff'], ['validate'], NO_FILES],
  ['-o ', ['json', 'wide'], [], NO_FILES],
  ['-o json get ', ['nodes', 'policies'], ['json'], NO_FILES],
  ['--', ['--output', '--context'], ['-o'], NO_FILES],
  ['get ', ['nodes', 'findings'], [], NO_FILES],
  ['get nodes -', ['-o', '--output', '--help'], [], NO_FILES],
  ['get nodes --o', ['--output'], ['-o', '--sort-by'], NO_FILES],
  ['get nodes -o json --', ['--sort-by'], ['--output'], NO_FILES],
  ['get nodes --output=js', ['json', 'jsonl'], ['table'], NO_FILES],
  ['get nodes -o ', ['json'], ['nodes'], NO_FILES],
  ['get findings --fail-on ', ['critical', 'low'], [], NO_FILES],
  ['get nodes --sort-by ', ['pool', 'lastSeen'], ['severity'], NO_FILES],
  ['get nodes -l po', ['pool='], [], ':6'],
  ['get nodes -l state=online,po', ['state=online,pool='], [], ':6'],
  ['get -- -', [], ['-o'], NO_FILES],
  ['explain selinux.enf', ['selinux.enforcing'], ['fips'], NO_FILES],
  ['explain fips sel', ['selinux'], [], NO_FILES],
  ['explain selinux sel', ['selinux.enforcing'], ['selinux'], NO_FILES],
  ['check --only fips,sel', ['fips,selinux', 'fips,selinux.enforcing'], ['selinux'], NO_FILES],
  ['check --skip a --', ['--skip', '--only'], [], NO_FILES],
  ['check --profile ', ['stig', 'rhel-host'], [], ':0'],
  ['check --host-root ', [], [], ':16'],
  ['check surplus', [], [], NO_FILES],
  ['policy validate ', [], [], ':0'],
  ['policy diff a b c', [], [], NO_FILES],
  ['verify --sources store,reg', ['store,registry'], [], NO_FILES],
  ['token create ', ['user', 'agent', 'join'], [], NO_FILES],
  ['completion z', ['zsh'], [], NO_FILES],
  ['watch fin', ['findings'], [], NO_FILES],
  // What is wrong, or not to be known, is silence.
  ['nonsense x', [], [], NO_FILES],
  ['policy nonsense x', [], [], NO_FILES],
  ['get nonsense x', [], [], NO_FILES],
  ['get nodes --nonsense x', [], [], NO_FILES],
  ['get nodes --nonsense=x', [], [], NO_FILES],
  ['get nodes no', [], [], NO_FILES],
  ['get nodes --server ftp://x no', [], [], NO_FILES],
  ['config use-context ', [], [], NO_FILES],
];
for (const [line, has, hasNot, directive] of cases) {
  t.test(`completes: ${line}|`, async (t) => {
    const found = await completed(line.split(' '));
    for (const word of has) t.ok(found.words.includes(word), `${word} in ${found.words.join(' ')}`);
    for (const word of hasNot) t.notOk(found.words.includes(word), word);
    if (has.length === 0) t.same(found.words, []);
    t.equal(found.directive, directive);
  });
}

t.test('every flag of every command is offered, and each of its choices', async (t) => {
  for (const { path, load } of COMMANDS) {
    for (const { flags, choices = [] } of (await load()).options) {
      const name = flags.split(/[ ,]+/).find((word) => word.startsWith('--')) ?? '';
      t.ok((await completed([...path, name])).words.includes(name), `${path.join(' ')} ${name}`);
      if (choices.length === 0) continue;
      t.same((await completed([...path, name, ''])).words, choices, `${path.join(' ')} ${name}`);
    }
  }
});

t.test('names come from the aggregator, contexts from the configuration', async (t) => {
  const folder = t.testdir({ state: {} });
  const images = [image('quay.io/team/app:v1'), image(`quay.io/${HOSTILE_NAME}`)];
  const inventory = [{ name: 'edge-1', pool: 'edge' }];
  await using fleet = await runFleet(join(folder, 'state'), undefined, images, inventory);
  const [, server, , tokenFile] = fleet.flags;
  const NODESEAL_CONFIG = join(folder, 'config.yaml');
  const env = { NODESEAL_CONFIG };
  const contexts = [
    { name: 'lab', server, tokenFile },
    { name: 'other', server: 'https://other.example.com' },
  ];
  writeFileSync(NODESEAL_CONFIG, JSON.stringify({ currentContext: 'lab', contexts }));
  const named: readonly (readonly [string, readonly string[]])[] = [
    ['get nodes ', ['edge-1', 'node-1']],
    ['get nodes node-1 ', ['edge-1']],
    ['get node/e', ['node/edge-1']],
    ['describe node no', ['node-1']],
    ['rescan n', ['node-1']],
    ['node approve e', ['edge-1']],
    ['get findings sel', ['selinux.enforcing']],
    ['get images quay', ['quay.io/team/app:v1']],
    ['get drift /etc', ['/etc/containers/policy.json']],
    ['token create join x --pool ', ['default', 'edge']],
    ['get nodes -l pool=e', ['pool=edge']],
    ['config use-context ', ['lab', 'other']],
    ['get nodes --context o', ['other']],
    ['get nodes --context lab e', ['edge-1']],
    ['get nodes --context nowhere e', []],
  ];
  for (const [line, words] of named) {
    const found = await completed(line.split(' '), env);
    t.same([...found.words].sort(), words, line);
  }
  t.same((await completed(['get', 'nodes', ...fleet.flags, 'e'])).words, ['edge-1'], 'by flags');
});

t.test('a server that never answers holds nobody up', async (t) => {
  const server = createServer(() => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const startMs = performance.now();
  const found = await completed(['get', 'nodes', '--server', `http://127.0.0.1:${port}`, '']);
  t.same(found, { words: [], directive: NO_FILES });
  t.ok(performance.now() - startMs < 10_000, 'not the 30 s of other commands');
});
