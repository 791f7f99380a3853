import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openHost } from '../../../agent/host.ts';
import { PassMemory } from '../../../agent/images/pass-memory.ts';
import { VerdictCache } from '../../../agent/images/verdict-cache.ts';
import { verifyImages } from '../../../agent/images/verify.ts';
import type { VerifyOptions } from '../../../agent/images/verify-options.ts';
import { readNodeTrust } from '../../../agent/trust.ts';
import { sha256 } from '../../../shared/canonical.ts';
import {
  lookasideFiles,
  manifestOf,
  OTHER_KEY,
  pulled,
  signed,
  trustFiles,
} from '../../support/signed-images.ts';
import { type Files, storeFiles, writeFiles } from '../../support/store-tree.ts';

const NAME = 'registry.example.com/team/app:v1';
const MANIFEST = manifestOf('app');
const SIGNATURE = signed(NAME, MANIFEST);
const UNSIGNED = pulled({ seed: 'app', names: [NAME] });
const LOOKASIDE = '/var/lib/containers/sigstore';
const REPOSITORY = `${LOOKASIDE}/team`;
const FOLDER = `${REPOSITORY}/app@${sha256(MANIFEST).replace(':', '=')}`;
const SIGNED = lookasideFiles('team/app', MANIFEST, [SIGNATURE]);
const MINUTE_MS = 60_000;

/** Passes over one node with one memory, on a clock so late that nothing has just changed; each with what it kept. */
function passesOver(t: Test, files: Files, more: VerifyOptions = {}) {
  const root = writeFiles(t.testdir({}), { ...trustFiles(), ...storeFiles([UNSIGNED]), ...files });
  const host = openHost(root);
  const clock = { nowMs: () => Date.now() + 5 * MINUTE_MS, monotonicMs: () => 0 };
  const memory = new PassMemory();
  const looks: string[] = [];
  const keep = memory.keep.bind(memory);
  memory.keep = (pass, selected, judged, contents) => {
    looks.push(selected.name ?? '');
    keep(pass, selected, judged, contents);
  };
  const options = { clock, memory, cache: new VerdictCache(), contents: true, ...more };
  const verify = async () => {
    looks.length = 0;
    const { verdicts } = await verifyImages(host, await readNodeTrust(host), options);
    return { verdicts, looks: [...looks] };
  };
  return { root, verify };
}

const REJECTED = { verdict: 'rejected', reason: 'no-signature' };
const ACCEPTED = { verdict: 'accepted', source: 'lookaside' };
const SERVER = {
  '/etc/containers/registries.d/a.yaml': 'docker: {registry.example.com: {lookaside: "https://x"}}',
};
const unchanged: readonly (readonly [name: string, files: Files, expected: object])[] = [
  ['that no lookaside has signatures of', {}, REJECTED],
  [
    'whose lookaside has signatures of other images',
    lookasideFiles('team/app', manifestOf('other'), [SIGNATURE]),
    REJECTED,
  ],
  ['that its lookaside has the signature of', SIGNED, ACCEPTED],
  ['whose lookaside is a server that is not asked', SERVER, { reason: 'source-not-enabled' }],
];
for (const [name, files, expected] of unchanged) {
  t.test(`an image ${name} is not looked at again while nothing changes`, async (t) => {
    const { verify } = passesOver(t, files);
    const first = await verify();
    t.match(first, { verdicts: [expected], looks: [NAME] });
    t.strictSame(await verify(), { verdicts: first.verdicts, looks: [] });
  });
}

/** As an attacker would: the same length, and the times set back. */
function overwrite(root: string): void {
  const place = join(root, `${FOLDER}/signature-1`);
  const bytes = Buffer.from(signed(NAME, MANIFEST, OTHER_KEY));
  writeFileSync(place, bytes, { flag: 'r+' });
  utimesSync(place, 1, 1);
}
const changes: readonly (readonly [
  name: string,
  files: Files,
  change: (root: string) => void,
  expected: object,
])[] = [
  ['a signature comes where no folder was', {}, (root) => writeFiles(root, SIGNED), ACCEPTED],
  [
    'a signature comes into a folder that was empty',
    { [`${FOLDER}/x`]: '' },
    (root) => writeFiles(root, SIGNED),
    ACCEPTED,
  ],
  [
    'a link comes where no folder was, to one with a signature',
    lookasideFiles('team/app', MANIFEST, [SIGNATURE], '/elsewhere'),
    (root) => {
      mkdirSync(join(root, LOOKASIDE), { recursive: true });
      symlinkSync('/elsewhere/team', join(root, REPOSITORY));
    },
    ACCEPTED,
  ],
  ['a signature is written in place', SIGNED, overwrite, { verdict: 'rejected' }],
  [
    'a second signature is found beside one that did not do',
    lookasideFiles('team/app', MANIFEST, [signed(NAME, MANIFEST, OTHER_KEY)]),
    (root) => writeFiles(root, lookasideFiles('team/app', MANIFEST, [undefined, SIGNATURE])),
    ACCEPTED,
  ],
  [
    'a signature is removed',
    SIGNED,
    (root) => rmSync(join(root, FOLDER), { recursive: true }),
    REJECTED,
  ],
  [
    'the lookaside is moved away',
    SIGNED,
    (root) => renameSync(join(root, LOOKASIDE), join(root, 'moved')),
    REJECTED,
  ],
  [
    'registries.d names another lookaside',
    lookasideFiles('team/app', MANIFEST, [SIGNATURE], '/elsewhere'),
    (root) =>
      writeFiles(root, {
        '/etc/containers/registries.d/a.yaml': 'default-docker: {lookaside: "file:///elsewhere"}',
      }),
    ACCEPTED,
  ],
];
for (const [name, files, change, expected] of changes) {
  t.test(`the next pass sees that ${name}`, async (t) => {
    const { root, verify } = passesOver(t, files);
    await verify();
    change(root);
    t.match(await verify(), { verdicts: [expected], looks: [NAME] });
  });
}

t.test('what lies behind a link is looked at in every pass', async (t) => {
  const { root, verify } = passesOver(t, lookasideFiles('team/app', MANIFEST, [SIGNATURE], '/one'));
  mkdirSync(join(root, '/var/lib/containers'), { recursive: true });
  symlinkSync('/one', join(root, LOOKASIDE));
  t.match(await verify(), { verdicts: [ACCEPTED] });
  rmSync(join(root, LOOKASIDE));
  symlinkSync('/two', join(root, LOOKASIDE));
  t.match(await verify(), { verdicts: [REJECTED], looks: [NAME] });
  t.match(await verify(), { verdicts: [REJECTED], looks: [NAME] });
});

t.test('sources that were named may be servers: they are asked in every pass', async (t) => {
  const { verify } = passesOver(t, {}, { sources: ['store', 'lookaside'] });
  t.match(await verify(), { verdicts: [REJECTED], looks: [NAME] });
  t.match(await verify(), { verdicts: [REJECTED], looks: [NAME] });
});

t.test('an image under two names is not looked at again while nothing changes', async (t) => {
  const other = 'registry.example.com/team/app:latest';
  const names = [NAME, other];
  const image = pulled({ seed: 'app', names, signatures: [SIGNATURE, signed(other, MANIFEST)] });
  const { verify } = passesOver(t, storeFiles([image]));
  const first = await verify();
  t.match(first, { verdicts: [{ verdict: 'accepted' }, { verdict: 'accepted' }], looks: names });
  t.strictSame(await verify(), { verdicts: first.verdicts, looks: [] });
});
