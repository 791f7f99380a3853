import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { readImageUsers } from '../../../agent/images/runtime.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';

const CONFIG = {
  graphRoot: '/var/lib/containers/storage',
  runRoot: '/run/containers/storage',
  additionalImageStores: [],
  additionalLayerStores: [],
  additionalArtifactStores: [],
  transientStore: false,
  files: [],
  problems: [],
};
const STABLE = `${CONFIG.graphRoot}/overlay-containers/containers.json`;
const VOLATILE = `${CONFIG.graphRoot}/overlay-containers/volatile-containers.json`;
const TRANSIENT = `${CONFIG.runRoot}/overlay-containers/volatile-containers.json`;
const IMAGE = 'a'.repeat(64);
const PAUSE = 'b'.repeat(64);

const container = (id: string, image: string, metadata: object | string, names: string[] = []) => ({
  id,
  image,
  names,
  metadata: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
});
const configFile = (id: string, root = CONFIG.runRoot): string =>
  `${root}/overlay-containers/${id}/userdata/config.json`;
const configOf = (annotations: object): string => JSON.stringify({ annotations });
const told = configOf({
  'io.kubernetes.pod.namespace': 'prod',
  'io.kubernetes.pod.name': 'web-0',
  'io.kubernetes.container.name': 'app',
  'io.kubernetes.cri-o.Image': 'quay.io/team/app',
  'io.kubernetes.cri-o.ImageName': 'quay.io/other/name:v1',
});
const crioPod = container('1', PAUSE, {
  'pod-name': 'k8s_web-0_prod_uid_0',
  'pod-id': '1',
  'metadata-name': 'web-0',
  namespace: 'prod',
  pod: true,
});
const crioContainer = container('2', IMAGE, {
  'pod-name': 'k8s_web-0_prod_uid_0',
  'pod-id': '1',
  'metadata-name': 'app',
});
const podman = container('5', IMAGE, { 'image-name': 'x', name: 'demo' }, ['demo']);

const cases: readonly (readonly [name: string, files: Files, users: object, problems: RegExp[]])[] =
  [
    ['nobody', {}, {}, []],
    [
      'containers of CRI-O and of podman, told apart by pod-id',
      { [STABLE]: JSON.stringify([podman]), [VOLATILE]: JSON.stringify([crioContainer, crioPod]) },
      {
        [IMAGE]: [{ container: 'demo' }, { namespace: 'prod', pod: 'web-0', container: 'app' }],
        [PAUSE]: [{ namespace: 'prod', pod: 'web-0', container: 'POD' }],
      },
      [],
    ],
    [
      'containers of a transient store',
      { [TRANSIENT]: JSON.stringify([crioPod]) },
      { [PAUSE]: [{ namespace: 'prod', pod: 'web-0', container: 'POD' }] },
      [],
    ],
    [
      'containers of podman in a transient store, beside those before it was one',
      {
        [`${CONFIG.runRoot}/overlay-containers/containers.json`]: JSON.stringify([podman]),
        [STABLE]: JSON.stringify([container('7', PAUSE, { name: 'before' })]),
      },
      { [IMAGE]: [{ container: 'demo' }], [PAUSE]: [{ container: 'before' }] },
      [],
    ],
    [
      'a container whose pod has no record',
      { [VOLATILE]: JSON.stringify([crioContainer]) },
      { [IMAGE]: [{ pod: 'k8s_web-0_prod_uid_0', container: 'app' }] },
      [],
    ],
    [
      'those of its config.json, where the records do not say which pod they belong to',
      { [VOLATILE]: JSON.stringify([crioContainer]), [configFile('2')]: told },
      { [IMAGE]: [{ namespace: 'prod', pod: 'web-0', container: 'app' }] },
      [],
    ],
    [
      'what the records say, when config.json is damaged, empty or of another shape',
      {
        [VOLATILE]: JSON.stringify([
          crioContainer,
          container('3', IMAGE, { 'pod-id': '1', 'metadata-name': 'b' }),
          container('4', IMAGE, { 'pod-id': '1', 'metadata-name': 'c' }),
          crioPod,
        ]),
        [configFile('2')]: '{"annotations":',
        [configFile('3')]: '',
        [configFile('4')]: '{"annotations":[{"io.kubernetes.pod.namespace":1}]}',
      },
      {
        [IMAGE]: ['app', 'b', 'c'].map((name) => ({
          namespace: 'prod',
          pod: 'web-0',
          container: name,
        })),
        [PAUSE]: [{ namespace: 'prod', pod: 'web-0', container: 'POD' }],
      },
      [],
    ],
    [
      'what the records say, when config.json is a folder or too large',
      {
        [VOLATILE]: JSON.stringify([crioContainer, container('3', IMAGE, { 'pod-id': '1' })]),
        [`${configFile('2')}/x`]: '',
        [configFile('3')]: ' '.repeat(4 * 1024 * 1024 + 1),
      },
      {
        [IMAGE]: [
          { pod: '1', container: '3' },
          { pod: 'k8s_web-0_prod_uid_0', container: 'app' },
        ],
      },
      [/2\/userdata\/config\.json.*regular file/, /3\/userdata\/config\.json.*larger/],
    ],
    [
      'a container whose id is no id, without looking elsewhere for it',
      {
        [VOLATILE]: JSON.stringify([container('../../x', IMAGE, { 'pod-id': '1' })]),
        '/run/containers/storage/x/userdata/config.json': told,
      },
      { [IMAGE]: [{ pod: '1', container: '../../x' }] },
      [],
    ],
    [
      'the rest, when one record is damaged',
      { [STABLE]: JSON.stringify([{ id: 1 }, container('6', IMAGE, '{"a'), podman, null]) },
      { [IMAGE]: [{ container: 'demo' }] },
      [/\[0\]/, /\[1\]/, /\[3\]/],
    ],
    [
      'the rest, when one file is damaged',
      { [STABLE]: '[{"id":', [VOLATILE]: JSON.stringify([crioPod]) },
      { [PAUSE]: [{ namespace: 'prod', pod: 'web-0', container: 'POD' }] },
      [/containers\.json/],
    ],
    ['nobody, when the file is no list', { [STABLE]: '{}', [VOLATILE]: 'null' }, {}, [/a list/]],
    ['nobody, when the file is a folder', { [`${STABLE}/x`]: '' }, {}, [/regular file/]],
  ];

for (const [name, files, users, problems] of cases) {
  t.test(`the users of images are ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const found = await readImageUsers(host, CONFIG, 'overlay');
    t.same(Object.fromEntries(found.byImage), users);
    t.equal(found.problems.length, problems.length);
    t.match(found.problems, problems);
  });
}

const NAMED = 'quay.io/team/app:v1';
const DIGEST = `sha256:${'c'.repeat(64)}`;
/** One container of a pod: what its record and its config.json say of the image, and the name it is known by. */
const names: readonly (readonly [
  name: string,
  recorded: string | undefined,
  files: Files,
  expected: string | undefined,
])[] = [
  ['its record', NAMED, { [configFile('2')]: told }, NAMED],
  ['its record, complete', 'busybox', {}, 'docker.io/library/busybox:latest'],
  [
    'its record, without the tag beside a digest',
    `${NAMED}@${DIGEST}`,
    {},
    `quay.io/team/app@${DIGEST}`,
  ],
  [
    'config.json, where the record is silent',
    undefined,
    { [configFile('2')]: told },
    'quay.io/team/app:latest',
  ],
  [
    'config.json in the graph root',
    undefined,
    { [configFile('2', CONFIG.graphRoot)]: told },
    'quay.io/team/app:latest',
  ],
  ['nowhere: an id is no name', IMAGE, { [configFile('2')]: told }, undefined],
  ['nowhere: a digest alone is no name', `sha256:${IMAGE}`, {}, undefined],
  [
    'nowhere: the name CRI-O picked itself does not count',
    undefined,
    {
      [configFile('2')]: configOf({ 'io.kubernetes.cri-o.ImageName': NAMED }),
    },
    undefined,
  ],
];
for (const [name, recorded, files, expected] of names) {
  t.test(`the name by which a container asked for its image is in ${name}`, async (t) => {
    const metadata = { 'pod-id': '1', 'metadata-name': 'app', 'image-name': recorded };
    const host = openHost(
      writeFiles(t.testdir({}), {
        [VOLATILE]: JSON.stringify([container('2', IMAGE, metadata), crioPod]),
        ...files,
      }),
    );
    const { uses } = await readImageUsers(host, CONFIG, 'overlay');
    const use = uses.find(({ image }) => image === IMAGE);
    t.equal(use?.name, expected);
    t.equal(use?.isSandbox, false);
    t.equal(uses.find(({ image }) => image === PAUSE)?.isSandbox, true);
  });
}
