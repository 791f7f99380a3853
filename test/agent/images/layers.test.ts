import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { PassMemory } from '../../../agent/images/pass-memory.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { makeImageStore, whyNoStore } from '../../support/image-store.ts';
import { ANYTHING, pulled, trustFiles } from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const LAYERS = '/var/lib/containers/storage/overlay-layers';
const [low, middle, top] = ['0a', '0b', '0c'];
const trust = trustFiles({ default: ANYTHING });
const name = 'registry.example.com/app:v1';

/** A node with one image on layer `0c`, and these layers. */
function nodeOf(layers: unknown, names: readonly string[] = [name]): Files {
  const image = pulled({ seed: 'a', names });
  const record = { ...image.record, layer: top };
  const list = typeof layers === 'string' ? layers : JSON.stringify(layers);
  return {
    ...trust,
    ...storeFiles([{ ...image, record }]),
    ...(layers === undefined ? {} : { [`${LAYERS}/layers.json`]: list }),
  };
}

const whole = [{ id: low }, { id: middle, parent: low }, { id: top, parent: middle }];
const incomplete = { flags: { incomplete: true } };

const cases: readonly (readonly [string, Files, readonly object[], readonly object[]])[] = [
  ['with all its layers', nodeOf(whole), [], []],
  [
    'without its top layer',
    nodeOf([{ id: low }]),
    [{ reference: name, reason: 'layer-missing', layer: top }],
    [],
  ],
  [
    'without a layer below',
    nodeOf([{ id: top, parent: middle }, { id: low }]),
    [{ reason: 'layer-missing', layer: middle }],
    [],
  ],
  [
    'on layers that lead to themselves',
    nodeOf([
      { id: top, parent: middle },
      { id: middle, parent: top },
    ]),
    [{ reason: 'layer-missing', layer: top, message: /its own ancestor/ }],
    [],
  ],
  [
    'on a half unpacked layer',
    nodeOf([{ id: low }, { id: middle, parent: low, ...incomplete }, { id: top, parent: middle }]),
    [{ reason: 'incomplete', layer: middle }],
    [],
  ],
  ['being pulled', nodeOf([{ id: top, ...incomplete }], []), [], []],
  [
    'on a layer that only the volatile list has',
    {
      ...nodeOf([{ id: low }, { id: middle, parent: low }]),
      [`${LAYERS}/volatile-layers.json`]: JSON.stringify([{ id: top, parent: middle }]),
    },
    [],
    [],
  ],
  ['in a store without a list of layers', nodeOf(undefined), [], []],
  ['with a list of layers that is none', nodeOf('{'), [], [{ path: LAYERS, reason: 'records' }]],
  [
    'with a damaged layer record',
    nodeOf([{ id: 'no hex' }]),
    [],
    [{ path: LAYERS, reason: 'record', message: /\[0\]\.id/ }],
  ],
];

for (const [title, files, layerFaults, faults] of cases) {
  t.test(`an image ${title}`, async (t) => {
    const host = openHost(writeFiles(t.testdir({}), files));
    const found = await verifyImages(host, await readNodeTrust(host));
    t.equal(found.layerFaults.length, layerFaults.length);
    t.match(found.layerFaults, layerFaults);
    t.equal(found.faults.length, faults.length, JSON.stringify(found.faults));
    t.match(found.faults, faults);
  });
}

t.test('an image whose layers lie in another root of the store', async (t) => {
  const root = '/srv/shared';
  const files = {
    ...nodeOf([{ id: top, parent: middle }]),
    ...storeFiles([], { root }),
    [`${root}/overlay-layers/layers.json`]: JSON.stringify([{ id: middle }]),
    '/etc/containers/storage.conf': `[storage]\ndriver = "overlay"\n[storage.options]\nadditionalimagestores = ["${root}"]\n`,
  };
  const host = openHost(writeFiles(t.testdir({}), files));
  const { layerFaults, faults } = await verifyImages(host, await readNodeTrust(host));
  t.same([layerFaults, faults], [[], []]);
});

t.test('a list of layers that cannot be read is told once, and nothing is missing', async (t) => {
  const dir = writeFiles(t.testdir({}), nodeOf(whole));
  rmSync(join(dir, LAYERS, 'layers.json'));
  mkdirSync(join(dir, LAYERS, 'layers.json'));
  const host = openHost(dir);
  const { layerFaults, faults } = await verifyImages(host, await readNodeTrust(host));
  t.same(layerFaults, []);
  t.match(faults, [{ path: LAYERS, reason: 'not-a-file' }]);
});

t.test('a list of layers that changes is read anew', async (t) => {
  const dir = writeFiles(t.testdir({}), nodeOf(whole));
  const host = openHost(dir);
  const memory = new PassMemory();
  const look = async () =>
    (await verifyImages(host, await readNodeTrust(host), { memory })).layerFaults.length;
  t.equal(await look(), 0);
  writeFileSync(join(dir, LAYERS, 'layers.json'), '[]');
  t.equal(await look(), 1);
});

const why = whyNoStore();
// The stores that other tests ask for too: each takes half a minute to make, once.
for (const options of [
  ['--images', '12'],
  ['--images', '6', '--driver', 'vfs'],
]) {
  const name = `a real store (${options.join(' ')}) lacks no layer`;
  t.test(name, { skip: why, timeout: 240_000 }, async (t) => {
    const store = await makeImageStore(options);
    const host = openHost(store.root);
    const { layerFaults, faults, verdicts } = await verifyImages(host, await readNodeTrust(host));
    t.same(layerFaults, []);
    t.same(faults, []);
    t.ok(verdicts.length > 3);
  });
}
