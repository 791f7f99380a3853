import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import type { StorageConfig } from '../../../agent/images/storage-conf.ts';
import {
  type ImageStore,
  isUnchanged,
  readImageStore,
  readManifest,
  readSignatures,
} from '../../../agent/images/store.ts';
import { manifestOf, pulled } from '../../support/signed-images.ts';
import { type Files, recordOf, storeFiles, writeFiles } from '../../support/store-tree.ts';

const ROOT = '/var/lib/containers/storage';
const LIST = `${ROOT}/overlay-images/images.json`;
const CONFIG: StorageConfig = {
  graphRoot: ROOT,
  runRoot: '/run/containers/storage',
  additionalImageStores: [],
  additionalLayerStores: [],
  additionalArtifactStores: [],
  transientStore: false,
  files: [],
  problems: [],
};
const A = pulled({ seed: 'a', names: ['a.example.com/a:v1'] });
const B = pulled({ seed: 'b', names: ['b.example.com/b:v1'] });

async function read(dir: string, config: Partial<StorageConfig> = {}): Promise<ImageStore> {
  return await readImageStore(openHost(dir), { ...CONFIG, ...config });
}
function namesOf({ images }: ImageStore): readonly (readonly string[])[] {
  return images.map(({ names }) => names);
}

const drivers: readonly (readonly [string, Files, Partial<StorageConfig>, string, number])[] = [
  ['overlay by its folder', storeFiles([A]), {}, 'overlay', 1],
  ['vfs by its folder', storeFiles([A], { driver: 'vfs' }), {}, 'vfs', 1],
  ['the one configured', storeFiles([A], { driver: 'vfs' }), { driver: 'overlay' }, 'overlay', 0],
  ['overlay where there is nothing', {}, {}, 'overlay', 0],
];
for (const [name, files, config, driver, count] of drivers) {
  t.test(`the driver of a store is ${name}`, async (t) => {
    const store = await read(writeFiles(t.testdir({}), files), config);
    t.equal(store.driver, driver);
    t.equal(store.images.length, count);
    t.notOk(store.folders.some(({ problem }) => problem));
  });
}

t.test('two records with one name: the later in the file keeps it (trap 39)', async (t) => {
  const files = storeFiles([A, { ...B, names: ['a.example.com/a:v1', 'b:v1'] }]);
  t.same(namesOf(await read(writeFiles(t.testdir({}), files))), [
    [],
    ['a.example.com/a:v1', 'b:v1'],
  ]);
});

t.test('one name in two stores: the first store keeps it', async (t) => {
  const files = {
    ...storeFiles([A]),
    ...storeFiles([{ ...B, names: ['a.example.com/a:v1'] }], { root: '/more' }),
  };
  const store = await read(writeFiles(t.testdir({}), files), { additionalImageStores: ['/more'] });
  t.same(namesOf(store), [['a.example.com/a:v1'], []]);
});

t.test('an image store goes before the graph root, additional stores come last', async (t) => {
  const files = {
    ...storeFiles([A], { root: '/images' }),
    ...storeFiles([B]),
    ...storeFiles([pulled({ seed: 'c' })], { root: '/more' }),
  };
  const config = { imageStore: '/images', additionalImageStores: ['/more', '/missing'] };
  const store = await read(writeFiles(t.testdir({}), files), config);
  t.same(
    store.folders.map(({ path, kind }) => [path, kind]),
    [
      ['/images/overlay-images', 'primary'],
      [`${ROOT}/overlay-images`, 'graphroot'],
      ['/more/overlay-images', 'additional'],
      ['/missing/overlay-images', 'additional'],
    ],
  );
  t.equal(store.images.length, 3);
});

t.test('data is found by id through all stores, the first that has it (trap 39)', async (t) => {
  const { manifest, ...rest } = A.data;
  t.ok(manifest);
  const other = manifestOf('other');
  const files = {
    ...storeFiles([{ ...A, names: [], data: rest }]),
    ...storeFiles([{ ...A, data: { manifest: other } }], { root: '/more' }),
  };
  const host = openHost(writeFiles(t.testdir({}), files));
  const store = await readImageStore(host, { ...CONFIG, additionalImageStores: ['/more'] });
  const [first] = store.images;
  t.ok(first);
  if (first === undefined) return;
  t.same(await readManifest(host, store, first), other, 'from the second store, unchecked');
});

const faults: readonly (readonly [name: string, content: string, reason: string])[] = [
  ['is cut short', '[{"id":"', 'records'],
  ['is empty', '', 'records'],
  ['is an object', '{}', 'records'],
];
for (const [name, content, reason] of faults) {
  t.test(`a list of images that ${name} is one problem of the store`, async (t) => {
    const dir = writeFiles(t.testdir({}), { ...storeFiles([A]), [LIST]: content });
    const store = await read(dir);
    t.same(store.images, []);
    t.match(store.folders, [{ problem: { reason, message: LIST } }]);
  });
}

t.test('a list of images cut at every byte is one problem, never an exception', async (t) => {
  const text = Buffer.from(JSON.stringify([recordOf(A)]));
  const dir = writeFiles(t.testdir({}), storeFiles([A]));
  const host = openHost(dir);
  let problems = 0;
  for (let length = text.length - 1; length >= 0; length--) {
    writeFileSync(join(dir, LIST), text.subarray(0, length));
    const store = await readImageStore(host, CONFIG);
    if (store.folders[0]?.problem?.reason === 'records') problems++;
  }
  t.equal(problems, text.length);
});

t.test('a list of images of 50 MB is refused unread', async (t) => {
  const dir = writeFiles(t.testdir({}), { ...storeFiles([A]), [LIST]: '[' });
  truncateSync(join(dir, LIST), 50_000_000);
  const before = process.memoryUsage().rss;
  t.match((await read(dir)).folders, [{ problem: { reason: 'too-large' } }]);
  t.ok(process.memoryUsage().rss - before < 20_000_000, 'and takes no memory');
});

t.test('a list of images that is a folder is a problem of the store', async (t) => {
  const dir = writeFiles(t.testdir({}), { [`${LIST}/x`]: '' });
  t.match((await read(dir)).folders, [{ problem: { reason: 'not-a-file' } }]);
});

t.test('one damaged record is reported beside those that are whole', async (t) => {
  const list = JSON.stringify([recordOf(A), { id: '../x' }, recordOf(B)]);
  const store = await read(writeFiles(t.testdir({}), { ...storeFiles([A, B]), [LIST]: list }));
  t.equal(store.images.length, 2);
  t.match(store.folders, [{ damaged: [{ index: 1, message: /\[1\]\.id/ }] }]);
});

t.test('a write to the store is seen by lock and by list (trap 40)', async (t) => {
  const dir = writeFiles(t.testdir({}), storeFiles([A]));
  const host = openHost(dir);
  const store = await readImageStore(host, CONFIG);
  t.ok(await isUnchanged(host, store));
  const lock = join(dir, ROOT, 'overlay-images/images.lock');
  writeFileSync(lock, 'y'.repeat(64));
  t.notOk(await isUnchanged(host, store), 'the lock says so before the list changes');
  writeFileSync(lock, 'x'.repeat(64));
  t.ok(await isUnchanged(host, store));
  writeFileSync(join(dir, LIST), JSON.stringify([recordOf(A), recordOf(B)]));
  t.notOk(await isUnchanged(host, store), 'the list says so with the lock of old');
});

t.test('a store without a lock, as read-only ones are, is read all the same', async (t) => {
  const { [`${ROOT}/overlay-images/images.lock`]: _, ...files } = storeFiles([A]);
  const dir = writeFiles(t.testdir({}), files);
  const store = await read(dir);
  t.equal(store.images.length, 1);
  t.ok(await isUnchanged(openHost(dir), store));
});

t.test('signatures are cut by their sizes', async (t) => {
  const signatures = [Buffer.from('one'), Buffer.from('second')];
  const image = pulled({ seed: 'a', signatures });
  const host = openHost(writeFiles(t.testdir({}), storeFiles([image])));
  const store = await readImageStore(host, CONFIG);
  const [first] = store.images;
  if (first === undefined) throw new Error('no image');
  t.same(await readSignatures(host, store, first), signatures);
  t.same(await readSignatures(host, store, first, first.digest), signatures, 'of the instance');
  t.same(await readSignatures(host, store, first, 'sha256:00'), [], 'of another instance');
});
