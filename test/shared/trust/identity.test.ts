import t from 'tap';
import { matchesIdentity } from '../../../shared/trust/identity.ts';
import type { SignedIdentity } from '../../../shared/trust/policy-types.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const other = `sha256:${'1123456789abcdef'.repeat(4)}`;
const exact: SignedIdentity = { type: 'matchExact' };
const normal: SignedIdentity = { type: 'matchRepoDigestOrExact' };
const repository: SignedIdentity = { type: 'matchRepository' };
const mirror: SignedIdentity = {
  type: 'remapIdentity',
  prefix: 'mirror.example',
  signedPrefix: 'vendor.example/ns',
};

const cases: readonly (readonly [string, SignedIdentity, string | undefined, string, boolean])[] = [
  ['the same text', exact, 'q.io/x:1', 'q.io/x:1', true],
  ['the same image in two spellings', exact, 'docker.io/library/b:1', 'index.docker.io/b:1', true],
  ['a host in another case', exact, 'Q.io/x:1', 'q.io/x:1', false],
  ['two digests', exact, `q.io/x@${digest}`, `q.io/x@${other}`, false],
  ['two tags', normal, 'q.io/x:1', 'q.io/x:2', false],
  ['a signature without a tag: none is added', normal, 'q.io/x:latest', 'q.io/x', false],
  ['an image meant by digest, signed without a tag', normal, `q.io/x@${digest}`, 'q.io/x', false],
  ['an image meant by digest, signed under any tag', normal, `q.io/x@${digest}`, 'q.io/x:1', true],
  [
    'an image meant by digest, signed for another',
    normal,
    `q.io/x@${digest}`,
    `q.io/x@${other}`,
    true,
  ],
  ['an image meant by digest in another repository', normal, `q.io/x@${digest}`, 'q.io/y:1', false],
  ['tag and digest against the tag alone', normal, `q.io/x:1@${digest}`, 'q.io/x:1', false],
  ['tag and digest against both', normal, `q.io/x:1@${digest}`, `q.io/x:1@${digest}`, true],
  ['an image without tag and digest', normal, 'q.io/x', 'q.io/x', false],
  ['one repository, two tags', repository, 'q.io/x:1', 'q.io/x:2', true],
  ['one repository, no tag', repository, 'q.io/x:1', 'q.io/x', true],
  ['a repository below', repository, 'q.io/x:1', 'q.io/x/y:1', false],
  ['an image without a name', repository, undefined, 'q.io/x:1', false],
  ['an image whose name is none', repository, 'Q/X', 'q.io/x:1', false],
  ['a signature for what is no name', repository, 'q.io/x:1', 'q.io/X:1', false],
  [
    'an exact reference, whatever the image',
    { type: 'exactReference', dockerReference: 'b:1' },
    undefined,
    'docker.io/library/b:1',
    true,
  ],
  [
    'another exact reference',
    { type: 'exactReference', dockerReference: 'b:1' },
    'b:2',
    'b:2',
    false,
  ],
  [
    'an exact repository, whatever its tag',
    { type: 'exactRepository', dockerRepository: 'b:1' },
    undefined,
    'b',
    true,
  ],
  [
    'another exact repository',
    { type: 'exactRepository', dockerRepository: 'b' },
    'c:1',
    'c:1',
    false,
  ],
  ['a name put in place of a prefix', mirror, 'mirror.example/a:1', 'vendor.example/ns/a:1', true],
  ['the name before it was replaced', mirror, 'mirror.example/a:1', 'mirror.example/a:1', false],
  [
    'a name that only begins alike',
    mirror,
    'mirror.example.org/a:1',
    'vendor.example/ns.org/a:1',
    false,
  ],
  [
    'the prefix with a port',
    mirror,
    'mirror.example:5000/a:1',
    'vendor.example/ns:5000/a:1',
    false,
  ],
  ['a name beside the prefix, as it is', mirror, 'q.io/a:1', 'q.io/a:1', true],
  [
    'a replaced name meant by digest',
    mirror,
    `mirror.example/a@${digest}`,
    'vendor.example/ns/a:1',
    true,
  ],
  [
    'a replacement that is not in normal form',
    { type: 'remapIdentity', prefix: 'mirror.example', signedPrefix: 'docker.io' },
    'mirror.example/a:1',
    'docker.io/library/a:1',
    false,
  ],
  [
    'a replacement with characters that patterns use',
    { type: 'remapIdentity', prefix: 'q.io', signedPrefix: '$&.io' },
    'q.io/a:1',
    'q.io.io/a:1',
    false,
  ],
];
for (const [name, identity, intended, signed, expected] of cases) {
  t.equal(
    matchesIdentity(identity, intended, signed),
    expected,
    `${identity.type} ${expected ? 'accepts' : 'refuses'} ${name}`,
  );
}
