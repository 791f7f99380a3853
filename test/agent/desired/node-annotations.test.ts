import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync } from 'node:fs';
import t from 'tap';
import {
  isUpdating,
  type NodeAnnotations,
  NodeAnnotationsError,
  parseNodeAnnotations,
  readNodeAnnotations,
} from '../../../agent/desired/node-annotations.ts';
import { openHost } from '../../../agent/host.ts';
import { treeOf } from '../../support/host-tree.ts';

const FOLDER = '/etc/machine-config-daemon';
const PATH = `${FOLDER}/node-annotations.json`;
const BACKUP = `${FOLDER}/node-annotation.json.bak`;

function text(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [
        `machineconfiguration.openshift.io/${name}`,
        value,
      ]),
    ),
  );
}
const JOINED = { currentConfig: 'rendered-worker-1', desiredConfig: 'rendered-worker-1' };

t.test('annotations are read as the machine-config-server writes them', async (t) => {
  t.strictSame(parseNodeAnnotations(PATH, text({ ...JOINED, state: 'Done' })), {
    path: PATH,
    ...JOINED,
    state: 'Done',
  });
});

t.test('annotations of others, nulls and empty texts say nothing', async (t) => {
  const values = { ...JOINED, reason: '', state: null, lastAppliedDrain: 'uncordon-x' };
  const other = JSON.parse(text(values)) as object;
  const written = JSON.stringify({ ...other, 'k8s.ovn.org/x': '{"a":1}', state: 'Working' });
  t.strictSame(parseNodeAnnotations(PATH, written), { path: PATH, ...JOINED });
  t.strictSame(parseNodeAnnotations(PATH, '{}'), { path: PATH });
});

const PLACES: readonly (readonly [
  name: string,
  files: Readonly<Record<string, string>>,
  found: Partial<NodeAnnotations> | undefined,
])[] = [
  ['none', {}, undefined],
  ['a node that joins', { [PATH]: text(JOINED) }, { path: PATH, ...JOINED }],
  ['a node that has joined', { [BACKUP]: text(JOINED) }, { path: BACKUP, ...JOINED }],
  [
    'a backup by the name in documents',
    { [`${FOLDER}/node-annotations.json.bak`]: text(JOINED) },
    { path: `${FOLDER}/node-annotations.json.bak`, ...JOINED },
  ],
  ['both, of which the first counts', { [PATH]: text({}), [BACKUP]: text(JOINED) }, { path: PATH }],
  ['an empty file, which is as none', { [PATH]: ' \n', [BACKUP]: text({}) }, { path: BACKUP }],
];

for (const [name, files, found] of PLACES) {
  t.test(`a node with annotations of ${name}`, async (t) => {
    t.strictSame(await readNodeAnnotations(openHost(t.testdir(treeOf(files)))), found);
  });
}

const BAD: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['cut short', text(JOINED).slice(0, -4), /: expected JSON$/],
  ['binary', '\u0000\u0001', /: expected JSON$/],
  ['null', 'null', /the document: expected an object, found null$/],
  ['a list', '[]', /the document: expected an object, found a list$/],
  ['a text', '"Done"', /the document: expected an object, found string$/],
  ['with a number', text({ state: 1 }), /openshift\.io\/state: expected text, found number$/],
  ['with an object', '{"x":{}}', /x: expected text, found object$/],
  ['with a list', text({ reason: [] }), /reason: expected text, found a list$/],
];

for (const [name, content, message] of BAD) {
  t.test(`annotations that are ${name} are an error that names the place`, async (t) => {
    const host = openHost(t.testdir(treeOf({ [PATH]: content })));
    await t.rejects(readNodeAnnotations(host), { message, path: PATH, reason: 'parse' });
    await t.rejects(readNodeAnnotations(host), NodeAnnotationsError);
  });
}

t.test('annotations that are no file of text are an error, not a wait', async (t) => {
  const make: Readonly<Record<string, (path: string) => void>> = {
    ERR_HOST_NOT_A_FILE: (path) => void execFileSync('mkfifo', [path]),
    ERR_HOST_TOO_LARGE: (path) => {
      execFileSync('touch', [path]);
      truncateSync(path, 50_000_000);
    },
    ERR_HOST_ENCODING: (path) => void execFileSync('sh', ['-c', `printf '\\377{' > "$0"`, path]),
    ERR_HOST_LINK_LOOP: (path) => symlinkSync(path.split('/').at(-1) ?? '', path),
  };
  for (const [code, at] of Object.entries(make)) {
    const root = t.testdir({ etc: { 'machine-config-daemon': {} } });
    at(`${root}${PATH}`);
    await t.rejects(readNodeAnnotations(openHost(root)), { code }, code);
  }
});

const UPDATING: readonly (readonly [name: string, members: object, expected: boolean])[] = [
  ['nothing', {}, false],
  ['one and the same', { ...JOINED, state: 'Done' }, false],
  ['another desired one', { ...JOINED, desiredConfig: 'rendered-worker-2', state: 'Done' }, true],
  ['a desired one alone', { desiredConfig: 'rendered-worker-2' }, true],
  ['a current one alone', { currentConfig: 'rendered-worker-2' }, false],
  ['work', { ...JOINED, state: 'Working' }, true],
  ['a reboot', { ...JOINED, state: 'Rebooting' }, true],
  ['a degraded node, which nothing works on', { ...JOINED, state: 'Degraded' }, false],
  ['an unreconcilable one', { ...JOINED, state: 'Unreconcilable' }, false],
  ['another image', { currentImage: 'a', desiredImage: 'b' }, true],
  ['the same image', { currentImage: 'a', desiredImage: 'a' }, false],
];

for (const [name, members, expected] of UPDATING) {
  t.test(`annotations that tell of ${name}: ${expected ? 'an' : 'no'} update`, async (t) => {
    t.equal(isUpdating({ path: PATH, ...members }), expected);
  });
}
