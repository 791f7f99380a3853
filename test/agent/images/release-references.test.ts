import t from 'tap';
import { parseReferences } from '../../../agent/images/release-references.ts';
import { referencesOf } from '../../support/release-images.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const other = `sha256:${'cd'.repeat(32)}`;
const parse = (text: string | Uint8Array) => parseReferences(Buffer.from(text as string), 'list'); // a text or its bytes

/** A list with these tags. */
function listOf(tags: unknown, more: object = {}): string {
  return JSON.stringify({
    kind: 'ImageStream',
    metadata: { name: '4.16.3' },
    spec: { tags },
    ...more,
  });
}
const from = (name: unknown, kind: unknown = 'DockerImage') => ({
  name: 'x',
  from: { kind, name },
});

t.test('a list names images by digest, wherever they lie', async (t) => {
  const { version, digests } = parse(referencesOf('4.16.3', [digest, other, digest]));
  t.equal(version, '4.16.3');
  t.same([...digests], [digest, other]);
});

t.test('a tag that names no image by digest vouches for nothing', async (t) => {
  const tags = [
    from(`quay.io/x@${digest}`),
    from('quay.io/x:v1'),
    from(other),
    from(`quay.io/x@${other}`, 'ImageStreamTag'),
    from(`quay.io/x@sha512:${'ab'.repeat(64)}`),
    from(`quay.io/x@${other.toUpperCase()}`),
    from(`quay.io/x@${other} `),
    from(7),
    { name: 'x' },
    null,
    'text',
    [],
  ];
  t.same([...parse(listOf(tags)).digests], [digest]);
});

const good = [from(`quay.io/x@${digest}`)];
const bad: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ['empty', '', /^list: not JSON/],
  ['cut', listOf(good).slice(0, -1), /not JSON/],
  ['binary', Uint8Array.of(0xff, 0, 0xfe), /not JSON/],
  ['null', 'null', /an ImageStream/],
  ['a list', '[]', /an ImageStream/],
  ['a number', '7', /an ImageStream/],
  ['of another kind', listOf(good, { kind: 'ImageStreamList' }), /an ImageStream/],
  ['without metadata', listOf(good, { metadata: null }), /metadata\.name/],
  ['with a number for a version', listOf(good, { metadata: { name: 4.16 } }), /metadata\.name/],
  ['with a version of two lines', listOf(good, { metadata: { name: '4\n1' } }), /metadata\.name/],
  [
    'with an endless version',
    listOf(good, { metadata: { name: '4'.repeat(200) } }),
    /metadata\.name/,
  ],
  ['without spec', listOf(good, { spec: null }), /spec\.tags: expected a list/],
  ['with tags that are no list', listOf({ length: 1 }), /spec\.tags: expected a list/],
  ['without tags', listOf([]), /none names an image/],
  ['with members of the prototype', '{"kind":"ImageStream","__proto__":{}}', /metadata\.name/],
];

for (const [name, text, message] of bad) {
  t.test(`a list that is ${name}`, async (t) => {
    t.throws(() => parse(text), { code: 'ERR_RELEASE_REFERENCES', message });
  });
}
