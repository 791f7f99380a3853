import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parseInventory } from '../../../aggregator/coverage/inventory.ts';
import type { RuleResult } from '../../../shared/findings.ts';
import { runCli } from '../../cli/fake-io.ts';
import {
  ANNOTATIONS,
  CRIO,
  KUBELET,
  LOCALHOST,
  NAMESPACE,
  NODE,
  POLICY,
  REGISTRY,
} from '../../support/sound-node.ts';
import { writeFiles } from '../../support/store-tree.ts';

/* Files that are small and cost much: a reader whose time or memory grows faster than the file would not end here. */
t.setTimeout(120_000);

const many = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join('');

/** Within the 1 MiB that a configuration of ours may have. */
const BOMBS: readonly (readonly [name: string, text: string])[] = [
  [
    'aliases that multiply',
    `a0: &a0 [x]\n${many(40, (at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`)}]\n`)}`,
  ],
  [
    'merges that multiply',
    `a0: &a0 {x: 1}\n${many(40, (at) => `a${at + 1}: &a${at + 1} {<<: [*a${at}, *a${at}]}\n`)}`,
  ],
  ['a chain of aliases', `x0: &x0 y\n${many(3000, (at) => `x${at + 1}: &x${at + 1} [*x${at}]\n`)}`],
  ['10,000 keys', many(10_000, (at) => `k${at}: 1\n`)],
  ['a key of 200 kB', `${'k'.repeat(200_000)}: 1\n`],
  ['lines of blanks and a tab', `a:  x\n${'   \t\n'.repeat(100_000)}`],
  [
    'texts, and lines that begin with a tab',
    `${many(10_000, (at) => `k${at}: "x"\n`)}z: [\n${'\t1,\n'.repeat(10_000)}]\n`,
  ],
  ['100,000 brackets', '['.repeat(100_000)],
  ['tables in tables', '{a: '.repeat(20_000)],
  ['lists in lists', '- '.repeat(20_000)],
  ['20,000 documents', '---\n'.repeat(20_000)],
  ['errors in one line', '"a" b: '.repeat(5_000)],
  ['tables of TOML', many(5_000, (at) => `[a.b${at}]\n`)],
  ['a name of TOML in 100,000 parts', `${'a.'.repeat(100_000)}a = 1\n`],
  ['lists of TOML', `a = ${'['.repeat(100_000)}`],
  ['JSON 100,000 deep', `{"spec":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
  [
    'JSON 100,000 deep where nobody looks',
    `{"spec":{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
  ],
];

/** Each file is several of them, and each of them is several files. */
const ROUNDS = 3;
const PATHS: readonly string[] = [
  ...[POLICY, NAMESPACE, REGISTRY, CRIO, KUBELET, LOCALHOST, ANNOTATIONS],
  '/etc/containers/registries.conf',
  '/etc/containers/registries.conf.d/50-own.conf',
  '/etc/containers/storage.conf',
  '/etc/machine-config-daemon/currentconfig',
];

t.test('bombs in every file of the node that has a language', async (t) => {
  const root = writeFiles(t.testdir({}), NODE as Readonly<Record<string, string | Buffer>>);
  const say = async (): Promise<ReadonlyMap<string, string>> => {
    const { stdout, exit } = await runCli(['check', '--host-root', root, '-o', 'json']);
    t.ok(exit === 0 || exit === 1, `exit ${exit}`);
    const { items } = JSON.parse(stdout) as { readonly items: readonly RuleResult[] };
    return new Map(items.map(({ ruleId, result, message }) => [ruleId, `${result} ${message}`]));
  };
  const before = await say();
  for (let round = 0; round < ROUNDS; round++) {
    const placed = PATHS.map((path, index) => {
      const [, text = ''] = BOMBS[(index + 4 * round) % BOMBS.length] ?? [];
      return [path, text] as const;
    });
    writeFiles(root, Object.fromEntries(placed));
    const now = await say();
    t.same(
      [...before.keys()].filter((rule) => !now.has(rule)),
      [],
      `${round}: every rule speaks`,
    );
    t.notMatch([...now.values()].join('\n'), /call stack|heap|Invalid string/, `${round}`);
    t.notMatch(now.get('trust.default-reject'), /^pass/, `${round}: nothing is taken for a policy`);
  }
});

t.test('bombs in every configuration of ours', async (t) => {
  const folder = t.testdir({ host: {} });
  const host = ['--host-root', join(folder, 'host')];
  const file = join(folder, 'bomb.yaml');
  /** One reader is behind all of them: they take turns. */
  const flags: readonly (readonly string[])[] = [
    ['check', ...host, '--profile', file],
    ['simulate', ...host, '--machine-config', file],
    ['simulate', ...host, '--butane', file],
    ['simulate', ...host, '--policy', file],
  ];
  const inYaml = BOMBS.filter(([name]) => !/TOML|JSON/.test(name));
  for (const [index, [name, text]] of inYaml.entries()) {
    writeFileSync(file, text);
    const words = flags[index % flags.length] ?? [];
    const { exit, stderr } = await runCli(words);
    t.equal(exit, 7, `${words.join(' ')}: ${name}`);
    t.match(stderr, 'bomb.yaml', name);
    t.ok(stderr.length < 5000, `${name}: is told in few words`);
    t.throws(() => parseInventory(text, 'bomb.yaml'), /./, `inventory: ${name}`);
  }
  const { stdout } = await runCli(['check', ...host, '--exceptions', file, '-o', 'json']);
  t.match(stdout, /exceptions\.valid.*bomb\.yaml/s, 'exceptions that hold for nothing are told');
});

t.test('a daemon is told of its own in one line', async (t) => {
  const folder = t.testdir({ 'keys.yaml': many(100_000, (at) => `k${at}: 1\n`) });
  // Both read theirs by the same code.
  const main = fileURLToPath(new URL('../../../aggregator/main.ts', import.meta.url));
  const words = [main, '--config', join(folder, 'keys.yaml')];
  const { status, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    timeout: 50_000,
  });
  t.equal(status, 7);
  t.match(stderr, /keys\.yaml:1:\d: k0: unknown key/);
});
