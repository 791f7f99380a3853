// One piece: a table of images in a store, each with the verdict on it.
import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { type ImageVerification, verifyImages } from '../../../agent/images/verify.ts';
import type { VerifyOptions } from '../../../agent/images/verify-options.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import {
  ANYTHING,
  imageId,
  indexOf,
  KEY_PATH,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  SIGNER,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type StoreImage, storeFiles, writeFiles } from '../../support/store-tree.ts';
import { alwaysPrivileged, asNobody } from '../../support/unprivileged.ts';

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
    'whose sizes of an instance are text',
    changed({ metadata: { 'signature-sizes': [GOOD.length], 'signatures-sizes': { x: 'y' } } }),
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

t.test('under a policy.json that cannot be read nothing can be said', async (t) => {
  const files = { ...storeFiles([image]), '/etc/containers/policy.json/x': '' };
  const { verdicts } = await verify(writeFiles(t.testdir({}), files));
  t.match(verdicts, [{ verdict: 'unknown', reason: 'policy-unreadable' }]);
});

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

t.test(
  'a key that only we may not read refuses no image',
  { skip: alwaysPrivileged },
  async (t) => {
    const reject = { default: [{ type: 'reject' }], transports: {} };
    const both = { default: [...SIGNED, { type: 'reject' }], transports: {} };
    const verdicts: readonly (readonly [policy: unknown, signed: StoreImage, expected: object])[] =
      [
        [POLICY, image, { verdict: 'unknown', reason: 'permission', message: /permission denied/ }],
        [POLICY, unsigned, { verdict: 'rejected', reason: 'no-signature' }],
        [reject, image, { verdict: 'rejected', reason: 'policy-reject' }],
        [both, image, { verdict: 'rejected' }],
      ];
    for (const [policy, stored, expected] of verdicts) {
      const files = { ...trustFiles(policy), ...storeFiles([stored]) };
      const root = writeFiles(t.testdir({}), files);
      chmodSync(join(root, KEY_PATH), 0o600);
      const found = await asNobody(() => verify(root));
      t.match(found.verdicts, [expected]);
    }
  },
);
