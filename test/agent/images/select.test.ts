import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { selectImages } from '../../../agent/images/select.ts';
import { readImageStore } from '../../../agent/images/store.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { imageId, indexOf, manifestOf, pulled } from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';

const A = manifestOf('a');
const LIST = indexOf(A);
const images = [
  pulled({ seed: 'a', names: ['quay.io/team/a:v1', 'localhost/alias:latest'], list: LIST }),
  pulled({ seed: 'b', names: ['docker.io/library/busybox:latest'] }),
  pulled({ seed: 'c' }),
];
const idOf = (seed: string): string => imageId(seed);

const cases: readonly (readonly [
  name: string,
  references: readonly string[],
  found: object,
  notFound?: readonly string[],
])[] = [
  [
    'nothing: every image under every name',
    [],
    [
      ['a', 'quay.io/team/a:v1'],
      ['a', 'localhost/alias:latest'],
      ['b', 'docker.io/library/busybox:latest'],
      ['c', undefined],
    ],
  ],
  ['a name', ['quay.io/team/a:v1'], [['a', 'quay.io/team/a:v1']]],
  ['a name to be completed', ['busybox'], [['b', 'docker.io/library/busybox:latest']]],
  ['a name without its tag', ['quay.io/team/a'], [], ['quay.io/team/a']],
  [
    'a name nobody has, beside one',
    ['x/y:1', 'busybox'],
    [['b', 'docker.io/library/busybox:latest']],
    ['x/y:1'],
  ],
  ['the id of a nameless image', [idOf('c')], [['c', undefined]]],
  [
    'the first digits of an id',
    [idOf('b').slice(0, 12)],
    [['b', 'docker.io/library/busybox:latest']],
  ],
  ['too few digits of an id', [idOf('b').slice(0, 6)], [], [idOf('b').slice(0, 6)]],
  ['the digest of a manifest', [sha256(manifestOf('c'))], [['c', undefined]]],
  [
    'the digest of the list it was pulled through',
    [sha256(LIST)],
    [
      ['a', 'quay.io/team/a:v1'],
      ['a', 'localhost/alias:latest'],
    ],
  ],
  [
    'a repository and a digest: judged under that',
    [`quay.io/team/a@${sha256(A)}`],
    [['a', `quay.io/team/a@${sha256(A)}`]],
  ],
  [
    'another repository and the digest',
    [`quay.io/team/b@${sha256(A)}`],
    [],
    [`quay.io/team/b@${sha256(A)}`],
  ],
  [
    'the same twice',
    ['busybox', 'docker.io/library/busybox'],
    [['b', 'docker.io/library/busybox:latest']],
  ],
  ['no reference', ['UPPER', ''], [], ['UPPER', '']],
];

for (const [name, references, expected, notFound = []] of cases) {
  t.test(`images are selected by ${name}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), storeFiles(images)));
    const store = await readImageStore(host, {
      graphRoot: '/var/lib/containers/storage',
      runRoot: '/run/containers/storage',
      additionalImageStores: [],
      additionalLayerStores: [],
      additionalArtifactStores: [],
      transientStore: false,
      files: [],
      problems: [],
    });
    const selection = selectImages(store, references);
    const seeds = new Map(['a', 'b', 'c'].map((seed) => [idOf(seed), seed]));
    t.same(
      selection.selected.map(({ image, name }) => [seeds.get(image.id), name]),
      expected,
    );
    t.same(selection.notFound, notFound);
  });
}
