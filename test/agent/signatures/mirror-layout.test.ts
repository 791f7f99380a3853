import t from 'tap';
import { findSignatures } from '../../../agent/signatures/mirror-layout.ts';

const hex = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const digest = `sha256:${hex}`;

/** Folders and the names in them. */
type Tree = Readonly<Record<string, readonly string[]>>;

const cases: readonly (readonly [string, string, Tree, object])[] = [
  [
    'the root of a store',
    '/s',
    { [`/s/sha256=${hex}`]: ['signature-2', 'signature-1', 'signature-4'] },
    {
      kind: 'found',
      files: [`/s/sha256=${hex}/signature-1`, `/s/sha256=${hex}/signature-2`],
    },
  ],
  [
    'a store as the documentation printed it',
    '/s',
    { [`/s/sha256%${hex}`]: ['signature-1'] },
    { kind: 'found', files: [`/s/sha256%${hex}/signature-1`] },
  ],
  [
    'a store whose equals sign was escaped',
    '/s',
    { [`/s/sha256%3D${hex}`]: ['signature-1'] },
    { kind: 'found', files: [`/s/sha256%3D${hex}/signature-1`] },
  ],
  [
    'the folder of the digest itself',
    `/s/sha256=${hex}`,
    { [`/s/sha256=${hex}`]: ['signature-1'] },
    { kind: 'found', files: [`/s/sha256=${hex}/signature-1`] },
  ],
  [
    'the folder of the digest itself, escaped',
    `/s/sha256%3d${hex}`,
    { [`/s/sha256%3d${hex}`]: ['signature-1'] },
    { kind: 'found', files: [`/s/sha256%3d${hex}/signature-1`] },
  ],
  [
    'the folder of another digest, with signatures in it',
    `/s/sha256=${other}`,
    { [`/s/sha256=${other}`]: ['signature-1'] },
    { kind: 'other-digest', digest: `sha256:${other}` },
  ],
  [
    'a folder of signatures without a digest',
    '/s',
    { '/s': ['signature-1', 'signature-2'] },
    { kind: 'found', files: ['/s/signature-1', '/s/signature-2'] },
  ],
  [
    'a store that has files beside its folders',
    '/s',
    { '/s': ['signature-1', `sha256=${hex}`], [`/s/sha256=${hex}`]: ['signature-1'] },
    { kind: 'found', files: [`/s/sha256=${hex}/signature-1`] },
  ],
  [
    'a store of other digests only',
    '/s',
    { '/s': [`sha256=${other}`], [`/s/sha256=${other}`]: ['signature-1'] },
    {
      kind: 'none',
      looked: [
        `/s/sha256=${hex}/signature-1`,
        `/s/sha256%3D${hex}/signature-1`,
        `/s/sha256%3d${hex}/signature-1`,
        `/s/sha256%${hex}/signature-1`,
        '/s/signature-1',
      ],
    },
  ],
  [
    'a folder whose signatures begin at 2',
    `/s/sha256=${hex}`,
    { [`/s/sha256=${hex}`]: ['signature-2'] },
    { kind: 'none', looked: [`/s/sha256=${hex}/signature-1`] },
  ],
  ['nothing at all', '/s', {}, { kind: 'none' }],
];

for (const [name, folder, tree, expected] of cases) {
  t.test(`signatures looked for in ${name}`, async (t) => {
    t.match(await findSignatures(async (path) => tree[path], folder, digest), expected);
  });
}
