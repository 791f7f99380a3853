import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import { VerdictCache } from '../../../agent/images/verdict-cache.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import {
  ANYTHING,
  KEY,
  KEY_PATH,
  manifestOf,
  OTHER_KEY,
  POLICY,
  pulled,
  SIGNED,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const image = pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, MANIFEST)] });
const MINUTE_MS = 60_000;

interface Change {
  readonly files?: Files;
  readonly afterMinutes?: number;
  readonly subkeys?: boolean;
}

const docker = POLICY.transports['docker'];
const cases: readonly (readonly [
  name: string,
  change: Change,
  evaluations: number,
  verdict: string,
])[] = [
  ['nothing', {}, 0, 'accepted'],
  ['14 minutes', { afterMinutes: 14 }, 0, 'accepted'],
  ['16 minutes, after which a key may have expired', { afterMinutes: 16 }, 1, 'accepted'],
  ['a clock set back by an hour', { afterMinutes: -60 }, 1, 'accepted'],
  ['the content of a key file', { files: { [KEY_PATH]: OTHER_KEY.pem } }, 1, 'rejected'],
  [
    'the requirements of its scope',
    {
      files: trustFiles({
        ...POLICY,
        transports: { docker: { ...docker, 'registry.example.com': [...SIGNED, ...SIGNED] } },
      }),
    },
    1,
    'accepted',
  ],
  [
    'a scope of another image',
    {
      files: trustFiles({ ...POLICY, transports: { docker: { ...docker, 'quay.io': ANYTHING } } }),
    },
    0,
    'accepted',
  ],
  [
    'its signature',
    {
      files: storeFiles([
        pulled({ seed: 'app', names: [NAME], signatures: [signed(NAME, MANIFEST, OTHER_KEY)] }),
      ]),
    },
    1,
    'rejected',
  ],
  [
    'its manifest',
    { files: storeFiles([{ ...image, data: { ...image.data, manifest: `${MANIFEST} ` } }]) },
    1,
    'rejected',
  ],
  ['the way subkeys count', { subkeys: false }, 1, 'accepted'],
];

for (const [
  name,
  { files = {}, afterMinutes = 0, subkeys = true },
  evaluations,
  verdict,
] of cases) {
  t.test(`an image judged before, after a change of ${name}`, async (t) => {
    t.ok(KEY.pem !== OTHER_KEY.pem);
    const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
    const host = openHost(root);
    const cache = new VerdictCache();
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs, monotonicMs: () => 0 };
    const first = await verifyImages(host, await readNodeTrust(host), { cache, clock });
    t.equal(first.evaluations, 1);
    t.match(first.verdicts, [{ verdict: 'accepted' }]);

    writeFiles(root, files);
    nowMs += afterMinutes * MINUTE_MS;
    const options = { cache, clock, signingSubkeys: subkeys };
    const second = await verifyImages(host, await readNodeTrust(host), options);
    t.equal(second.evaluations, evaluations);
    t.match(second.verdicts, [{ verdict }]);
  });
}

t.test('verdicts of images that are gone are forgotten', async (t) => {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([image]) });
  const host = openHost(root);
  const cache = new VerdictCache();
  const trust = await readNodeTrust(host);
  await verifyImages(host, trust, { cache });
  t.equal(cache.size, 1);
  writeFiles(root, storeFiles([]));
  await verifyImages(host, trust, { cache, references: ['other'] });
  t.equal(cache.size, 1, 'not by a pass over a part of the store');
  await verifyImages(host, trust, { cache });
  t.equal(cache.size, 0);
});
