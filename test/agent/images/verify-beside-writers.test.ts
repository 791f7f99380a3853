import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Host } from '../../../agent/host.ts';
import { type ImageVerification, verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { heardHost } from '../../support/heard-host.ts';
import { manifestOf, pulled, signed, trustFiles } from '../../support/signed-images.ts';
import { type StoreImage, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const SIGNED = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, MANIFEST)] });
const UNSIGNED = pulled({ seed: 'app', names: [NAME] });
const OTHER = pulled({ seed: 'other', names: ['any.example.com/other:v1'] });

/** Writes a store as containers/storage does: data, then the lock, then the list, each by rename. */
function write(root: string, images: readonly StoreImage[], lock: string): void {
  const files = Object.entries(storeFiles(images, { lock: lock.padEnd(64, '.') }));
  const order = (path: string): number =>
    path.endsWith('images.json') ? 2 : path.endsWith('images.lock') ? 1 : 0;
  for (const [path, content] of files.sort(([a], [b]) => order(a) - order(b))) {
    const place = join(root, path);
    writeFiles(root, { [`${path}.new`]: content });
    renameSync(`${place}.new`, place);
  }
}

/** The node, on which `happens` is called before each file whose path ends so is read. */
function nodeWhere(root: string, ending: string, happens: (time: number) => void): Host {
  let times = 0;
  return heardHost(root, (path) => {
    if (path.endsWith(ending)) happens(++times);
  });
}

async function verify(host: Host): Promise<ImageVerification> {
  return await verifyImages(host, await readNodeTrust(host), { sources: ['store'] });
}

t.test('an image pulled again while it was read is judged as it is afterwards', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([SIGNED, OTHER]) });
  const host = nodeWhere(root, '/manifest', (time) => {
    if (time === 1) write(root, [UNSIGNED, OTHER], 'second');
  });
  t.match((await verify(host)).verdicts, [
    { reference: NAME, verdict: 'rejected', reason: 'no-signature' },
    { verdict: 'unenforced' },
  ]);
});

t.test('an image whose list is old while its data is new is not called damaged', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([UNSIGNED]) });
  const more = pulled({
    seed: 'app',
    names: [NAME],
    signatures: [signed(NAME, MANIFEST), signed(NAME, MANIFEST)],
  });
  write(root, [SIGNED], 'first');
  const host = nodeWhere(root, '/signatures', (time) => {
    if (time === 1) write(root, [more], 'second');
  });
  const { verdicts } = await verify(host);
  t.match(verdicts, [{ verdict: 'accepted', source: 'store' }]);
  t.equal(verdicts[0]?.signatures.length, 2, 'as it is now');
});

t.test('an image that came while the store was read is judged too', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([OTHER]) });
  const host = nodeWhere(root, '/manifest', (time) => {
    if (time === 1) write(root, [OTHER, SIGNED], 'second');
  });
  t.match((await verify(host)).verdicts, [{ verdict: 'unenforced' }, { verdict: 'accepted' }]);
});

t.test('an image that went while the store was read is not among the verdicts', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([OTHER, SIGNED]) });
  const host = nodeWhere(root, '/manifest', (time) => {
    if (time === 1) write(root, [SIGNED], 'second');
  });
  t.match((await verify(host)).verdicts, [{ reference: NAME, verdict: 'accepted' }]);
});

t.test('beside a writer that never rests nothing is called damaged', async (t) => {
  const root = writeFiles(t.testdir({}), trustFiles());
  write(root, [SIGNED, OTHER], '0');
  const host = nodeWhere(root, '/manifest', (time) => {
    // The sizes belong to the next state of the signatures each time.
    const sizes = [signed(NAME, MANIFEST).length + time];
    write(root, [{ ...SIGNED, metadata: { 'signature-sizes': sizes } }, OTHER], String(time));
  });
  const { verdicts } = await verify(host);
  t.match(verdicts, [{ verdict: 'unknown', reason: 'store-changing' }, { verdict: 'unenforced' }]);
});

t.test('a lock that changes at every look does not keep a list from being read', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([SIGNED]) });
  const lock = join(root, '/var/lib/containers/storage/overlay-images/images.lock');
  const host = nodeWhere(root, '/images.lock', (time) => {
    writeFileSync(lock, String(time).padEnd(64));
  });
  t.match((await verify(host)).verdicts, [{ verdict: 'accepted' }]);
});
