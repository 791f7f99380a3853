import t from 'tap';
import { parsePolicy } from '../../../shared/trust/policy.ts';
import { policyWarnings } from '../../../shared/trust/policy-lint.ts';

const ACCEPT = { type: 'insecureAcceptAnything' };
const REJECT = { type: 'reject' };
const signedBy = (...keyPaths: readonly string[]) => ({
  type: 'signedBy',
  keyType: 'GPGKeys',
  keyPaths,
});
const sigstore = (...keyPaths: readonly string[]) => ({ type: 'sigstoreSigned', keyPaths });
const remap = (prefix: string, signedPrefix: string) => ({
  ...signedBy('/k'),
  signedIdentity: { type: 'remapIdentity', prefix, signedPrefix },
});
const fulcio = (caPath: string) => ({
  type: 'sigstoreSigned',
  fulcio: { caPath, oidcIssuer: 'https://issuer.test', subjectEmail: 'a@b.test' },
  rekorPublicKeyPath: '/rekor',
});
type Scopes = Readonly<Record<string, readonly object[]>>;

/** Everything but plain acceptance, which is most often meant. */
const CASES: readonly (readonly [name: string, docker: Scopes, warnings: readonly string[]])[] = [
  ['a signed scope', { 'quay.io': [signedBy('/k')] }, []],
  ['an accepted scope under a default that rejects', { 'quay.io': [ACCEPT] }, []],
  [
    'an accepted repository under a signed host',
    { 'quay.io': [signedBy('/k')], 'quay.io/a/b': [ACCEPT] },
    ['accepts-under-signed docker["quay.io/a/b"]'],
  ],
  [
    'an accepted tag under a signed repository',
    { 'quay.io/a/b': [sigstore('/k')], 'quay.io/a/b:v1': [ACCEPT] },
    ['accepts-under-signed docker["quay.io/a/b:v1"]'],
  ],
  [
    'an accepted host under a signed wildcard',
    { '*.example.com': [signedBy('/k')], 'a.example.com': [ACCEPT] },
    ['accepts-under-signed docker["a.example.com"]'],
  ],
  [
    'an accepted host where every other image is signed',
    { '': [signedBy('/k')], 'quay.io': [ACCEPT] },
    ['accepts-under-signed docker["quay.io"]'],
  ],
  [
    'an accepted scope between which and the signed one another speaks',
    { 'quay.io': [signedBy('/k')], 'quay.io/a': [REJECT], 'quay.io/a/b': [ACCEPT] },
    [],
  ],
  [
    'an accepted neighbour of a signed scope',
    { 'quay.io/ab': [signedBy('/k')], 'quay.io/a': [ACCEPT], 'quay.io/abc': [ACCEPT] },
    [],
  ],
  [
    'a rejected repository under a signed host',
    { 'quay.io': [signedBy('/k')], 'quay.io/b': [REJECT] },
    [],
  ],
  [
    'two keys of which both have to sign',
    { 'quay.io': [signedBy('/a'), signedBy('/b')] },
    ['unrelated-keys docker["quay.io"]'],
  ],
  [
    'an OpenPGP key and a sigstore key in one file',
    { 'quay.io': [signedBy('/a'), sigstore('/a')] },
    ['unrelated-keys docker["quay.io"]'],
  ],
  [
    'two authorities of which both have to issue',
    { 'quay.io': [fulcio('/a'), fulcio('/b')] },
    ['unrelated-keys docker["quay.io"]'],
  ],
  ['one key asked for twice', { 'quay.io': [signedBy('/a'), signedBy('/b', '/a')] }, []],
  ['two keys of which one has to sign', { 'quay.io': [signedBy('/a', '/b')] }, []],
  ['one authority asked for twice', { 'quay.io': [fulcio('/a'), fulcio('/a')] }, []],
  [
    'a refusal beside a signature',
    { 'quay.io': [REJECT, signedBy('/a')] },
    ['no-effect docker["quay.io"]'],
  ],
  [
    'an acceptance beside a signature',
    { 'quay.io': [signedBy('/a'), ACCEPT] },
    ['no-effect docker["quay.io"][1]'],
  ],
  ['two refusals', { 'quay.io': [REJECT, REJECT] }, []],
  ['a scope in upper case', { 'quay.io/Team': [REJECT] }, ['never-matches docker["quay.io/Team"]']],
  ['a tag alone', { ':latest': [REJECT] }, ['never-matches docker[":latest"]']],
  [
    'a wildcard with a port',
    { '*.example.com:5000': [REJECT] },
    ['never-matches docker["*.example.com:5000"]'],
  ],
  [
    'a signature of a kind that nobody implements',
    { 'quay.io': [{ ...signedBy('/k'), keyType: 'X509Certificates' }] },
    ['never-satisfied docker["quay.io"][0]'],
  ],
  [
    'no key at all',
    { 'quay.io': [{ type: 'signedBy', keyType: 'GPGKeys', keyData: '' }] },
    ['never-satisfied docker["quay.io"][0]'],
  ],
  [
    'a sigstore key that is none',
    { 'quay.io': [{ type: 'sigstoreSigned', keyData: 'bm9uZQ==' }] },
    ['never-satisfied docker["quay.io"][0]'],
  ],
  ['a mirror that signs as its origin', { 'm.test/q': [remap('m.test/q', 'quay.io')] }, []],
  ['a whole host that signs as another', { 'm.test/q': [remap('m.test', 'quay.io')] }, []],
  ['a part of the scope that is remapped', { 'm.test': [remap('m.test/q', 'quay.io')] }, []],
  ['a remapped prefix for all images', { '': [remap('m.test/q', 'quay.io')] }, []],
  ['a remapped prefix under a wildcard', { '*.test': [remap('m.test/q', 'quay.io')] }, []],
  [
    'a remapped prefix of another host',
    { 'm.test': [remap('n.test', 'quay.io')] },
    ['remap-without-effect docker["m.test"][0].signedIdentity'],
  ],
  [
    'a remapped prefix that only begins alike',
    { 'm.test/queue': [remap('m.test/q', 'quay.io')] },
    ['remap-without-effect docker["m.test/queue"][0].signedIdentity'],
  ],
  [
    'a remapped short name',
    { 'docker.io/library/busybox': [remap('busybox', 'quay.io')] },
    ['remap-without-effect docker["docker.io/library/busybox"][0].signedIdentity'],
  ],
  [
    'a prefix that signs under a short name',
    { 'm.test': [remap('m.test', 'busybox')] },
    ['remap-without-effect docker["m.test"][0].signedIdentity'],
  ],
];

for (const [name, docker, warnings] of CASES) {
  t.test(
    `a policy with ${name} gets ${warnings.length === 0 ? 'no warning' : 'a warning'}`,
    async (t) => {
      const policy = parsePolicy(JSON.stringify({ default: [REJECT], transports: { docker } }));
      t.strictSame(
        policyWarnings(policy)
          .filter(({ reason }) => reason !== 'accepts-anything')
          .map(({ reason, path }) => `${reason} ${path.replace(/^transports\./, '')}`),
        warnings,
      );
    },
  );
}

t.test('plain acceptance and unknown transports are named where they stand', async (t) => {
  const policy = parsePolicy(
    JSON.stringify({
      default: [ACCEPT],
      transports: { Docker: { '': [REJECT] }, dir: { '': [ACCEPT] } },
    }),
  );
  t.strictSame(
    policyWarnings(policy).map(({ reason, path }) => `${reason} ${path}`),
    [
      'accepts-anything default',
      'unknown-transport transports.Docker',
      'accepts-anything transports.dir[""]',
    ],
  );
});

t.test('a path is no name of images, so its identity may be remapped as it likes', async (t) => {
  const policy = parsePolicy(
    JSON.stringify({
      default: [REJECT],
      transports: { dir: { '/srv': [remap('m.test', 'quay.io')] } },
    }),
  );
  t.strictSame(policyWarnings(policy), []);
});
