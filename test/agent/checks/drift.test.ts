import { chmodSync, chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import t from 'tap';
import { driftOf } from '../../../agent/checks/drift.ts';
import { node } from '../../../agent/checks/node.ts';
import { registries } from '../../../agent/checks/registries.ts';
import { trustPolicy } from '../../../agent/checks/trust-policy.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { inspectFile } from '../../../agent/files.ts';
import { openHost } from '../../../agent/host.ts';
import { contextAt, treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const FILE = '/etc/kubernetes/kubelet.conf';
const FOLDER = '/etc/machine-config-daemon';
const noChown = process.getuid?.() === 0 ? false : 'needs root to give files away';

/** A MachineConfig of one file whose members are as given. */
function configOf(members: object): string {
  const config = JSON.parse(machineConfigOf({ [FILE]: 'text' }));
  Object.assign(config.spec.config.storage.files[0], members);
  return JSON.stringify(config);
}

t.test(
  'every way in which a file differs is named, the worst first',
  { skip: noChown },
  async (t) => {
    const root = t.testdir(treeOf({ [FILE]: 'other', [`${FOLDER}/currentconfig`]: configOf({}) }));
    chmodSync(`${root}${FILE}`, 0o666);
    chownSync(`${root}${FILE}`, 1, 2);
    const host = openHost(root);
    const statement = driftOf(await inspectFile(host, await desiredState(host, undefined), FILE));
    t.match(statement, {
      result: 'fail',
      reason: 'content',
      message: `${FILE} is not as rolled out by rendered-worker-1: another content, owner 1:2 in place of 0:0, mode 0666 in place of 0644`,
      observed: { mode: '0666', owner: '1:2' },
      expected: { mode: '0644', owner: '0:0' },
    });
  },
);

t.test('a file is held to a baseline in words of its own', async (t) => {
  const sha = `sha256:${'0'.repeat(64)}`;
  const file = { path: FILE, sha256: sha, mode: 0o644, uid: 0, gid: 0, expectedSha256: sha };
  const manager = 'baseline accepted by alice at 2026-01-02T03:04:05.678Z';
  const differs = { ...file, class: 'managed-drift', expectedMode: 0o600, manager } as const;
  t.equal(
    driftOf(differs)?.message,
    `${FILE} is not as in the ${manager}: mode 0644 in place of 0600`,
  );
  const equal = { ...file, class: 'managed', expectedMode: 0o644, manager } as const;
  t.equal(driftOf(equal)?.message, `${FILE} is as in the ${manager}`);
  const gone = { ...differs, sha256: null, mode: null, reason: 'missing' };
  t.equal(driftOf(gone)?.message, `${FILE} is not as in the ${manager}: it is missing`);
});

const MEANINGS: readonly (readonly [
  name: string,
  path: string,
  want: string,
  now: string,
  differing: string | undefined,
])[] = [
  [
    'of kubelet, by names alone',
    FILE,
    'authentication: {anonymous: {enabled: false}}\ntls: a\n',
    'authentication: {anonymous: {enabled: true}}\nport: 10255\n',
    'settings: added port; removed tls; changed authentication.anonymous.enabled',
  ],
  [
    'of CRI-O, by names alone',
    '/etc/crio/crio.conf.d/00-default',
    '[crio.runtime]\nselinux = true\n',
    '[crio.runtime]\nselinux = false\n',
    'settings: changed crio.runtime.selinux',
  ],
  [
    'of registries.d',
    '/etc/containers/registries.d/x.yaml',
    'docker: {q.io: {lookaside: "https://a/"}}',
    'docker: {q.io: {lookaside: "https://b/"}}',
    'settings: changed docker["q.io"].lookaside',
  ],
  ['that sets the same', FILE, 'a: 1', 'a:   1 # as before', 'no setting differs'],
  ['that cannot be read', FILE, 'a: 1', 'a: [', undefined],
  ['of keys', '/etc/pki/rpm-gpg/key', 'one', 'two', 'no key differs'],
  ['that means nothing to us', '/etc/sudoers.d/x', 'one', 'two', undefined],
];

for (const [name, path, want, now, differing] of MEANINGS) {
  t.test(`another content ${name}: ${differing ?? 'no more words'}`, async (t) => {
    const config = machineConfigOf({ [path]: want });
    const root = t.testdir(treeOf({ [path]: now, [`${FOLDER}/currentconfig`]: config }));
    const findings = [];
    for (const check of [node, registries]) {
      findings.push(...(await check.run(contextAt(root), AbortSignal.timeout(5000))));
    }
    const found = findings.find(({ subject, reason }) => subject === path && reason === 'content');
    t.equal(found?.observed['differing'], differing);
    const end = differing === undefined ? '' : `; ${differing}`;
    t.equal(
      found?.message,
      `${path} is not as rolled out by rendered-worker-1: another content${end}`,
    );
  });
}

const OWNERS: readonly (readonly [
  name: string,
  members: object,
  uid: number,
  gid: number,
  expected: string,
])[] = [
  ['root', {}, 0, 0, 'pass'],
  ['somebody though root is asked for', {}, 7, 0, 'fail owner'],
  ['a group though root is asked for', {}, 0, 7, 'fail owner'],
  ['the ids that are asked for', { user: { id: 7 }, group: { id: 8 } }, 7, 8, 'pass'],
  ['the names that are asked for', { user: { name: 'a' }, group: { name: 'g' } }, 7, 8, 'pass'],
  ['root though a name is asked for', { user: { name: 'a' } }, 0, 0, 'fail owner'],
  ['a name that /usr/lib knows', { user: { name: 'vendor' } }, 9, 0, 'pass'],
  ['whom nobody knows, so that nobody can tell', { user: { name: 'none' } }, 55, 0, 'pass'],
  ['an id that goes before a name', { user: { id: 7, name: 'vendor' } }, 7, 0, 'pass'],
];

for (const [name, members, uid, gid, expected] of OWNERS) {
  t.test(`a file owned by ${name}: ${expected}`, { skip: noChown }, async (t) => {
    const root = t.testdir(
      treeOf({
        [FILE]: 'text',
        [`${FOLDER}/currentconfig`]: configOf(members),
        '/etc/passwd': 'root:x:0:0::/root:/bin/sh\na:x:7:7::/:\nbad line\n',
        '/etc/group': 'root:x:0:\ng:x:8:a\n',
        '/usr/lib/passwd': 'a:x:999:9::/:\nvendor:x:9:9::/:\n',
      }),
    );
    chownSync(`${root}${FILE}`, uid, gid);
    const host = openHost(root);
    const file = await inspectFile(host, await desiredState(host, undefined), FILE);
    const { result, reason } = driftOf(file) ?? {};
    t.equal([result, reason].filter(Boolean).join(' '), expected);
  });
}

t.test(
  'root is who owns the root folder, also where that is seen as another',
  { skip: noChown },
  async (t) => {
    const root = t.testdir(treeOf({ [FILE]: 'text', [`${FOLDER}/currentconfig`]: configOf({}) }));
    chownSync(root, 65534, 65534);
    chownSync(`${root}${FILE}`, 65534, 65534);
    const host = openHost(root);
    const file = await inspectFile(host, await desiredState(host, undefined), FILE);
    chownSync(root, 0, 0);
    t.equal(file.class, 'managed');
  },
);

const now = (): number => Date.now() / 1000;
const SIGNS: readonly (readonly [name: string, make: (root: string) => void, updating: boolean])[] =
  [
    ['no sign', () => {}, false],
    ['annotations of an update', (root) => annotate(root, '{"@state":"Working"}'), true],
    ['annotations of none', (root) => annotate(root, '{"@state":"Done"}'), false],
    ['annotations that say nothing', (root) => annotate(root, '['), false],
    ['a deployment staged now', (root) => stage(root, now()), true],
    ['a deployment staged long ago', (root) => stage(root, now() - 7200), false],
    ['a deployment staged in a time to come', (root) => stage(root, now() + 7200), false],
  ];

for (const [name, make, updating] of SIGNS) {
  t.test(
    `drift on a node with ${name} is ${updating ? '' : 'not '}marked, and drift`,
    async (t) => {
      const root = t.testdir(
        treeOf({ [FILE]: 'other', [`${FOLDER}/currentconfig`]: configOf({}) }),
      );
      make(root);
      const [finding] = await node.run(contextAt(root), AbortSignal.timeout(5000));
      t.match(finding, { result: 'fail', reason: 'content', severity: 'high', subject: FILE });
      t.equal(finding?.observed['updating'], updating ? true : undefined);
    },
  );
}

t.test(
  'every rule that compares with what is desired marks what it finds during an update',
  async (t) => {
    const files = {
      '/etc/containers/policy.json': '{}',
      '/etc/containers/registries.d/x.yaml': '',
    };
    const root = t.testdir(
      treeOf({
        [`${FOLDER}/currentconfig`]: machineConfigOf(files),
        '/etc/containers/policy.json': '{ }',
        '/etc/containers/registries.d/x.yaml': '#',
        '/etc/containers/registries.d/y.yaml': '',
        '/etc/sudoers.d/x': '',
        '/usr/etc/x': '',
      }),
    );
    annotate(root, '{"@state":"Rebooting"}');
    const found = [];
    for (const check of [node, registries, trustPolicy]) {
      found.push(...(await check.run(contextAt(root), AbortSignal.timeout(5000))));
    }
    t.strictSame(
      found
        // The state of the update itself is no comparison.
        .filter(({ observed, ruleId }) => observed['updating'] && ruleId !== 'node.mco-state')
        .map((one) => `${one.ruleId} ${one.result}`),
      [
        'node.unmanaged-files fail',
        'registries.lookaside-managed fail',
        'registries.unmanaged-files fail',
        'trust.policy-managed fail',
      ],
    );
  },
);

function annotate(root: string, text: string): void {
  const values = text.replace('@', 'machineconfiguration.openshift.io/');
  writeFileSync(`${root}${FOLDER}/node-annotations.json`, values);
}

function stage(root: string, seconds: number): void {
  const path = `${root}/run/ostree/staged-deployment`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  utimesSync(path, seconds, seconds);
}
