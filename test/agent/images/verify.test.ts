import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import {
  type ImageVerification,
  type VerifyOptions,
  verifyImages,
} from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import {
  ANYTHING,
  imageId,
  indexOf,
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  SIGNER,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, type StoreImage, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const REPOSITORY = 'team/app';
const MANIFEST = manifestOf('app');
const DIGEST = sha256(MANIFEST);
const GOOD = signed(NAME, MANIFEST);
const BAD = signed(NAME, MANIFEST, OTHER_KEY);

const image = pulled({ seed: 'app', names: [NAME], signatures: [GOOD] });
const unsigned = pulled({ seed: 'app', names: [NAME] });

function changed(change: Partial<StoreImage>): StoreImage {
  return { ...image, ...change };
}
function withData(data: Record<string, Buffer | undefined>): StoreImage {
  const all = Object.entries({ ...image.data, ...data });
  const kept = all.filter((item): item is [string, Buffer] => item[1] !== undefined);
  return { ...image, data: Object.fromEntries(kept) };
}

async function verify(root: string, options: VerifyOptions = {}): Promise<ImageVerification> {
  const host = openHost(root);
  return await verifyImages(host, await readNodeTrust(host), options);
}

const OTHER = manifestOf('other');
const LIST = indexOf(MANIFEST, OTHER);
const BY_LIST = `registry.example.com/${REPOSITORY}@${sha256(LIST)}`;
const STORAGE_POLICY = {
  ...POLICY,
  transports: {
    'containers-storage': {
      '[overlay@/var/lib/containers/storage]': ANYTHING,
    },
  },
};

type Expected = object;
/** One image in the store, asked of the store alone. */
const STORED: readonly (readonly [
  name: string,
  image: StoreImage,
  expected: Expected,
  policy?: unknown,
])[] = [
  [
    'with a good signature',
    image,
    {
      verdict: 'accepted',
      signedBy: [SIGNER],
      source: 'store',
      scope: 'docker "registry.example.com"',
    },
  ],
  [
    'without a signature',
    unsigned,
    { verdict: 'rejected', reason: 'no-signature', source: 'none' },
  ],
  [
    'signed by another key',
    pulled({ seed: 'app', names: [NAME], signatures: [BAD] }),
    { verdict: 'rejected', reason: 'signature-invalid', source: 'store' },
  ],
  [
    'with a good signature beside a bad one',
    pulled({ seed: 'app', names: [NAME], signatures: [BAD, GOOD] }),
    { verdict: 'accepted', signatures: [{ accepted: false }, { accepted: true }] },
  ],
  [
    'whose name asks for no signature',
    pulled({ seed: 'app', names: ['any.example.com/app:v1'] }),
    { verdict: 'unenforced', signedBy: [], scope: 'docker "any.example.com"' },
  ],
  [
    'whose name asks for no signature, with garbage for a signature that nobody reads',
    pulled({
      seed: 'app',
      names: ['any.example.com/app:v1'],
      signatures: [Buffer.from('garbage')],
    }),
    { verdict: 'unenforced' },
  ],
  [
    'whose name has no scope',
    pulled({ seed: 'app', names: ['quay.io/app:v1'], signatures: [GOOD] }),
    { verdict: 'rejected', reason: 'policy-reject', scope: 'default' },
  ],
  [
    'with files of signatures but no sizes (trap 1)',
    changed({ metadata: {} }),
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'named by the digest of a list, its instance signed (trap 2)',
    pulled({ seed: 'app', names: [BY_LIST], list: LIST, signatures: [GOOD] }),
    { verdict: 'accepted', digest: sha256(LIST) },
  ],
  [
    'named by the digest of a list that alone is signed (trap 2)',
    {
      ...pulled({ seed: 'app', names: [BY_LIST], list: LIST }),
      metadata: { 'signatures-sizes': { [sha256(LIST)]: [signed(NAME, LIST).length] } },
    },
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'named by the digest of a list in which it does not stand',
    pulled({
      seed: 'app',
      names: [BY_LIST.replace(sha256(LIST), sha256(indexOf(OTHER)))],
      list: indexOf(OTHER),
      signatures: [GOOD],
    }),
    { verdict: 'rejected', reason: 'reference-digest-mismatch' },
  ],
  [
    'named by a digest that its manifest does not have (trap 24)',
    {
      ...unsigned,
      names: [`registry.example.com/${REPOSITORY}@${sha256(OTHER)}`],
      ...{ data: image.data, metadata: image.metadata },
    },
    { verdict: 'rejected', reason: 'reference-digest-mismatch' },
  ],
  [
    'named by digest whose copy for that digest was changed',
    {
      ...withData({ [`manifest-${DIGEST}`]: Buffer.from(`${MANIFEST} `) }),
      names: [`registry.example.com/${REPOSITORY}@${DIGEST}`],
    },
    { verdict: 'rejected', reason: 'reference-digest-mismatch' },
  ],
  [
    'named by digest, of an old record without a copy for that digest',
    {
      ...withData({ [`manifest-${DIGEST}`]: undefined }),
      names: [`registry.example.com/${REPOSITORY}@${DIGEST}`],
    },
    { verdict: 'accepted' },
  ],
  [
    'with tag and digest in its name: the tag does not count, as for CRI-O',
    changed({ names: [`registry.example.com/${REPOSITORY}:v2@${DIGEST}`] }),
    { verdict: 'accepted' },
  ],
  [
    'under a wildcard of docker scopes (trap 18)',
    image,
    { verdict: 'accepted', scope: 'docker "*.example.com"' },
    {
      ...POLICY,
      transports: { docker: { '*.example.com': SIGNED } },
    },
  ],
  [
    'without a name: docker scopes do not apply (trap 18)',
    pulled({ seed: 'app', signatures: [GOOD] }),
    { verdict: 'rejected', reason: 'policy-reject', reference: '<none>', scope: 'default' },
  ],
  [
    'without a name, under a scope for the store',
    pulled({ seed: 'app' }),
    { verdict: 'unenforced', scope: 'containers-storage "[overlay@/var/lib/containers/storage]"' },
    STORAGE_POLICY,
  ],
  // damage: what skopeo could not read either
  [
    'whose sizes are too large',
    changed({ metadata: { 'signature-sizes': [GOOD.length + 1] } }),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'whose sizes leave bytes over',
    changed({ metadata: { 'signature-sizes': [GOOD.length - 1] } }),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'whose sizes cut at the wrong place',
    changed({ metadata: { 'signature-sizes': [1, GOOD.length - 1] } }),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'whose file of signatures is gone',
    withData({ signatures: undefined }),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'whose signature was changed',
    withData({ signatures: Buffer.alloc(GOOD.length, 'x') }),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'whose metadata is no JSON',
    changed({ metadata: '{"signature-sizes":[' }),
    { verdict: 'rejected', reason: 'store-metadata' },
  ],
  [
    'whose metadata is a list',
    changed({ metadata: [] }),
    { verdict: 'rejected', reason: 'store-metadata' },
  ],
  [
    'whose sizes are text',
    changed({ metadata: { 'signature-sizes': 'x' } }),
    { verdict: 'rejected', reason: 'store-metadata' },
  ],
  [
    'whose sizes are negative',
    changed({ metadata: { 'signature-sizes': [-1] } }),
    { verdict: 'rejected', reason: 'store-metadata' },
  ],
  [
    'whose sizes are beyond all measure',
    changed({ metadata: { 'signature-sizes': [9007199254740991] } }),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'whose manifest is gone',
    withData({ manifest: undefined }),
    { verdict: 'rejected', reason: 'store-manifest' },
  ],
  [
    'whose manifest was changed',
    withData({ manifest: Buffer.from(`${MANIFEST} `) }),
    { verdict: 'rejected', reason: 'digest-mismatch' },
  ],
  [
    'whose manifest is no JSON',
    withData({ manifest: Buffer.from('x') }),
    { verdict: 'rejected', reason: 'digest-mismatch' },
  ],
  // nothing can be said
  [
    'that is a list of images',
    withData({ manifest: LIST }),
    { verdict: 'unknown', reason: 'manifest-list' },
  ],
  [
    'that is still being pulled',
    { id: imageId('app'), data: {} },
    { verdict: 'unknown', reason: 'incomplete' },
  ],
  [
    'with a name that is none',
    changed({ names: ['UPPER/case:v1'] }),
    { verdict: 'unknown', reason: 'reference-invalid' },
  ],
  [
    'with a name of 10,000 characters',
    changed({ names: ['x'.repeat(10_000)] }),
    { verdict: 'unknown', reason: 'reference-invalid', reference: /^x{80}… \(sha256:/ },
  ],
  [
    'with the empty name',
    changed({ names: [''] }),
    { verdict: 'unknown', reason: 'reference-invalid' },
  ],
  [
    'under a policy that does not parse',
    image,
    { verdict: 'unknown', reason: 'policy-invalid', message: /line 1/ },
    '{',
  ],
  [
    'under a policy whose key is gone',
    image,
    { verdict: 'rejected', reason: 'key-unreadable' },
    { default: [{ type: 'sigstoreSigned', keyPath: '/etc/pki/gone.pub' }] },
  ],
];

for (const [name, image, expected, policy] of STORED) {
  t.test(`an image ${name}`, async (t) => {
    const files = { ...trustFiles(policy), ...storeFiles([image]) };
    const { verdicts, faults } = await verify(writeFiles(t.testdir({}), files), {
      sources: ['store'],
    });
    t.same(faults, []);
    t.equal(verdicts.length, 1);
    t.match(verdicts, [{ imageId: image.id, ...expected }]);
    t.equal(
      JSON.stringify(JSON.parse(JSON.stringify(verdicts))),
      JSON.stringify(verdicts),
      'is JSON',
    );
  });
}

t.test('without a policy.json nothing can be said', async (t) => {
  const files = storeFiles([image]);
  const { verdicts } = await verify(writeFiles(t.testdir({}), files));
  t.match(verdicts, [{ verdict: 'unknown', reason: 'policy-missing', scope: '' }]);
});

const HTTPS = 'docker:\n  registry.example.com:\n    lookaside: https://signatures.example.com\n';
const registriesD = (text: string): Files => ({ '/etc/containers/registries.d/a.yaml': text });
const beside = (...signatures: readonly (Buffer | undefined)[]): Files =>
  lookasideFiles(REPOSITORY, MANIFEST, signatures);
const mirrored = (): Files => ({
  '/etc/containers/registries.conf':
    '[[registry]]\nlocation = "registry.example.com/team"\n[[registry.mirror]]\nlocation = "mirror.local/mirror"\n',
});
const ACCEPTED = { verdict: 'accepted', source: 'lookaside' };
const GARBAGE = Buffer.from('not a signature');

/** What is asked in which order, and what counts. */
const SOURCES: readonly (readonly [
  name: string,
  sources: VerifyOptions['sources'],
  image: StoreImage,
  files: Files,
  expected: Expected,
])[] = [
  [
    'a good signature in the lookaside, none in the store',
    undefined,
    unsigned,
    beside(GOOD),
    ACCEPTED,
  ],
  [
    'a good signature in the store, none in the lookaside',
    undefined,
    image,
    {},
    { verdict: 'accepted', source: 'store' },
  ],
  [
    'a good signature in the store, garbage in the lookaside',
    undefined,
    image,
    beside(GARBAGE),
    { verdict: 'accepted', source: 'store' },
  ],
  [
    'a bad signature in the store, a good one in the lookaside',
    undefined,
    pulled({ seed: 'app', names: [NAME], signatures: [BAD] }),
    beside(GOOD),
    ACCEPTED,
  ],
  [
    'a bad signature in the store, none in the lookaside',
    undefined,
    pulled({ seed: 'app', names: [NAME], signatures: [BAD] }),
    {},
    { verdict: 'rejected', reason: 'signature-invalid', source: 'store' },
  ],
  [
    'no signature anywhere',
    undefined,
    unsigned,
    {},
    { verdict: 'rejected', reason: 'no-signature', source: 'none' },
  ],
  [
    'damage in the store, a good signature in the lookaside',
    undefined,
    withData({ signatures: undefined }),
    beside(GOOD),
    { verdict: 'rejected', reason: 'store-signatures' },
  ],
  [
    'none in the store, a lookaside of another scheme',
    undefined,
    unsigned,
    registriesD(HTTPS),
    { verdict: 'unknown', reason: 'source-not-enabled', message: /https/ },
  ],
  [
    'a bad one in the store, a lookaside of another scheme',
    undefined,
    pulled({ seed: 'app', names: [NAME], signatures: [BAD] }),
    registriesD(HTTPS),
    { verdict: 'rejected', reason: 'signature-invalid' },
  ],
  [
    'none in the store, attachments in the registry',
    undefined,
    unsigned,
    registriesD('default-docker:\n  use-sigstore-attachments: true\n'),
    { verdict: 'unknown', reason: 'source-not-enabled', message: /attachments/ },
  ],
  [
    'the registry alone',
    ['registry'],
    image,
    {},
    { verdict: 'unknown', reason: 'source-not-enabled' },
  ],
  ['no source', [], image, {}, { verdict: 'unknown', reason: 'source-not-enabled' }],
  ['the lookaside alone', ['lookaside'], image, beside(GOOD), ACCEPTED],
  [
    'the lookaside alone, empty',
    ['lookaside'],
    image,
    {},
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'the lookaside alone, whose numbers have a gap',
    ['lookaside'],
    image,
    beside(undefined, GOOD),
    { verdict: 'rejected', reason: 'no-signature' },
  ],
  [
    'the lookaside alone, garbage behind a good one (trap 3)',
    ['lookaside'],
    image,
    beside(GOOD, GARBAGE),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the lookaside alone, an empty file',
    ['lookaside'],
    image,
    beside(Buffer.alloc(0)),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the lookaside alone, 127 signatures',
    ['lookaside'],
    image,
    beside(...Array<Buffer>(126).fill(BAD), GOOD),
    ACCEPTED,
  ],
  [
    'the lookaside alone, 128 signatures',
    ['lookaside'],
    image,
    beside(...Array<Buffer>(128).fill(GOOD)),
    { verdict: 'rejected', reason: 'signatures-unreadable', message: /128/ },
  ],
  [
    'the lookaside alone, a signature of more than 4 MiB',
    ['lookaside'],
    image,
    beside(Buffer.alloc(4 * 1024 * 1024 + 1, 0xa3)),
    { verdict: 'unknown', reason: 'too-large' },
  ],
  [
    'the lookaside alone, garbage under a scope that asks for nothing',
    ['lookaside'],
    pulled({ seed: 'app', names: ['any.example.com/team/app:v1'] }),
    beside(GARBAGE),
    { verdict: 'rejected', reason: 'blob-format' },
  ],
  [
    'the store first, garbage in the lookaside under a scope that asks for nothing',
    undefined,
    pulled({ seed: 'app', names: ['any.example.com/team/app:v1'] }),
    beside(GARBAGE),
    { verdict: 'unenforced', source: 'none' },
  ],
  [
    'a lookaside without a scheme',
    ['lookaside'],
    image,
    registriesD('default-docker:\n  lookaside: /no/scheme\n'),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
  ],
  [
    'a lookaside with ftp',
    ['lookaside'],
    image,
    registriesD('default-docker:\n  lookaside: ftp://host/x\n'),
    { verdict: 'rejected', reason: 'signatures-unreadable' },
  ],
  [
    'a lookaside elsewhere, with blanks in its path',
    ['lookaside'],
    image,
    {
      ...registriesD('default-docker:\n  lookaside: file:///srv/my%20signatures\n'),
      ...lookasideFiles(REPOSITORY, MANIFEST, [GOOD], '/srv/my signatures'),
    },
    ACCEPTED,
  ],
  [
    'a mirror’s part of the lookaside',
    ['lookaside'],
    image,
    { ...mirrored(), ...lookasideFiles('mirror/app', MANIFEST, [GOOD]) },
    ACCEPTED,
  ],
  [
    'the registry’s part of the lookaside, the mirror’s being empty',
    ['lookaside'],
    image,
    { ...mirrored(), ...beside(GOOD) },
    ACCEPTED,
  ],
  [
    'a file, a mirror’s lookaside being of another scheme',
    ['lookaside'],
    image,
    {
      ...mirrored(),
      ...registriesD('docker:\n  mirror.local:\n    lookaside: https://x.example.com\n'),
      ...beside(GOOD),
    },
    ACCEPTED,
  ],
  [
    'nowhere, a mirror’s lookaside being of another scheme',
    ['lookaside'],
    image,
    {
      ...mirrored(),
      ...registriesD('docker:\n  mirror.local:\n    lookaside: https://x.example.com\n'),
    },
    { verdict: 'unknown', reason: 'source-not-enabled' },
  ],
  [
    'the lookaside of a registry that is blocked by now',
    ['lookaside'],
    image,
    {
      '/etc/containers/registries.conf':
        '[[registry]]\nlocation = "registry.example.com"\nblocked = true\n',
      ...beside(GOOD),
    },
    ACCEPTED,
  ],
  [
    'a registries.conf that does not parse',
    ['lookaside'],
    image,
    { '/etc/containers/registries.conf.d/a.conf': '[[registry]', ...beside(GOOD) },
    { verdict: 'unknown', reason: 'registries-invalid', message: /a\.conf/ },
  ],
  [
    'a registries.d that does not parse',
    ['lookaside'],
    image,
    registriesD('docker: ['),
    { verdict: 'unknown', reason: 'registries-invalid', message: /a\.yaml/ },
  ],
  [
    'a registries.d that does not parse, the store first',
    undefined,
    image,
    registriesD('docker: ['),
    { verdict: 'accepted', source: 'store' },
  ],
];

for (const [name, sources, image, files, expected] of SOURCES) {
  t.test(`signatures from ${name}`, async (t) => {
    const all = { ...trustFiles(), ...storeFiles([image]), ...files };
    const options = sources === undefined ? {} : { sources };
    const { verdicts } = await verify(writeFiles(t.testdir({}), all), options);
    t.match(verdicts, [expected]);
  });
}

t.test('an image with two names is judged under each', async (t) => {
  const names = [NAME, 'localhost/alias:latest'];
  const files = { ...trustFiles(), ...storeFiles([{ ...image, names }]) };
  const { verdicts } = await verify(writeFiles(t.testdir({}), files));
  t.match(verdicts, [
    { reference: NAME, verdict: 'accepted' },
    { reference: 'localhost/alias:latest', verdict: 'rejected', reason: 'policy-reject' },
  ]);
});

t.test('a damaged image does not keep the others from being judged', async (t) => {
  const broken = { ...pulled({ seed: 'broken', names: ['any.example.com/b:v1'] }), metadata: '{' };
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([broken, image]) });
  const { verdicts, faults } = await verify(root);
  t.same(faults, []);
  t.match(verdicts, [{ reason: 'store-metadata' }, { verdict: 'accepted' }]);
});

t.test('containers that use an image are named with it', async (t) => {
  const container = { id: '5', image: image.id, names: ['demo'], metadata: '{"name":"demo"}' };
  const files = {
    ...trustFiles(),
    ...storeFiles([image]),
    '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([container]),
  };
  const { verdicts } = await verify(writeFiles(t.testdir({}), files));
  t.match(verdicts, [{ pods: [{ container: 'demo' }] }]);
});

t.test('no link in a store leads out of the root of the node', async (t) => {
  const root = join(t.testdir({ node: {}, secret: MANIFEST.toString() }), 'node');
  writeFiles(root, { ...trustFiles(), ...storeFiles([image]) });
  const manifest = join(root, `/var/lib/containers/storage/overlay-images/${image.id}/manifest`);
  rmSync(manifest);
  symlinkSync('../../../../../../../secret', manifest);
  t.match((await verify(root)).verdicts, [{ verdict: 'rejected', reason: 'store-manifest' }]);
});

t.test('an aborted pass ends with the reason of its signal', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
  const signal = AbortSignal.abort(new Error('enough'));
  await t.rejects(verify(root, { signal }), { message: 'enough' });
});
