import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { HOSTILE, runCli } from '../../cli/fake-io.ts';
import { manifestOf, pulled, signed, trustFiles } from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';

t.setTimeout(120_000);

const NAME = 'registry.example.com/team/app:v1';
const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, manifestOf('app'))] });

const folder = t.testdir({});
const root = writeFiles(join(folder, 'host'), { ...trustFiles(), ...storeFiles([image]) });
mkdirSync(join(root, 'keys/folder'), { recursive: true });
execFileSync('mkfifo', [join(root, 'keys/fifo')]);
symlinkSync('/dev/zero', join(root, 'keys/zero'));
symlinkSync('loop', join(root, 'keys/loop'));
writeFileSync(join(root, 'keys/large'), '');
truncateSync(join(root, 'keys/large'), 2 ** 33);

const signedBy = (member: object): object => ({ type: 'signedBy', keyType: 'GPGKeys', ...member });
const policyOf = (docker: object): string =>
  JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } });
const ofTeam = (...requirements: readonly object[]): string =>
  policyOf({ 'registry.example.com/team': requirements });

/** What a candidate may name as a key, on a node where it is none: the image is then no better than refused. */
const KEYS: readonly string[] = [
  ...['/keys/fifo', '/keys/zero', '/keys/loop', '/keys/folder', '/keys/large', '/keys/missing'],
  ...['/dev/zero', '/proc/self/environ', '/../../../../etc/shadow', '/keys/\u001b[2J', '/'],
];

async function simulate(policy: string) {
  const file = join(folder, 'new.json');
  writeFileSync(file, policy);
  return await runCli(['simulate', '--policy', file, '--host-root', root]);
}

t.test(
  'a candidate whose key is no file of a key accepts nothing, and waits for nothing',
  async (t) => {
    for (const keyPath of KEYS) {
      const { exit, stdout, stderr } = await simulate(ofTeam(signedBy({ keyPath })));
      t.equal(exit, 1, `${keyPath}: ${stderr}`);
      t.notMatch(stdout + stderr, HOSTILE, keyPath);
      t.notMatch(stdout + stderr, /root:|PATH=/, `${keyPath}: nothing of it is shown`);
    }
  },
);

/** As large as a candidate may be, and what makes each of them slow where each is compared with all. */
const LARGE: readonly (readonly [name: string, policy: string])[] = [
  [
    '20,000 scopes',
    policyOf(
      Object.fromEntries(
        Array.from({ length: 20_000 }, (_, n) => [`a${n}.test/b`, [{ type: 'reject' }]] as const),
      ),
    ),
  ],
  [
    '250 scopes, each in the one before',
    policyOf(
      Object.fromEntries(
        Array.from(
          { length: 250 },
          (_, n) => [`a.test${'/b'.repeat(n)}`, [signedBy({ keyPath: '/k' })]] as const,
        ),
      ),
    ),
  ],
  ['12,000 keys that must all sign', ofTeam(...Array(12_000).fill(signedBy({ keyPath: '/k' })))],
  [
    '60,000 names of keys',
    ofTeam(signedBy({ keyPaths: Array.from({ length: 60_000 }, (_, n) => `/k${n}`) })),
  ],
  ['a key of 700 kB', ofTeam(signedBy({ keyData: 'A'.repeat(700_000) }))],
];

t.test('a candidate as large as may be is judged, and told in few words', async (t) => {
  for (const [name, policy] of LARGE) {
    t.ok(policy.length < 786_432, name);
    const { exit, stdout, stderr } = await simulate(policy);
    t.equal(exit, 1, `${name}: ${stderr.slice(0, 300)}`);
    t.match(stdout, 'registry.example.com/team/app:v1', name);
  }
});

t.test('a scope that a terminal would act upon is named harmlessly', async (t) => {
  const scope = 'registry.example.com/team\u001b]0;owned\u0007\u202eevil';
  const policy = policyOf({ [scope]: [{ type: 'insecureAcceptAnything' }] });
  const file = join(folder, 'hostile.json');
  writeFileSync(file, policy);
  for (const words of [
    ['simulate', '--policy', file, '--host-root', root],
    ['policy', 'validate', file],
    ['policy', 'diff', file, join(root, 'etc/containers/policy.json')],
    ['policy', 'evaluate', NAME, '--policy', file],
    ['policy', 'resolve', NAME, '--policy', file],
  ]) {
    const { stdout, stderr } = await runCli(words);
    t.notMatch(stdout + stderr, HOSTILE, words.slice(0, 2).join(' '));
  }
});
