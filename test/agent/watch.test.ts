import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { POLICY, plainNode, Rig } from '../support/watch-rig.ts';

interface Case {
  readonly name: string;
  readonly prepare?: (rig: Rig) => void;
  /** Each must be told, one after the other. */
  readonly changes: readonly ((rig: Rig) => void)[];
  readonly id?: string;
}

const overwrite = (rig: Rig): void => writeFileSync(rig.path(POLICY), `{"n": ${Math.random()}}`);
const renameOver = (rig: Rig): void => {
  rig.write('/etc/containers/.new', `${Math.random()}`);
  renameSync(rig.path('/etc/containers/.new'), rig.path(POLICY));
};

const policyFolder = (path: string): string => `[crio.image]\nsignature_policy_dir = "${path}"\n`;
const signedBy = (keyPath: string): string =>
  JSON.stringify({ default: [{ type: 'sigstoreSigned', keyPath }] });

const cases: readonly Case[] = [
  { name: 'a file overwritten in place', changes: [overwrite, overwrite] },
  { name: 'a file renamed over', changes: [renameOver, renameOver, overwrite] },
  { name: 'a file appended to', changes: [(rig) => appendFileSync(rig.path(POLICY), ' ')] },
  { name: 'a mode changed', changes: [(rig) => chmodSync(rig.path(POLICY), 0o600)] },
  {
    name: 'a file removed and made again',
    changes: [(rig) => unlinkSync(rig.path(POLICY)), (rig) => rig.write(POLICY, '{}')],
  },
  {
    name: 'a file in a folder below that is named too',
    changes: [(rig) => rig.write('/etc/containers/registries.d/a.yaml', 'docker: {}')],
  },
  {
    name: 'a folder replaced, and a write in it after that',
    changes: [
      (rig) => {
        renameSync(rig.path('/etc/containers'), rig.path('/etc/old'));
        rig.write(POLICY, '{"other": 1}');
      },
      overwrite,
      renameOver,
    ],
  },
  {
    name: 'a folder that was not there, nor the one above',
    id: 'store',
    changes: [
      (rig) => rig.write('/var/lib/containers/storage/overlay-images/images.json', '[]'),
      (rig) => rig.write('/var/lib/containers/storage/overlay-images/images.json', '[1]'),
      (rig) => rmSync(rig.path('/var/lib'), { recursive: true }),
      (rig) => rig.write('/var/lib/containers/storage/overlay-images/images.json', '[2]'),
    ],
  },
  {
    name: 'a folder behind an absolute link, which is turned',
    prepare: (rig) => {
      rig.write('/opt/one/policy.json', '{}');
      rig.write('/opt/two/policy.json', '{}');
      rmSync(rig.path('/etc/containers'), { recursive: true });
      // Absolute as the node sees it: it must not lead to this machine's own /opt.
      symlinkSync('/opt/one', rig.path('/etc/containers'));
    },
    changes: [
      (rig) => rig.write('/opt/one/policy.json', '{"a": 1}'),
      (rig) => {
        symlinkSync('/opt/two', rig.path('/etc/next'));
        renameSync(rig.path('/etc/next'), rig.path('/etc/containers'));
      },
      (rig) => rig.write('/opt/two/policy.json', '{"b": 1}'),
    ],
  },
  {
    name: 'a file behind a link, where it is',
    prepare: (rig) => {
      rig.write('/opt/policy.json', '{}');
      unlinkSync(rig.path(POLICY));
      symlinkSync('../../opt/policy.json', rig.path(POLICY));
    },
    changes: [(rig) => rig.write('/opt/policy.json', '{"a": 1}')],
  },
  {
    name: 'a policy of a namespace where crio.conf says they are, and where it says so later',
    id: 'named',
    prepare: (rig) => rig.write('/etc/crio/crio.conf', policyFolder('/opt/one')),
    changes: [
      (rig) => rig.write('/opt/one/team.json', '{}'),
      (rig) => rig.write('/opt/one/team.json', '{"a": 1}'),
      (rig) => rig.write('/etc/crio/crio.conf', policyFolder('/opt/two')),
      (rig) => rig.write('/opt/two/team.json', '{}'),
      (rig) => rig.write('/opt/two/team.json', '{"a": 1}'),
    ],
  },
  {
    name: 'a key that a policy names, and CRI-O’s own policy, wherever they are',
    id: 'named',
    prepare: (rig) => {
      rig.write('/etc/crio/crio.conf', '[crio.image]\nsignature_policy = "/srv/policy/own.json"\n');
      rig.write('/srv/policy/own.json', signedBy('/srv/keys/a.pub'));
    },
    changes: [
      (rig) => rig.write('/srv/keys/a.pub', 'x'),
      (rig) => rig.write('/srv/keys/a.pub', 'y'),
      (rig) => rig.write('/srv/policy/own.json', signedBy('/srv/other/a.pub')),
      (rig) => rig.write('/srv/other/a.pub', 'x'),
    ],
  },
  {
    name: 'the ..data link of a ConfigMap swapped',
    prepare: (rig) => {
      rig.write('/etc/containers/..1/policy.json', '{}');
      rig.write('/etc/containers/..2/policy.json', '{"a": 1}');
      symlinkSync('..1', rig.path('/etc/containers/..data'));
      unlinkSync(rig.path(POLICY));
      symlinkSync('..data/policy.json', rig.path(POLICY));
    },
    changes: [
      (rig) => {
        symlinkSync('..2', rig.path('/etc/containers/..tmp'));
        renameSync(rig.path('/etc/containers/..tmp'), rig.path('/etc/containers/..data'));
      },
    ],
  },
];

for (const { name, prepare, changes, id = 'policy' } of cases) {
  t.test(`${name} is told`, { timeout: 20_000 }, async (t) => {
    await using rig = new Rig();
    plainNode(rig);
    prepare?.(rig);
    await rig.start();
    for (const [index, change] of changes.entries()) {
      await rig.tells(id, () => change(rig));
      t.pass(`change ${index + 1}`);
    }
    t.same(rig.log.lines, []);
  });
}

t.test('a file without events is told when its content changed', async (t) => {
  await using rig = new Rig();
  plainNode(rig);
  await rig.start();
  await rig.tells('mode', () => rig.write('/sys/enforce', '0'));
  await rig.tells('mode', () => unlinkSync(rig.path('/sys/enforce')));
  await rig.tells('mode', () => rig.write('/sys/enforce', '1'));
  t.pass('changed, removed, back');
});

t.test('a node with none of the folders is watched for them', async (t) => {
  await using rig = new Rig();
  await rig.start();
  await rig.tells('policy', () => rig.write(POLICY, '{}'));
  t.pass('told');
});

const watchFile = fileURLToPath(new URL('../../agent/watch.ts', import.meta.url));
const hostFile = fileURLToPath(new URL('../../agent/host.ts', import.meta.url));

/** A watcher that says what it tells, on a node whose root is its argument. */
const program = `
import { openHost } from ${JSON.stringify(hostFile)};
import { Watch } from ${JSON.stringify(watchFile)};
const say = (text) => process.stdout.write(text + '\\n');
const log = { debug() {}, info() {}, warn() {}, error: (fields) => say('error ' + fields.err), child: () => log };
await Watch.start({
  host: openHost(process.argv[1]),
  checks: [{ id: 'policy', watches: ['/etc/containers', '/etc/a', '/etc/b'] }],
  onChange: (ids) => say('changed ' + ids),
  onDegraded: (why) => say(why === undefined ? 'watching again' : 'degraded ' + why.slice(0, 6)),
  log, pollMs: 20, sweepMs: 100,
});
say('ready');
`;
/** A user namespace has a limit of inotify watches of its own. */
const limits = '/proc/sys/user/max_inotify_watches';
const canLimit =
  spawnSync('unshare', ['-Ur', 'sh', '-c', `echo 1 >${limits}`], { stdio: 'ignore' }).status === 0;

t.test(
  'without inotify watches changes are found by looking, until there are some again',
  { skip: canLimit ? false : 'needs a user namespace with its own limit of inotify watches' },
  async (t) => {
    const root = t.testdir({ etc: { containers: { 'policy.json': '{}' }, a: {}, b: {} } });
    const shell = `echo 1 >${limits}; "$0" --input-type=module -e "$1" "$2" & read again; echo 1000 >${limits}; wait`;
    const child = spawn('unshare', ['-Ur', 'sh', '-c', shell, process.execPath, program, root], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    t.teardown(() => process.kill(-(child.pid ?? 0), 'SIGKILL'));
    const said: string[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => said.push(line));
    const hears = async (word: string): Promise<void> => {
      while (!said.includes(word)) await once(lines, 'line');
    };
    await hears('ready');
    await hears('degraded ENOSPC');
    for (const folder of ['containers', 'a', 'b']) {
      said.length = 0;
      writeFileSync(join(root, 'etc', folder, 'file'), 'x');
      await hears('changed policy');
    }
    child.stdin.write('\n');
    await hears('watching again');
    t.notOk(
      said.some((line) => line.startsWith('error')),
      said.join(),
    );
  },
);
