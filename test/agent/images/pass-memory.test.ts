import { renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Host } from '../../../agent/host.ts';
import { PassMemory } from '../../../agent/images/pass-memory.ts';
import { dataFileName } from '../../../agent/images/records.ts';
import { VerdictCache } from '../../../agent/images/verdict-cache.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { heardHost } from '../../support/heard-host.ts';
import {
  ANYTHING,
  KEY_PATH,
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const SIGNATURE = signed(NAME, MANIFEST);
const image = pulled({ seed: 'app', names: [NAME], signatures: [SIGNATURE] });
const FOLDER = '/var/lib/containers/storage/overlay-images';
const DATA = `${FOLDER}/${image.id}`;
const MINUTE_MS = 60_000;

/** The node, and the data files of images that were read on it. */
function counting(root: string): { readonly host: Host; readonly read: string[] } {
  const read: string[] = [];
  const host = heardHost(root, (path) => {
    if (path.startsWith(`${FOLDER}/`) && !path.endsWith('images.lock')) read.push(path);
  });
  return { host, read };
}

/** As an attacker would: the same length, and the times set back. */
function overwrite(root: string, path: string): void {
  const place = join(root, path);
  const bytes = Buffer.from(SIGNATURE);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
  writeFileSync(place, bytes, { flag: 'r+' });
  utimesSync(place, 1, 1);
}

const EMPTY = 'nothing is read';
const cases: readonly (readonly [
  name: string,
  change: (root: string) => void,
  expected: { readonly verdict: string; readonly isRead: boolean },
  afterMinutes?: number,
])[] = [
  ['nothing', () => {}, { verdict: 'accepted', isRead: false }],
  [
    'a signature file written in place, its length and time as before',
    (root) => overwrite(root, `${DATA}/signatures`),
    { verdict: 'rejected', isRead: true },
  ],
  [
    'a manifest replaced by rename',
    (root) => {
      writeFiles(root, { [`${DATA}/new`]: `${MANIFEST} ` });
      renameSync(join(root, DATA, 'new'), join(root, DATA, 'manifest'));
    },
    { verdict: 'rejected', isRead: true },
  ],
  [
    'an image folder that is gone',
    (root) => renameSync(join(root, DATA), join(root, `${DATA}x`)),
    { verdict: 'rejected', isRead: true },
  ],
  [
    'the content of a key file',
    (root) => writeFiles(root, { [KEY_PATH]: OTHER_KEY.pem }),
    { verdict: 'rejected', isRead: true },
  ],
  [
    'the policy',
    (root) => writeFiles(root, trustFiles({ ...POLICY, transports: { docker: { '': ANYTHING } } })),
    { verdict: 'unenforced', isRead: true },
  ],
  [
    'a record that lost its signatures',
    (root) => writeFiles(root, storeFiles([{ ...image, metadata: {} }])),
    { verdict: 'rejected', isRead: true },
  ],
  ['16 minutes', () => {}, { verdict: 'accepted', isRead: true }, 16],
  ['a clock set back by an hour', () => {}, { verdict: 'accepted', isRead: true }, -60],
];

for (const [name, change, { verdict, isRead }, afterMinutes = 0] of cases) {
  t.test(`a pass after a change of ${name}`, async (t) => {
    const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
    const { host, read } = counting(root);
    // What has just been written may change again within one tick of the kernel's clock.
    let nowMs = Date.now() + 5 * MINUTE_MS;
    const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
    const options = { clock, memory: new PassMemory(), cache: new VerdictCache(), contents: true };
    const first = await verifyImages(host, await readNodeTrust(host), options);
    t.match(first.verdicts, [{ verdict: 'accepted' }]);
    t.ok(read.length > 0);
    read.length = 0;
    change(root);
    nowMs += afterMinutes * MINUTE_MS;
    const second = await verifyImages(host, await readNodeTrust(host), options);
    t.match(second.verdicts, [{ reference: NAME, verdict }]);
    t.equal(read.length > 0, isRead, isRead ? 'the image is read again' : EMPTY);
  });
}

/** Absolute links as the node has them: on this machine they lead nowhere, or elsewhere. */
const links: readonly (readonly [name: string, make: (root: string) => void, later: string])[] = [
  [
    'a folder of an image',
    (root) => {
      renameSync(join(root, DATA), join(root, 'moved'));
      symlinkSync('/moved', join(root, DATA));
    },
    '/moved/signatures',
  ],
  [
    'a file of an image',
    (root) => {
      renameSync(join(root, DATA, 'signatures'), join(root, 'moved'));
      symlinkSync('/moved', join(root, DATA, 'signatures'));
    },
    '/moved',
  ],
];
for (const [name, make, place] of links) {
  t.test(`a change behind a link in place of ${name} is noticed by the next pass`, async (t) => {
    const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
    make(root);
    const { host } = counting(root);
    const clock = { nowMs: () => Date.now() + 5 * MINUTE_MS, monotonicMs: () => 0 };
    const options = { clock, memory: new PassMemory(), cache: new VerdictCache() };
    const verify = async () =>
      (await verifyImages(host, await readNodeTrust(host), options)).verdicts;
    t.match(await verify(), [{ verdict: 'accepted', source: 'store' }]);
    overwrite(root, place);
    t.match(await verify(), [{ verdict: 'rejected' }]);
    writeFiles(root, { [place]: SIGNATURE });
    t.match(await verify(), [{ verdict: 'accepted' }]);
    rmSync(join(root, place));
    t.match(await verify(), [{ verdict: 'rejected', reason: 'store-signatures' }]);
    writeFiles(root, { [place]: SIGNATURE });
    t.match(await verify(), [{ verdict: 'accepted' }], 'and so is what comes where nothing was');
  });
}

t.test('what was changed a moment ago is read again', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
  const { host, read } = counting(root);
  const options = { memory: new PassMemory(), cache: new VerdictCache() };
  await verifyImages(host, await readNodeTrust(host), options);
  read.length = 0;
  await verifyImages(host, await readNodeTrust(host), options);
  t.ok(read.length > 0);
});

t.test(
  'an image that the store alone does not settle is asked for at its lookaside again',
  async (t) => {
    const unsigned = pulled({ seed: 'app', names: [NAME] });
    const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([unsigned]) });
    const { host } = counting(root);
    const clock = { nowMs: () => Date.now() + MINUTE_MS, monotonicMs: () => 0 };
    const options = { clock, memory: new PassMemory(), cache: new VerdictCache() };
    t.match((await verifyImages(host, await readNodeTrust(host), options)).verdicts, [
      { verdict: 'rejected' },
    ]);
    writeFiles(root, lookasideFiles('team/app', MANIFEST, [SIGNATURE]));
    t.match((await verifyImages(host, await readNodeTrust(host), options)).verdicts, [
      { verdict: 'accepted', source: 'lookaside' },
    ]);
  },
);

t.test('one more pull is one verification, and nothing else is read', async (t) => {
  const other = 'registry.example.com/team/other:v1';
  const pulledNow = pulled({
    seed: 'other',
    names: [other],
    signatures: [signed(other, manifestOf('other'))],
  });
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
  const { host, read } = counting(root);
  const clock = { nowMs: () => Date.now() + MINUTE_MS, monotonicMs: () => 0 };
  const options = { clock, memory: new PassMemory(), cache: new VerdictCache() };
  await verifyImages(host, await readNodeTrust(host), options);
  read.length = 0;
  const files = Object.entries(storeFiles([image, pulledNow], { lock: 'y'.repeat(64) }));
  const written = files.filter(([path]) => !path.startsWith(DATA));
  writeFiles(root, Object.fromEntries(written));
  const second = await verifyImages(host, await readNodeTrust(host), options);
  t.equal(second.evaluations, 1);
  t.match(second.verdicts, [{ verdict: 'accepted' }, { verdict: 'accepted' }]);
  t.notOk(read.some((path) => path.startsWith(DATA)));
});

t.test('a first pass reads each file of an image once', async (t) => {
  const config = '{"config":{"Labels":{"name":"app"}}}';
  const data = { ...image.data, [sha256(config)]: config };
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([{ ...image, data }]) });
  const { host, read } = counting(root);
  const options = { memory: new PassMemory(), cache: new VerdictCache(), contents: true };
  await verifyImages(host, await readNodeTrust(host), options);
  const files = read.filter((path) => path.startsWith(DATA));
  t.ok(files.includes(`${DATA}/${dataFileName(sha256(config))}`), 'the configuration among them');
  t.strictSame(files, [...new Set(files)]);
});

t.test('users of an image are those of now, also when its verdict is known', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
  const { host } = counting(root);
  const clock = { nowMs: () => Date.now() + MINUTE_MS, monotonicMs: () => 0 };
  const options = { clock, memory: new PassMemory(), cache: new VerdictCache() };
  await verifyImages(host, await readNodeTrust(host), options);
  const containers = [{ id: '5', image: image.id, metadata: '{"name":"demo"}' }];
  writeFiles(root, {
    '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify(containers),
  });
  t.match((await verifyImages(host, await readNodeTrust(host), options)).verdicts, [
    { pods: [{ container: 'demo' }] },
  ]);
});
