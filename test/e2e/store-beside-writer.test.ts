import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';

const WRITES = 12;
/** Unsigned, so that a copy takes nothing from an image of the store. */
const CONTENTS = ['unsigned', 'scope-any', 'scope-deeper'] as const;

t.setTimeout(300_000);

t.test('while skopeo copies images into a store', { skip: whyNoStore() }, async (t) => {
  const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
  const dir = t.testdir({});
  execFileSync('cp', ['-a', made.root, join(dir, 'host')]);
  mkdirSync(join(dir, 'runroot'));
  const root = join(dir, 'host');
  const store = `[vfs@${root}/var/lib/containers/storage+${dir}/runroot]`;
  const host = openHost(root);
  const trust = await readNodeTrust(host);
  const verify = async () => await verifyImages(host, trust, { sources: ['store'] });
  const before = new Map((await verify()).verdicts.map((one) => [keyOf(one), one.verdict]));

  let isWriting = true;
  const writer = (async () => {
    for (let write = 0; write < WRITES; write++) {
      const from = `oci:${made.folder}/layout:${CONTENTS[write % CONTENTS.length]}`;
      const to = `containers-storage:${store}registry.example.test/any/written:v${write % 4}`;
      await promisify(execFile)('skopeo', ['--insecure-policy', 'copy', '--quiet', from, to]);
    }
    isWriting = false;
  })();
  const differing: string[] = [];
  let passes = 0;
  while (isWriting) {
    const { verdicts, faults, layerFaults } = await verify();
    passes++;
    differing.push(...[...faults, ...layerFaults].map(({ message }) => message));
    for (const one of verdicts) {
      const expected = before.get(keyOf(one)) ?? 'unenforced';
      const isWord = one.verdict !== 'unknown' || one.reason !== 'store-changing';
      if (isWord && one.verdict !== expected) {
        differing.push(`${one.reference}: ${expected}, then ${one.verdict} ${one.message}`);
      }
    }
  }
  await writer;
  t.ok(passes > 2, `${passes} passes beside ${WRITES} copies`);
  t.same(differing, [], 'no image is called otherwise than before, no new one damaged');
  const after = (await verify()).verdicts.filter(({ reference }) =>
    reference.includes('/written:'),
  );
  t.equal(after.length, 4, 'and the copies are found');
});

function keyOf({ imageId, reference }: ImageVerdict): string {
  return `${imageId} ${reference}`;
}
