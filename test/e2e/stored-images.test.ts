import t from 'tap';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import type { SourceId } from '../../agent/signatures/source.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import { type ExpectedImage, makeImageStore, whyNoStore } from '../support/image-store.ts';

/** Images that cannot be pulled again as they are stored: one lost its name, three lost what their pull brought. */
const NOT_AS_PULLED: readonly string[] = [
  'retagged-old',
  'damaged-sizes-text',
  'damaged-manifest',
  'damaged-manifest-gone',
];
const STORES: readonly (readonly [name: string, options: readonly string[]])[] = [
  ['an overlay store, some records damaged', ['--images', '6', '--driver', 'overlay', '--damaged']],
  ['a vfs store', ['--images', '6', '--driver', 'vfs']],
];
const QUESTIONS: readonly (readonly [
  source: SourceId,
  asked: 'stored' | 'pull',
  skopeo: string,
])[] = [
  ['store', 'stored', 'skopeo copy containers-storage:'],
  ['lookaside', 'pull', 'skopeo copy docker:'],
];
const skip = whyNoStore();
// Making a store takes half a minute; the next run finds it made.
t.setTimeout(300_000);

for (const [name, options] of STORES) {
  t.test(`verdicts on ${name}`, { skip }, async (t) => {
    const { root, images } = await makeImageStore(options);
    const host = openHost(root);
    const trust = await readNodeTrust(host);
    t.ok(images.length > 100, `${images.length} images`);
    for (const [source, asked, skopeo] of QUESTIONS) {
      t.test(`from the ${source} equal those of ${skopeo}`, async (t) => {
        const { verdicts, faults } = await verifyImages(host, trust, {
          sources: [source],
          // skopeo 1.9.3 is older than the change that lets signing subkeys count
          signingSubkeys: false,
        });
        t.same(faults, []);
        const asPulled = asked === 'stored' ? images : images.filter(isAsPulled);
        const compared = asPulled.filter((image) => image[asked].verdict !== 'none');
        const differing = compared.flatMap((image) => differenceOf(image, asked, verdicts) ?? []);
        t.same(differing, [], `${compared.length} images, the same verdict on each`);
        const unknown = verdicts.filter(({ verdict }) => verdict === 'unknown');
        t.same(unknown, [], 'none is left undecided');
        t.ok(verdicts.some(({ verdict }) => verdict === 'accepted'));
        t.ok(verdicts.some(({ verdict }) => verdict === 'rejected'));
      });
    }
    t.test('take what the lookaside has where the store has nothing', async (t) => {
      const { verdicts } = await verifyImages(host, trust);
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

function isAsPulled(image: ExpectedImage): boolean {
  return !NOT_AS_PULLED.includes(image.case);
}

function verdictOn(
  { id, name }: ExpectedImage,
  verdicts: readonly ImageVerdict[],
): ImageVerdict | undefined {
  const reference = name ?? '<none>';
  return verdicts.find((verdict) => verdict.imageId === id && verdict.reference === reference);
}

/** skopeo does not tell "signed" from "nobody asked": both are accepted. */
function differenceOf(
  image: ExpectedImage,
  asked: 'stored' | 'pull',
  verdicts: readonly ImageVerdict[],
): object | undefined {
  const found = verdictOn(image, verdicts);
  const verdict = found?.verdict === 'unenforced' ? 'accepted' : found?.verdict;
  if (verdict === image[asked].verdict) return undefined;
  return { case: image.case, skopeo: image[asked], ours: verdict ?? 'none', reason: found?.reason };
}
