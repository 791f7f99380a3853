import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { COMMANDS } from '../../cli/commands/index.ts';
import { RECORDED_AT, runRecordedFleet } from '../support/recorded-fleet.ts';
import { policyOf } from '../support/selinux-policy.ts';
import { manifestOf, pulled } from '../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../support/store-tree.ts';
import { type FakeIoOptions, runCli } from './fake-io.ts';

/**
 * What every command prints about the recorded fleet, as it was looked at last. A new command needs one line here; its
 * golden file is written by `UPDATE_GOLDEN=1 tap --disable-coverage test/cli/golden.test.ts`, and read in the review.
 */
const FLEET: readonly string[] = [
  'get nodes',
  'get nodes -o wide',
  'get nodes -o json --limit 2',
  'get nodes -o yaml --limit 1',
  'get nodes -o csv',
  'get nodes -o jsonl --sort-by name --limit 2',
  'get nodes -o name --sort-by -name --no-headers',
  'get nodes -l pool=infra --require-coverage 100%',
  'get nodes nowhere',
  'get findings',
  'get findings --no-group',
  'get findings -o wide --field-selector severity=critical',
  'get findings selinux.enforcing -o json',
  'get findings --fail-on high --field-selector node=worker-3 -o name',
  'get findings fips -o csv',
  'get images',
  'get images -o wide --field-selector verdict=rejected',
  'get drift',
  'get drift --no-group',
  'get drift -o jsonl',
  'get events',
  'get events --since 24h -o wide',
  'get events --field-selector class=high -o json',
  'get checks',
  'get checks selinux -o wide',
  'get policies',
  'get policies -o wide',
  'describe node worker-3',
  'describe node infra-2',
  'describe node gpu-7',
  'describe node nowhere',
  'describe finding worker-3/selinux.enforcing',
  'describe check selinux.enforcing',
  'describe image registry.example.com/team/app:v1',
  'trust show --all-nodes',
  'trust show worker-3',
  'trust explain registry.example.com/team/app:v1',
  'verify registry.example.com/team/app:v1 --all-nodes',
  'diff worker-1 worker-3',
  'diff worker-3 --baseline worker',
  'diff worker-1 nowhere',
  'status',
  'status --require-coverage 100%',
  'status -l pool=worker -o json',
  'rescan worker-1',
  'rescan nowhere',
  'token list',
  'node list',
  'export csv',
  'export junit -l name=worker-3',
  'export srif',
];
/** The same on a terminal of 80 columns, in colour. */
const TERMINAL: readonly string[] = [
  'get nodes',
  'get findings',
  'get findings --no-group',
  'get images',
  'get drift',
  'get events',
  'get checks',
  'get policies',
  'status',
];
/** About a node that is a folder tree; `@` stands for its root. */
const NODE: readonly string[] = [
  'check --host-root @ --only selinux,fips',
  'check --host-root @ --only selinux.enforcing -o csv',
  'check --host-root @ --only selinux --profile stig',
  'verify --host-root @',
  'verify --host-root @ -o wide',
  'verify --host-root @ --explain registry.example.com/team/app:v1',
  'verify --host-root @ nowhere',
  'trust show --host-root @',
  'trust show --host-root @ -o yaml',
  'policy validate @/etc/containers/policy.json',
  'policy validate @/broken.json',
  'policy resolve --policy @/etc/containers/policy.json docker:registry.example.com/team/app:v1',
  'policy diff @/etc/containers/policy.json @/loose.json',
  'policy evaluate --policy @/etc/containers/policy.json --manifest @/manifest.json --reference registry.example.com/team/app:v1',
  'verify-signature --key @/none --signature @/none --manifest @/manifest.json',
  'simulate --policy @/broken.json --host-root @',
  'baseline show --host-root @',
  'baseline capture --host-root @ --by alice',
  'baseline accept --host-root @ --by bob',
];
/** Without a server. */
const LOCAL: readonly string[] = [
  '--help',
  'policy --help',
  'explain selinux.enforcing',
  'explain selinux --profile stig -o csv',
  'config get-contexts',
  'config view',
  'completion bash',
  'diagnose server',
  'login',
  'get nods',
  'get nodes --ouput json',
  'get nodes -o jsno',
  'get nodes',
  ...COMMANDS.map(({ path }) => [...path, '--help'].join(' ')),
];

/** Their answers differ from run to run, or go on for ever: other tests look at them. */
const UNSETTLED: ReadonlySet<string> = new Set([
  'watch',
  'token create',
  'token revoke',
  'node approve',
  'node revoke',
  'node retire',
  'config use-context',
  'config set-context',
  'version',
]);

const IMAGE = 'registry.example.com/team/app:v1';
const POLICY = {
  default: [{ type: 'reject' }],
  transports: { docker: { 'registry.example.com/team': [{ type: 'insecureAcceptAnything' }] } },
};
const TREE: Files = {
  '/sys/fs/selinux/enforce': '0',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/etc/selinux/targeted/policy/policy.33': policyOf(),
  '/proc/sys/crypto/fips_enabled': '1\n',
  '/etc/containers/policy.json': JSON.stringify(POLICY, undefined, 2),
  '/loose.json': JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }),
  '/broken.json': '{"default": [{"type": "signedby"}]}',
  '/manifest.json': manifestOf('app'),
  ...storeFiles([
    pulled({ seed: 'app', names: [IMAGE] }),
    pulled({ seed: 'other', names: ['quay.io/other/app:v1'] }),
  ]),
};

const FOLDER = join(import.meta.dirname, '../fixtures/golden');
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';
const known = new Set(readdirSync(FOLDER));

t.test('what commands print of the recorded fleet', async (t) => {
  await using fleet = await runRecordedFleet(join(t.testdir({}), 'state'));
  // What differs from run to run: the port, and the ids of tokens that are made at the start.
  const settled = (text: string): string =>
    text
      .replaceAll(fleet.running.url, 'http://aggregator')
      .replaceAll(/^[0-9a-f]{16} (?= *(?:agent|join|user) )/gm, '0123456789abcdef ');
  for (const line of FLEET) {
    await golden(t, line, '', [...line.split(' '), ...fleet.flags], {}, settled);
  }
  const terminal = { isTerminal: true, columns: 80, env: { LANG: 'C.UTF-8', TERM: 'xterm' } };
  for (const line of TERMINAL) {
    const words = [...line.split(' '), ...fleet.flags];
    await golden(t, line, '.terminal', words, terminal, settled);
  }
});

t.test('what commands print of a node', async (t) => {
  const root = writeFiles(t.testdir({}), TREE);
  // Files belong to who runs this, which the digest of a baseline tells.
  const settled = (text: string): string =>
    text.replaceAll(root, '@').replaceAll(/^(Digest: +sha256:)[0-9a-f]{64}$/gm, '$1…');
  for (const line of NODE) {
    const words = line.split(' ').map((word) => word.replace(/^@/, root));
    await golden(t, line, '', words, {}, settled);
  }
});

t.test('what commands print without a server', async (t) => {
  const env = { NODESEAL_CONFIG: '/nowhere/config.yaml', LANG: 'C.UTF-8' };
  for (const line of LOCAL) await golden(t, line, '.local', line.split(' '), { env });
});

t.test('every command has a golden beside its help', async (t) => {
  const lines = [...FLEET, ...NODE, ...LOCAL.filter((line) => !line.endsWith('--help'))];
  for (const { path } of COMMANDS) {
    const verb = path.join(' ');
    if (UNSETTLED.has(verb)) continue;
    t.ok(
      lines.some((line) => line === verb || line.startsWith(`${verb} `)),
      `${verb} has a line above`,
    );
  }
});

t.test('every golden belongs to a command', async (t) => {
  t.same([...known], [], 'files that no line names');
});

async function golden(
  t: Test,
  line: string,
  suffix: string,
  words: readonly string[],
  options: FakeIoOptions,
  settled: (text: string) => string = (text) => text,
): Promise<void> {
  const { exit, stdout, stderr } = await runCli(words, {
    ...options,
    nowMs: RECORDED_AT,
  });
  const text = settled(
    `$ nodeseal ${line}\n${stdout}${stderr === '' ? '' : `--- stderr\n${stderr}`}--- exit ${exit}\n`,
  );
  const name = `${line.replaceAll(/[^\w.]+/g, '-').replace(/^-|-$/g, '')}${suffix}.txt`;
  const path = join(FOLDER, name);
  if (isUpdate) writeFileSync(path, text);
  const isThere = known.delete(name) || isUpdate;
  t.equal(text, isThere ? readFileSync(path, 'utf8') : 'no golden yet: UPDATE_GOLDEN=1', line);
}
