// One piece: one command with its flags and exit codes.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { containerFiles } from '../../support/container-records.ts';
import {
  ANYTHING,
  manifestOf,
  POLICY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';
import { runCli } from '../fake-io.ts';

const NAME = 'registry.example.com/team/app:v1';
const ANY = 'any.example.com/tool:v1';
const OLD = 'old.example.com/cron:v1';
const REJECT = [{ type: 'reject' }];
const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, manifestOf('app'))] });
const tool = pulled({ seed: 'tool', names: [ANY] });
const old = pulled({ seed: 'cron', names: [OLD] });
const docker = (scopes: object, fallback: object = REJECT) => ({
  default: fallback,
  transports: { docker: scopes },
});

/** Signed and used by two pods, unsigned where nothing is asked, and refused. */
function node(t: Test): string {
  return writeFiles(t.testdir({ host: {} }), {
    '/host/etc/hostname': 'worker-1\n',
    ...Object.fromEntries(
      Object.entries({
        ...trustFiles(),
        ...storeFiles([image, tool, old]),
        ...containerFiles([
          { image: image.id, namespace: 'team', asked: NAME },
          { image: image.id, namespace: 'shop', asked: NAME },
          { image: tool.id, asked: ANY },
        ]),
      }).map(([path, content]) => [`/host${path}`, content]),
    ),
  });
}
function write(folder: string, name: string, content: unknown): string {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}
function words(folder: string, policy: unknown, ...more: readonly string[]): readonly string[] {
  const file = write(folder, 'new.json', policy);
  return ['simulate', '--policy', file, '--host-root', join(folder, 'host'), ...more];
}

const STRICTER = docker({
  'any.example.com': REJECT,
  'registry.example.com': SIGNED,
  'registry.example.com/team': ANYTHING,
  'old.example.com': ANYTHING,
  'nowhere.example.com': REJECT,
});

t.test('what changes is told by kind, with counts, scopes and what can be done', async (t) => {
  const { exit, stdout, stderr } = await runCli(words(node(t), STRICTER));
  t.equal(
    stdout,
    `1 node, 3 image uses, 3 distinct
                                  NOW     THEN
accepted                            1        0
unenforced (nothing asked)          1        2
refused                             1        1   1 newly refused: 1 image on 1 node
unknown                             0        0

✗ NEWLY REFUSED (1)
IMAGE                    NODES  PODS  WHY
any.example.com/tool:v1      1     1  policy-reject
fix policy-reject: add a scope for it to the candidate, or stop using it

! NEWLY ACCEPTED: refused now, a weakening (1)
IMAGE                    NODES  PODS  WHY
old.example.com/cron:v1      1     0  policy-reject

! NO LONGER VERIFIED: signed now, nothing asked then, a weakening (1)
IMAGE                             NODES  PODS  WHY
registry.example.com/team/app:v1      1     2  -

Matched nothing (2)
  default
  docker "nowhere.example.com"

Shadowed (1)
  docker "registry.example.com": docker "registry.example.com/team" takes 1, none is left to it
`,
  );
  t.match(stderr, /^note: .*new\.json: .*"registry\.example\.com\/team".*: asks for no signature/);
  t.equal(exit, 1);
});

t.test('wide names nodes, namespaces and scopes; -q is silent', async (t) => {
  const folder = node(t);
  const { stdout } = await runCli(words(folder, STRICTER, '-o', 'wide', '--no-headers'));
  const [line = ''] = stdout.split('\n').filter((one) => one.startsWith('registry.'));
  t.match(line, /noLongerVerified .* accepted +unenforced +docker .* shop;team +worker-1/);
  const quiet = await runCli(words(folder, STRICTER, '-q'));
  t.equal(quiet.stdout, '');
  t.equal(quiet.exit, 1);
});

t.test('programs get one object, or one item a change', async (t) => {
  const folder = node(t);
  const output = async (format: string): Promise<string> =>
    (await runCli(words(folder, STRICTER, '-o', format))).stdout;
  t.match(JSON.parse(await output('json')), {
    apiVersion: 'nodeseal.dev/v1',
    kind: 'Simulation',
    candidate: { policyMode: 'replace', registriesD: 'keep' },
    summary: { uses: 3, changes: { newlyRefused: 1, newlyAccepted: 1, noLongerVerified: 1 } },
    items: [
      { change: 'newlyRefused', reference: ANY, nodes: ['worker-1'], staleNodes: [] },
      { change: 'newlyAccepted', reference: OLD },
      { change: 'noLongerVerified', reference: NAME, pods: 2, namespaces: ['shop', 'team'] },
    ],
    nodes: [{ node: 'worker-1', source: 'live', asOf: '2026-11-21T12:00:00.000Z' }],
  });
  t.match(await output('yaml'), /^apiVersion: nodeseal\.dev\/v1\nkind: Simulation\n/);
  const lines = (await output('jsonl')).trimEnd().split('\n');
  t.same(
    lines.map((line) => JSON.parse(line).reference),
    [ANY, OLD, NAME],
  );
  const csv = (await output('csv')).split('\n');
  t.match(csv[0], /^reference,change,nodes,pods,reason,now,after,scope,/);
  t.match(csv[1], /^any\.example\.com\/tool:v1,newlyRefused,1,1,policy-reject,unenforced,rejected/);
  t.equal(await output('name'), [ANY, OLD, NAME].map((name) => `image/${name}\n`).join(''));
});

const LOOKASIDE = 'default-docker: {lookaside: "https://sigs.example.com"}';
const EXITS: readonly (readonly [string, unknown, readonly string[], exit: number])[] = [
  ['nothing changes', POLICY, [], 0],
  ['only more is accepted', { default: ANYTHING }, [], 0],
  ['something would newly be refused', STRICTER, [], 1],
  [
    'what would be refused is not in use',
    docker({
      'registry.example.com': SIGNED,
      'any.example.com': ANYTHING,
      'old.example.com': REJECT,
    }),
    ['--only-running'],
    0,
  ],
];
for (const [name, policy, more, exit] of EXITS) {
  t.test(`exit code where ${name}`, async (t) => {
    t.equal((await runCli(words(node(t), policy, ...more))).exit, exit);
  });
}

t.test(
  'what is undecided makes it partial, and counts as refused where that is asked for',
  async (t) => {
    const folder = node(t);
    const registries = join(folder, 'registries.d');
    writeFiles(folder, { '/registries.d/a.yaml': LOOKASIDE });
    const policy = docker({ 'registry.example.com': SIGNED, 'any.example.com': SIGNED });
    const flags = ['--registries-d', registries];
    const { exit, stdout } = await runCli(words(folder, policy, ...flags));
    t.match(stdout, /unknown +0 +1 +counted as refused with --strict\n/);
    t.match(
      stdout,
      /\? UNDECIDED \(1\)\n.*\nany\.example\.com.* source-not-enabled\nfix source-not/,
    );
    t.equal(exit, 6);
    const strict = await runCli(words(folder, policy, ...flags, '--strict'));
    t.match(strict.stdout, /✗ NEWLY REFUSED \(1\)\n.*\nany\.example\.com/);
    t.equal(strict.exit, 1);
    const unreadable = { '/host/var/lib/containers/storage/overlay-images/images.json': '[{]' };
    writeFiles(folder, unreadable);
    const gap = await runCli(words(folder, policy, '--strict'));
    t.match(gap.stderr, /note: worker-1: .*images\.json/);
    t.equal(gap.exit, 6, 'nobody knows what else there is');
  },
);

t.test(
  'a candidate comes from a MachineConfig, a Butane file, a release or standard input',
  async (t) => {
    const folder = node(t);
    const text = JSON.stringify(STRICTER);
    const path = '/etc/containers/policy.json';
    const contents = { source: `data:,${encodeURIComponent(text)}` };
    const config = { ignition: { version: '3.4.0' }, storage: { files: [{ path, contents }] } };
    const machineConfig = { kind: 'MachineConfig', spec: { config } };
    const butane = {
      variant: 'fcos',
      version: '1.5.0',
      storage: { files: [{ path, contents: { inline: text } }] },
    };
    const root = ['--host-root', join(folder, 'host')];
    for (const [flag, value, stdin, exit] of [
      ['--machine-config', write(folder, 'mc.yaml', machineConfig), '', 1],
      ['--butane', write(folder, 'b.bu', butane), '', 1],
      ['--policy', '-', text, 1],
      ['--machine-config', '-', JSON.stringify(machineConfig), 1],
      ['--built-in', 'openshift-4.21', '', 0],
    ] as const) {
      t.equal((await runCli(['simulate', flag, value, ...root], { stdin })).exit, exit, flag);
    }
  },
);

const BAD: readonly (readonly [
  name: string,
  line: (folder: string) => readonly string[],
  exit: number,
  stderr: RegExp,
])[] = [
  ['no candidate', () => ['--host-root', '/'], 2, /no candidate is named: one of --policy/],
  [
    'two candidates',
    () => ['--policy', 'x', '--built-in', 'openshift-4.21'],
    2,
    /only one candidate at a time/,
  ],
  [
    'registries.d beside another source',
    () => ['--butane', 'x', '--registries-d', 'y'],
    2,
    /--registries-d goes with --policy, not with --butane/,
  ],
  ['a release nobody knows', () => ['--built-in', 'openshift-3.11'], 2, /openshift-4\.21/],
  [
    'a flag of a node for a fleet',
    () => ['--built-in', 'openshift-4.21', '--sources', 'store'],
    2,
    /--host-root \//,
  ],
  ['a file that is not there', () => ['--policy', '/nowhere/p.json'], 5, /no such file/],
  ['a folder', (folder) => ['--policy', folder], 7, /it is a folder/],
  [
    'a folder registries.d that is not there',
    (folder) => ['--policy', write(folder, 'p.json', POLICY), '--registries-d', '/nowhere'],
    5,
    /cannot read the folder \/nowhere/,
  ],
  [
    'a policy that is none',
    (folder) => ['--policy', write(folder, 'p.json', '{\n "default": [{"type":"x"}]}')],
    7,
    /p\.json:2:22: no valid candidate/,
  ],
  [
    'a policy that is no text',
    (folder) => {
      writeFileSync(join(folder, 'p.json'), Buffer.of(0xff));
      return ['--policy', join(folder, 'p.json')];
    },
    7,
    /p\.json: no valid candidate\n.*expected UTF-8/,
  ],
  [
    'registries.d that is none',
    (folder) => {
      writeFiles(folder, { '/d/a.yaml': 'docker: [' });
      return [
        ...['--policy', write(folder, 'p.json', POLICY)],
        ...['--registries-d', join(folder, 'd')],
      ];
    },
    7,
    /d\/a\.yaml:1:\d+: no valid candidate/,
  ],
  [
    'a MachineConfig without a policy',
    (folder) => [
      '--machine-config',
      write(folder, 'mc.yaml', 'kind: MachineConfig\nspec: {config: {ignition: {version: 3.2.0}}}'),
    ],
    7,
    /mc\.yaml: no valid candidate\n.*writes no \/etc\/containers\/policy\.json/,
  ],
  [
    'a policy in a Butane file that is none',
    (folder) => [
      '--butane',
      write(folder, 'b.bu', {
        variant: 'fcos',
        version: '1.5.0',
        storage: { files: [{ path: '/etc/containers/policy.json', contents: { inline: '{}' } }] },
      }),
    ],
    7,
    /b\.bu: \/etc\/containers\/policy\.json:1:1: no valid candidate/,
  ],
  [
    'a host root that is not there',
    () => ['--built-in', 'openshift-4.21', '--host-root', '/nowhere'],
    5,
    /host root \/nowhere/,
  ],
  [
    'a source nobody knows',
    () => ['--built-in', 'openshift-4.21', '--host-root', '/tmp', '--sources', 'shop'],
    2,
    /'shop' is no source/,
  ],
];
for (const [name, line, exit, stderr] of BAD) {
  t.test(`refused: ${name}`, async (t) => {
    const outcome = await runCli(['simulate', ...line(t.testdir({}))]);
    t.equal(outcome.exit, exit);
    t.match(outcome.stderr, stderr);
    t.equal(outcome.stdout, '');
  });
}

t.test('a snapshot is judged as the node that it was taken of', async (t) => {
  const folder = node(t);
  const file = join(folder, 'snapshot.json');
  const root = ['--host-root', join(folder, 'host')];
  const saved = await runCli(['simulate', '--save-snapshot', file, ...root]);
  t.same(saved, { exit: 0, stdout: '', stderr: '' });
  t.equal(statSync(file).mode & 0o777, 0o600);
  const policy = write(folder, 'new.json', STRICTER);
  const from = ['simulate', '--policy', policy, '--from-snapshot', file];
  const { exit, stdout } = await runCli(from);
  t.equal(exit, 1, 'asked for by name it is an answer, not a node that is silent');
  t.match(stdout, /^1 node \(0 asked now\), 3 image uses, 3 distinct\n/);
  t.match(stdout, /Not from now \(1\)\n {2}worker-1: as of 2026-11-21T12:00:00\.000Z\n$/);
  const two = await runCli([...from, '--from-snapshot', file, '-o', 'json']);
  t.match(JSON.parse(two.stdout).summary, { nodes: 2, uses: 6, images: 3 });

  const beside = await runCli([
    ...from.slice(0, 3),
    ...root,
    '--save-snapshot',
    file,
    '-o',
    'json',
  ]);
  t.equal(beside.exit, 1, 'a candidate beside it is judged, and its keys are in the file');

  const bad: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[...from, ...root], 2, /--host-root and --from-snapshot exclude each other/],
    [['simulate', '--save-snapshot', file], 2, /--save-snapshot is for this node alone/],
    [[...from, '--sources', 'store,registry'], 2, /no server is asked for a snapshot/],
    [[...from, '--pool', 'worker'], 2, /--pool says nothing/],
    [['simulate', '--from-snapshot', file], 2, /no candidate is named/],
    [[...from.slice(0, 4), policy], 7, /new\.json: no snapshot of a node\n.*apiVersion/],
    [[...from.slice(0, 4), join(folder, 'nowhere')], 5, /cannot read the snapshot/],
    [
      ['simulate', '--save-snapshot', join(folder, 'no/x'), ...root],
      5,
      /cannot write the snapshot/,
    ],
    [['simulate', '--save-snapshot', folder, ...root], 7, /cannot write the snapshot/],
  ];
  for (const [line, code, stderr] of bad) {
    const outcome = await runCli(line);
    t.equal(outcome.exit, code, line.join(' '));
    t.match(outcome.stderr, stderr);
  }
});
