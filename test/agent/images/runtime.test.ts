import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { readImageUsers } from '../../../agent/images/runtime.ts';
import { type Files, writeFiles } from '../../support/store-tree.ts';

const CONFIG = {
  graphRoot: '/var/lib/containers/storage',
  runRoot: '/run/containers/storage',
  additionalImageStores: [],
  additionalLayerStores: [],
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
      'a container whose pod has no record',
      { [VOLATILE]: JSON.stringify([crioContainer]) },
      { [IMAGE]: [{ pod: 'k8s_web-0_prod_uid_0', container: 'app' }] },
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
