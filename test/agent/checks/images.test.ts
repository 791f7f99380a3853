// One piece: tables of stores for the rules of one check, which share its one pass over the images.
import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { describeImages, images } from '../../../agent/checks/images.ts';
import { verifierOf } from '../../../agent/images/verifier.ts';
import { runCheck } from '../../../agent/runner.ts';
import { sha256 } from '../../../shared/canonical.ts';
import type { RuleResult } from '../../../shared/findings.ts';
import { containerFiles } from '../../support/container-records.ts';
import { contextAt } from '../../support/host-tree.ts';
import {
  ANYTHING,
  imageId,
  lookasideFiles,
  manifestOf,
  pulled,
  SIGNER,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const HOUR_MS = 3_600_000;
const good = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, MANIFEST)] });
const unsigned = pulled({ seed: 'app', names: [NAME] });
const open = pulled({ seed: 'any', names: ['any.example.com/x:v1'] });
const onLayer = { ...open, record: { ...open.record, layer: 'abc0' } };
const layerFiles = (layers: readonly object[]): Files => ({
  '/var/lib/containers/storage/overlay-layers/layers.json': JSON.stringify(layers),
});
const FOLDER = '/var/lib/containers/storage/overlay-images';
const running = {
  '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([
    { id: '5', image: good.id, metadata: '{"name":"demo"}' },
  ]),
};

/** Results of images.signature-valid and of images.store-readable. */
const cases: readonly (readonly [
  name: string,
  files: Files,
  signature: object[],
  store: object[],
])[] = [
  [
    'a well-signed image and one that needs no signature',
    { ...trustFiles(), ...storeFiles([good, open]) },
    [
      {
        subject: NAME,
        result: 'pass',
        message: new RegExp(SIGNER),
        observed: { verdict: 'accepted', signedBy: SIGNER },
      },
      { subject: 'any.example.com/x:v1', result: 'notapplicable', reason: 'unenforced' },
    ],
    [{ result: 'pass', message: `2 images read from ${FOLDER}` }],
  ],
  [
    'an unsigned image',
    { ...trustFiles(), ...storeFiles([unsigned]) },
    [{ subject: NAME, result: 'fail', reason: 'no-signature', severity: 'high' }],
    [{ result: 'pass' }],
  ],
  [
    'an unsigned image in use',
    { ...trustFiles(), ...storeFiles([unsigned]), ...running },
    [{ subject: NAME, result: 'fail', severity: 'critical', message: /in use by 1/ }],
    [{ result: 'pass' }],
  ],
  [
    'an unsigned image whose signature lies beside it',
    {
      ...trustFiles(),
      ...storeFiles([unsigned]),
      ...lookasideFiles('team/app', MANIFEST, [signed(NAME, MANIFEST)]),
    },
    [{ subject: NAME, result: 'pass', observed: { source: 'lookaside' } }],
    [{ result: 'pass' }],
  ],
  [
    'an image whose layer is in no list of layers',
    { ...trustFiles(), ...storeFiles([onLayer]), ...layerFiles([]) },
    [{ result: 'notapplicable' }],
    [
      {
        subject: 'any.example.com/x:v1',
        result: 'fail',
        reason: 'layer-missing',
        observed: { imageId: open.id, layer: 'abc0' },
      },
    ],
  ],
  [
    'an image whose layer is not wholly unpacked',
    {
      ...trustFiles(),
      ...storeFiles([onLayer]),
      ...layerFiles([{ id: 'abc0', flags: { incomplete: true } }]),
    },
    [{ result: 'notapplicable' }],
    [{ subject: 'any.example.com/x:v1', result: 'unknown', reason: 'incomplete' }],
  ],
  [
    'an image whose layer is there',
    { ...trustFiles(), ...storeFiles([onLayer]), ...layerFiles([{ id: 'abc0' }]) },
    [{ result: 'notapplicable' }],
    [{ result: 'pass' }],
  ],
  [
    'a nameless image',
    { ...trustFiles(), ...storeFiles([pulled({ seed: 'app' })]) },
    [{ subject: imageId('app'), result: 'fail', reason: 'policy-reject' }],
    [{ result: 'pass' }],
  ],
  [
    'no policy',
    storeFiles([good]),
    [{ subject: NAME, result: 'unknown', reason: 'policy-missing' }],
    [{ result: 'pass' }],
  ],
  [
    'an image whose metadata is damaged',
    { ...trustFiles(), ...storeFiles([{ ...good, metadata: '{' }, open]) },
    [{ subject: NAME, result: 'fail', reason: 'store-metadata' }, { result: 'notapplicable' }],
    [{ subject: NAME, result: 'fail', reason: 'store-metadata' }],
  ],
  [
    'two damaged records',
    { ...trustFiles(), ...storeFiles([good, { id: '../x' }, { id: '' }]) },
    [{ subject: NAME, result: 'pass' }],
    [{ subject: FOLDER, result: 'fail', reason: 'record', message: /\(and 1 more\)/ }],
  ],
  [
    'a damaged list of images',
    { ...trustFiles(), ...storeFiles([good]), [`${FOLDER}/images.json`]: '[' },
    [{ result: 'unknown', reason: 'records' }],
    [{ subject: FOLDER, result: 'fail', reason: 'records' }],
  ],
  [
    'a list of images that cannot be read',
    { ...trustFiles(), [`${FOLDER}/images.json/x`]: '' },
    [{ result: 'unknown', reason: 'not-a-file' }],
    [{ subject: FOLDER, result: 'error', reason: 'not-a-file' }],
  ],
  [
    'a storage.conf that cannot be read',
    { ...trustFiles(), ...storeFiles([good]), '/etc/containers/storage.conf': '[' },
    [{ subject: NAME, result: 'pass' }],
    [{ result: 'error', reason: 'config', message: /storage\.conf/ }],
  ],
  [
    'no store',
    trustFiles(),
    [{ result: 'notapplicable', reason: 'no-images' }],
    [{ result: 'notapplicable', reason: 'no-store', message: new RegExp(FOLDER) }],
  ],
];

function of(rule: string, results: readonly RuleResult[]): readonly RuleResult[] {
  return results.filter(({ ruleId }) => ruleId === rule);
}

for (const [name, files, signature, store] of cases) {
  t.test(`a node with ${name}`, async (t) => {
    const { results } = await runCheck(images, contextAt(writeFiles(t.testdir({}), files)));
    const signatureResults = of('images.signature-valid', results);
    const storeResults = of('images.store-readable', results);
    t.match(signatureResults, signature);
    t.equal(signatureResults.length, signature.length);
    t.match(storeResults, store);
    t.equal(storeResults.length, store.length);
  });
}

t.test('the check and the section of the report share one pass', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([good, open]) });
  const context = contextAt(root);
  const { signal } = new AbortController();
  const verifier = verifierOf(context.host);
  t.equal(verifier.latest, undefined);
  await images.run(context, signal);
  const pass = verifier.latest;
  t.equal(pass?.evaluations, 1);
  const items = await describeImages(context, signal);
  t.equal(verifier.latest, pass, 'the report makes no pass of its own');
  t.same([...items.keys()], [`${good.id} ${NAME}`, `${open.id} any.example.com/x:v1`]);
  t.match(items.get(`${good.id} ${NAME}`), { verdict: 'accepted', imageId: good.id });
  await images.run(context, signal);
  t.equal(verifier.latest?.evaluations, 0, 'a second pass verifies nothing anew');
});

t.test('the section of a report that is asked for first makes the pass itself', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([good]) });
  const context = contextAt(root);
  const { signal } = new AbortController();
  t.equal((await describeImages(context, signal)).size, 1);
  rmSync(join(root, FOLDER), { recursive: true });
  await images.run(context, signal);
  t.equal((await describeImages(context, signal)).size, 0, 'and follows the check afterwards');
});

const refused = {
  '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([
    { id: '5', image: unsigned.id, metadata: JSON.stringify({ name: 'demo', 'image-name': NAME }) },
  ]),
};
const manifestFile = `${FOLDER}/${good.id}/manifest`;
const config = Buffer.from('{"os":"linux"}');
const configured = (content: Buffer): Files =>
  storeFiles([{ ...good, data: { ...good.data, [sha256(config)]: content } }]);
const conf = (path: string): Files => ({
  '/etc/containers/storage.conf': `[storage.options]\nadditionalimagestores = ["${path}"]\n`,
});
const OTHER_STORE = '/mnt/images';
const CONTAINERS = '/var/lib/containers/storage/overlay-containers';
const SPACE = '/etc/crio/policies/team.json';
const REJECT = '{"default":[{"type":"reject"}]}';
const OPEN = JSON.stringify({ default: ANYTHING });
const BY_DIGEST = `registry.example.com/team/app@${sha256(MANIFEST)}`;
const daysAgo = (days: number): string => new Date(Date.now() - days * 24 * HOUR_MS).toISOString();

/** Results of the further rules, on a node whose policy was written an hour after or before its images. */
const further: readonly (readonly [
  rule: string,
  name: string,
  files: Files,
  expected: object[],
  policyAfterImagesMs?: number,
])[] = [
  [
    'running-verified',
    'a good image in use',
    { ...storeFiles([good]), ...running },
    [{ subject: NAME, result: 'pass' }],
  ],
  [
    'running-verified',
    'an image in use under one of its names, and by a container that does not say by which',
    {
      ...storeFiles([{ ...good, names: ['registry.example.com/other/app:v1', NAME] }]),
      '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([
        { id: '5', image: good.id, metadata: JSON.stringify({ name: 'demo', 'image-name': NAME }) },
        { id: '6', image: good.id, metadata: JSON.stringify({ name: 'other' }) },
      ]),
    },
    [
      { subject: 'registry.example.com/other/app:v1', result: 'fail' },
      { subject: NAME, result: 'pass' },
    ],
  ],
  [
    'running-verified',
    'a refused image in use',
    { ...storeFiles([unsigned]), ...refused },
    [
      {
        subject: NAME,
        result: 'fail',
        severity: 'critical',
        reason: 'no-signature',
        message: /demo/,
      },
    ],
  ],
  [
    'running-verified',
    'another name of an image in use refused, which nobody asked for',
    {
      ...storeFiles([{ ...good, names: ['registry.example.com/other/app:v1', NAME] }]),
      '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([
        { id: '5', image: good.id, metadata: JSON.stringify({ name: 'demo', 'image-name': NAME }) },
      ]),
    },
    [{ subject: NAME, result: 'pass' }],
  ],
  [
    'running-verified',
    'no container',
    storeFiles([unsigned]),
    [{ result: 'notapplicable', reason: 'none-in-use' }],
  ],
  [
    'pulled-before-policy',
    'a refused image older than the policy',
    storeFiles([unsigned]),
    [{ subject: NAME, result: 'fail', severity: 'medium' }],
    HOUR_MS,
  ],
  [
    'pulled-before-policy',
    'a refused image newer than the policy',
    storeFiles([unsigned]),
    [{ result: 'pass' }],
    -HOUR_MS,
  ],
  [
    'pulled-before-policy',
    'a good image older than the policy',
    storeFiles([good]),
    [{ result: 'pass' }],
    HOUR_MS,
  ],
  [
    'pulled-before-policy',
    'an image that needs no signature',
    storeFiles([open]),
    [{ result: 'notapplicable', reason: 'unenforced' }],
    HOUR_MS,
  ],
  [
    'content-consistent',
    'whole images',
    configured(config),
    [{ result: 'pass', message: /^3 manifests/ }],
  ],
  [
    'content-consistent',
    'a changed configuration',
    configured(Buffer.from('{"os":"other"}')),
    [
      {
        result: 'fail',
        severity: 'critical',
        reason: 'digest-mismatch',
        observed: { item: sha256(config) },
      },
    ],
  ],
  [
    'content-consistent',
    'a changed manifest',
    { ...storeFiles([good]), [manifestFile]: `${MANIFEST} ` },
    [{ result: 'fail', observed: { item: 'manifest' }, expected: { digest: sha256(MANIFEST) } }],
  ],
  ['content-consistent', 'no image', {}, [{ result: 'notapplicable', reason: 'no-images' }]],
  ['additional-stores', 'its own store alone', storeFiles([good]), [{ result: 'pass' }]],
  [
    'additional-stores',
    'an additional store',
    { ...storeFiles([good]), ...conf(OTHER_STORE), ...storeFiles([open], { root: OTHER_STORE }) },
    [{ subject: OTHER_STORE, result: 'fail', observed: { images: 1 } }],
  ],
  [
    'additional-stores',
    'the store of the vendor',
    { ...storeFiles([good]), ...conf('/usr/lib/containers/storage') },
    [{ result: 'pass' }],
  ],
  [
    'additional-stores',
    'a storage.conf that cannot be read',
    { ...storeFiles([good]), '/etc/containers/storage.conf': '[' },
    [{ result: 'unknown', reason: 'config' }],
  ],
  ['additional-stores', 'no store', {}, [{ result: 'notapplicable', reason: 'no-store' }]],
  [
    'additional-stores',
    'stores of layers and of artifacts',
    {
      ...storeFiles([good]),
      '/etc/containers/storage.conf':
        '[storage.options]\nadditionallayerstores = ["/var/lib/lazy:ref"]\n',
      '/etc/crio/crio.conf.d/50': '[crio.image]\nadditional_artifact_stores = ["/srv/artifacts"]\n',
    },
    [
      {
        subject: '/var/lib/lazy (layers)',
        result: 'fail',
        reason: 'additional-store',
        observed: { path: '/var/lib/lazy', kind: 'layers' },
      },
      { subject: '/srv/artifacts (artifacts)', result: 'fail' },
    ],
  ],
  [
    'additional-stores',
    'empty lists of all three',
    {
      ...storeFiles([good]),
      '/etc/containers/storage.conf':
        '[storage.options]\nadditionalimagestores = []\nadditionallayerstores = []\n',
      '/etc/crio/crio.conf.d/50': '[crio.image]\nadditional_artifact_stores = []\n',
    },
    [{ result: 'pass' }],
  ],
  [
    'additional-stores',
    'a list of artifact stores that is none',
    {
      ...storeFiles([good]),
      '/etc/crio/crio.conf.d/50': '[crio.image]\nadditional_artifact_stores = "/srv"\n',
    },
    [{ result: 'unknown', reason: 'config', message: /additional_artifact_stores/ }],
  ],
  [
    'running-verified',
    'an image that the policy of its namespace refuses',
    {
      ...storeFiles([good]),
      [SPACE]: REJECT,
      ...containerFiles([{ image: good.id, namespace: 'team', asked: NAME }]),
    },
    [
      {
        subject: `${NAME} (namespace team)`,
        result: 'fail',
        reason: 'policy-reject',
        message: /team\/web-0\/app.* of its namespace \(\/etc\/crio\/policies\/team\.json\)/,
      },
    ],
  ],
  [
    'running-verified',
    'an image that the policy of its namespace accepts and that of the node refuses',
    {
      ...storeFiles([unsigned]),
      [SPACE]: OPEN,
      ...containerFiles([{ image: unsigned.id, namespace: 'team', asked: NAME }]),
    },
    [{ subject: `${NAME} (namespace team)`, result: 'notapplicable', reason: 'unenforced' }],
  ],
  [
    'running-verified',
    'an image that others use besides the namespace with a policy',
    {
      ...storeFiles([good]),
      [SPACE]: REJECT,
      ...containerFiles([
        { image: good.id, namespace: 'team', asked: NAME },
        { image: good.id, namespace: 'other', asked: NAME },
        { image: good.id, asked: NAME },
      ]),
    },
    [
      { subject: NAME, result: 'pass', message: /^in use by demo-2 and 1 more/ },
      { subject: `${NAME} (namespace team)`, result: 'fail' },
    ],
  ],
  [
    'running-verified',
    'an image of podman and of CRI-O, which has a policy of its own',
    {
      ...storeFiles([good]),
      '/etc/crio/crio.conf': '[crio.image]\nsignature_policy = "/etc/crio/own.json"\n',
      '/etc/crio/own.json': REJECT,
      ...containerFiles([
        { image: good.id, namespace: 'team', asked: NAME },
        { image: good.id, asked: NAME },
      ]),
    },
    [
      { subject: NAME, result: 'fail', message: /team/ },
      { subject: `${NAME} (podman)`, result: 'pass', message: /demo/ },
    ],
  ],
  [
    'signature-valid',
    'a policy of a namespace that does not parse',
    {
      ...storeFiles([good]),
      [SPACE]: '{',
      ...containerFiles([{ image: good.id, namespace: 'team', asked: NAME }]),
    },
    [
      { subject: NAME, result: 'pass' },
      { subject: `${NAME} (namespace team)`, result: 'unknown', reason: 'policy-invalid' },
    ],
  ],
  [
    'store-readable',
    'a damaged image that a namespace with a policy uses',
    {
      ...storeFiles([{ ...good, metadata: '{' }]),
      [SPACE]: OPEN,
      ...containerFiles([{ image: good.id, namespace: 'team', asked: NAME }]),
    },
    [{ subject: NAME, result: 'fail', reason: 'store-metadata' }],
  ],
  [
    'running-verified',
    'records of containers that cannot be read',
    { ...storeFiles([good]), [`${CONTAINERS}/containers.json`]: '{' },
    [{ result: 'unknown', reason: 'containers', message: /containers\.json/ }],
  ],
  [
    'additional-stores',
    'records of containers that cannot be read',
    { ...storeFiles([good]), [`${CONTAINERS}/containers.json`]: '{' },
    [{ result: 'pass' }],
  ],
  [
    'reference-quality',
    'records of some containers that cannot be read',
    {
      ...storeFiles([good]),
      ...containerFiles([{ image: good.id, namespace: 'team', asked: BY_DIGEST }]),
      [`${CONTAINERS}/containers.json`]: '{',
    },
    [{ result: 'unknown', reason: 'containers' }],
  ],
  [
    'reference-quality',
    'nothing that runs',
    storeFiles([good]),
    [{ result: 'notapplicable', reason: 'none-in-use' }],
  ],
  [
    'reference-quality',
    'pods that are only held together',
    {
      ...storeFiles([good]),
      ...containerFiles([{ image: good.id, namespace: 'team', asked: NAME, isSandbox: true }]),
    },
    [{ result: 'notapplicable', reason: 'none-in-use' }],
  ],
  [
    'reference-quality',
    'images by digest alone',
    {
      ...storeFiles([good]),
      ...containerFiles([
        { image: good.id, namespace: 'team', asked: BY_DIGEST },
        { image: good.id, asked: `${NAME}@${sha256(MANIFEST)}` },
      ]),
    },
    [{ result: 'pass', severity: 'info', observed: { byDigest: 1, byTag: 0, byLatest: 0 } }],
  ],
  [
    'reference-quality',
    'images by digest, by tag and by no tag, one of them made long ago',
    {
      ...storeFiles([
        { ...good, record: { ...good.record, created: daysAgo(800) } },
        { ...open, record: { ...open.record, created: '0001-01-01T00:00:00Z' } },
      ]),
      ...containerFiles([
        { image: good.id, namespace: 'team', asked: BY_DIGEST },
        { image: good.id, namespace: 'team', asked: NAME },
        { image: good.id, asked: NAME },
        { image: open.id, namespace: 'team', asked: 'any.example.com/x' },
      ]),
    },
    [
      {
        subject: NAME,
        result: 'notapplicable',
        reason: 'informational',
        severity: 'info',
        message: /^used by demo-2 and 1 more, by a tag.*; made 2 years ago$/,
        observed: { reference: 'tag', images: 1, containers: 2 },
      },
      {
        subject: 'any.example.com/x:latest',
        result: 'notapplicable',
        message: /^used by team\/web-3\/app, by the tag latest[^;]*$/,
        observed: { reference: 'latest' },
      },
    ],
  ],
  [
    'reference-quality',
    'two images in use by one tag',
    {
      ...storeFiles([good, { ...open, names: [] }]),
      ...containerFiles([
        { image: good.id, asked: NAME },
        { image: open.id, asked: NAME },
      ]),
    },
    [{ subject: NAME, message: /2 images go by it here/, observed: { images: 2 } }],
  ],
  [
    'reference-quality',
    'a record that names no image: the names of the image count, or nothing is known',
    {
      ...storeFiles([good, pulled({ seed: 'nameless' })]),
      ...containerFiles([{ image: good.id }, { image: imageId('nameless') }]),
    },
    [
      { subject: NAME, result: 'notapplicable', observed: { reference: 'tag' } },
      { subject: imageId('nameless'), result: 'unknown', reason: 'no-reference' },
    ],
  ],
];

for (const [rule, name, files, expected, policyAfterImagesMs = 0] of further) {
  t.test(`${rule} on a node with ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), { ...trustFiles(), ...files });
    const at = (Date.now() + policyAfterImagesMs) / 1000;
    utimesSync(join(root, '/etc/containers/policy.json'), at, at);
    const { results } = await runCheck(images, contextAt(root));
    const found = of(`images.${rule}`, results);
    t.match(found, expected);
    t.equal(found.length, expected.length);
  });
}

t.test(
  'each judge has an item of its own in the section, and the node’s keeps its key',
  async (t) => {
    const root = writeFiles(t.testdir({}), {
      ...trustFiles(),
      ...storeFiles([good]),
      '/etc/crio/crio.conf': '[crio.image]\nsignature_policy = "/etc/crio/own.json"\n',
      '/etc/crio/own.json': OPEN,
      [SPACE]: REJECT,
      ...containerFiles([
        { image: good.id, namespace: 'team', asked: NAME },
        { image: good.id, asked: NAME },
      ]),
    });
    const items = await describeImages(contextAt(root), new AbortController().signal);
    t.match(Object.fromEntries(items), {
      [`${good.id} ${NAME}`]: { policy: '/etc/crio/own.json', verdict: 'unenforced' },
      [`${good.id} ${NAME} /etc/containers/policy.json`]: { verdict: 'accepted' },
      [`${good.id} ${NAME} team`]: { policy: SPACE, namespace: 'team', verdict: 'rejected' },
    });
    t.equal(items.size, 3);
  },
);

t.test('of a list of images that is damaged nothing is said as if there were none', async (t) => {
  const damaged = { ...storeFiles([good]), [`${FOLDER}/images.json`]: '[' };
  const files = { ...trustFiles(), ...damaged, ...running };
  const { results } = await runCheck(images, contextAt(writeFiles(t.testdir({}), files)));
  for (const rule of ['running-verified', 'pulled-before-policy', 'content-consistent']) {
    t.match(of(`images.${rule}`, results), [{ result: 'unknown', reason: 'records' }], rule);
  }
});

t.test(
  'a container whose image is in no store is undecided, beside those that are not',
  async (t) => {
    const other = { id: 'f1', image: imageId('gone'), metadata: '{"name":"left"}' };
    const path = '/var/lib/containers/storage/overlay-containers/volatile-containers.json';
    const left = { [path]: JSON.stringify([other]) };
    const files = { ...trustFiles(), ...storeFiles([good]), ...running, ...left };
    const { results } = await runCheck(images, contextAt(writeFiles(t.testdir({}), files)));
    const [first, second] = of('images.running-verified', results);
    t.match(first, { subject: NAME, result: 'pass' });
    t.match(second, { subject: imageId('gone'), result: 'unknown', reason: 'not-in-store' });
  },
);

t.test('records of containers that cannot be read are told beside those that can', async (t) => {
  const path = '/var/lib/containers/storage/overlay-containers/volatile-containers.json';
  const files = { ...trustFiles(), ...storeFiles([good]), ...running, [path]: '[' };
  const { results } = await runCheck(images, contextAt(writeFiles(t.testdir({}), files)));
  t.match(of('images.running-verified', results), [
    { subject: NAME, result: 'pass' },
    { result: 'unknown', reason: 'containers' },
  ]);
});
