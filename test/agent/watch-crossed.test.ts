import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { POLICY, plainNode, Rig } from '../support/watch-rig.ts';

/** A file as it may lie on a node: the path a check knows, and where its content is. */
interface Kind {
  readonly name: string;
  readonly path: string;
  readonly real: string;
  readonly prepare: (rig: Rig) => void;
}

const kinds: readonly Kind[] = [
  { name: 'a file of its own', path: POLICY, real: POLICY, prepare: () => {} },
  {
    name: 'a file behind a link',
    path: POLICY,
    real: '/opt/policy.json',
    prepare: (rig) => {
      rig.write('/opt/policy.json', '{}');
      unlinkSync(rig.path(POLICY));
      symlinkSync('/opt/policy.json', rig.path(POLICY));
    },
  },
  {
    name: 'a file in a folder behind a link',
    path: POLICY,
    real: '/opt/containers/policy.json',
    prepare: (rig) => {
      rig.write('/opt/containers/policy.json', '{}');
      rmSync(rig.path('/etc/containers'), { recursive: true });
      symlinkSync('../opt/containers', rig.path('/etc/containers'));
    },
  },
  {
    name: 'a file of a ConfigMap',
    path: POLICY,
    real: '/etc/containers/..data/policy.json',
    prepare: (rig) => {
      rig.write('/etc/containers/..1/policy.json', '{}');
      symlinkSync('..1', rig.path('/etc/containers/..data'));
      unlinkSync(rig.path(POLICY));
      symlinkSync('..data/policy.json', rig.path(POLICY));
    },
  },
  {
    name: 'a drop-in',
    path: '/etc/containers/registries.d/default.yaml',
    real: '/etc/containers/registries.d/default.yaml',
    prepare: () => {},
  },
];

type Change = (rig: Rig, kind: Kind) => void;

const mount = (...args: readonly string[]): boolean =>
  spawnSync('mount', args, { stdio: 'ignore' }).status === 0;
const isRoot = process.getuid?.() === 0;

const changes: Readonly<Record<string, Change>> = {
  'edited in place': (rig, { real }) => writeFileSync(rig.path(real), `{"n": ${Math.random()}}`),
  'appended to': (rig, { real }) => appendFileSync(rig.path(real), ' '),
  emptied: (rig, { real }) => writeFileSync(rig.path(real), ''),
  touched: (rig, { real }) => utimesSync(rig.path(real), 1, 1),
  'renamed over': (rig, { real }) => {
    rig.write(`${real}.new`, '{"new": 1}');
    renameSync(rig.path(`${real}.new`), rig.path(real));
  },
  'replaced by a link': (rig, { path }) => {
    rig.write('/srv/other', '{"other": 1}');
    symlinkSync('/srv/other', rig.path(`${path}.new`));
    renameSync(rig.path(`${path}.new`), rig.path(path));
  },
  'given another mode': (rig, { real }) => chmodSync(rig.path(real), 0o600),
  deleted: (rig, { real }) => unlinkSync(rig.path(real)),
  'deleted where its name is': (rig, { path }) => unlinkSync(rig.path(path)),
  'in a folder that is replaced': (rig, { real }) => {
    const folder = rig.path(dirname(real));
    renameSync(folder, `${folder}.old`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(rig.path(real), '{"replaced": 1}');
  },
};
/** What only the superuser can do. */
const rootChanges: Readonly<Record<string, Change>> = {
  'given another owner': (rig, { real }) => chownSync(rig.path(real), 65_534, 65_534),
  'hidden by a mount': (rig, { real }) => {
    rig.write('/srv/mounted', '{"mounted": 1}');
    if (!mount('--bind', rig.path('/srv/mounted'), rig.path(real))) throw new Error('mount failed');
    rig.undo(() => spawnSync('umount', [rig.path(real)]));
  },
};

for (const kind of kinds) {
  for (const [how, change] of Object.entries({ ...changes, ...rootChanges })) {
    const skip = how in rootChanges && !isRoot ? 'needs root' : false;
    t.test(`${kind.name}, ${how}, is told`, { skip, timeout: 20_000 }, async (t) => {
      await using rig = new Rig();
      plainNode(rig);
      kind.prepare(rig);
      await rig.start();
      await rig.tells('policy', () => change(rig, kind));
      t.same(rig.log.lines, [], 'told, and nothing went wrong');
    });
  }
}

t.test(
  'what was mounted over a file is told again when it goes',
  {
    skip: isRoot ? false : 'needs root',
  },
  async (t) => {
    await using rig = new Rig();
    plainNode(rig);
    rig.write('/srv/mounted', '{"mounted": 1}');
    mount('--bind', rig.path('/srv/mounted'), rig.path(POLICY));
    rig.undo(() => spawnSync('umount', ['-q', rig.path(POLICY)]));
    await rig.start();
    await rig.tells('policy', () => spawnSync('umount', [rig.path(POLICY)]));
    t.same(rig.log.lines, []);
  },
);
