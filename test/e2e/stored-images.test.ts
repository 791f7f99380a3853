import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { compareWithSkopeo, isAsPulled, QUESTIONS, verdictOn } from '../support/store-verdicts.ts';

/** `npm run stores` has all drivers with all keys. */
const STORES: readonly (readonly [name: string, options: readonly string[]])[] = [
  ['an overlay store, some records damaged', ['--images', '6', '--driver', 'overlay', '--damaged']],
  ['a vfs store', ['--images', '6', '--driver', 'vfs']],
  ['a store signed by Ed25519', ['--images', '6', '--driver', 'overlay', '--key', 'ed25519']],
];
const skip = whyNoStore();
// Making a store takes half a minute; the next run finds it made.
t.setTimeout(300_000);

for (const [name, options] of STORES) {
  t.test(`verdicts on ${name}`, { skip }, async (t) => {
    const made = await makeImageStore(options);
    const { root, images } = made;
    t.ok(images.length > 100, `${images.length} images`);
    for (const question of ['stored', 'pull'] as const) {
      const { source, skopeo } = QUESTIONS[question];
      t.test(`from the ${source} equal those of ${skopeo}`, async (t) => {
        const comparison = await compareWithSkopeo(made, question);
        const { compared, differing, unknown, faults, verdicts } = comparison;
        t.same(faults, []);
        t.same(differing, [], `${compared} images, the same verdict on each`);
        t.same(unknown, [], 'none is left undecided');
        t.ok(compared > 100);
        t.ok(verdicts.some(({ verdict }) => verdict === 'accepted'));
        t.ok(verdicts.some(({ verdict }) => verdict === 'rejected'));
      });
    }
    t.test('take what the lookaside has where the store has nothing', async (t) => {
      const host = openHost(root);
      const { verdicts } = await verifyImages(host, await readNodeTrust(host));
      const byLookaside = images.filter(
        (image) =>
          isAsPulled(image) &&
          image.pull.verdict === 'accepted' &&
          image.stored.verdict === 'rejected' &&
          !image.case.startsWith('damaged-'),
      );
      t.ok(
        byLookaside.length > 0,
        `${byLookaside.length} images lost their signatures in the store`,
      );
      for (const image of byLookaside) {
        t.match(
          verdictOn(image, verdicts),
          { verdict: 'accepted', source: 'lookaside' },
          image.case,
        );
      }
    });
  });
}
