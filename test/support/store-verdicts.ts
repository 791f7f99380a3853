import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { ExpectedImage, MadeStore } from './image-store.ts';

/** What skopeo was asked: of the image as it is stored, or at its pull. */
export type Question = 'stored' | 'pull';

/** Where the signatures are that answer a question, and what was asked of skopeo. */
export const QUESTIONS = {
  stored: { source: 'store', skopeo: 'skopeo copy containers-storage:' },
  pull: { source: 'lookaside', skopeo: 'skopeo copy docker:' },
} as const;

/** Images that cannot be pulled again as they are stored: one lost its name, three lost what their pull brought. */
const NOT_AS_PULLED: readonly string[] = [
  'retagged-old',
  'damaged-sizes-text',
  'damaged-manifest',
  'damaged-manifest-gone',
];

export interface Comparison {
  /** Images that skopeo has a verdict on. */
  readonly compared: number;
  readonly differing: readonly object[];
  /** Images left undecided, compared or not. */
  readonly unknown: readonly ImageVerdict[];
  readonly verdicts: readonly ImageVerdict[];
  /** Parts of the store that could not be read. */
  readonly faults: readonly object[];
}

/** Our verdicts on the images of a store beside those of skopeo. */
export async function compareWithSkopeo(
  { root, images }: MadeStore,
  question: Question,
): Promise<Comparison> {
  const host = openHost(root);
  const { verdicts, faults } = await verifyImages(host, await readNodeTrust(host), {
    sources: [QUESTIONS[question].source],
    // skopeo 1.9.3 is older than the change that lets signing subkeys count
    signingSubkeys: false,
  });
  const asked = question === 'stored' ? images : images.filter(isAsPulled);
  const compared = asked.filter((image) => image[question].verdict !== 'none');
  return {
    compared: compared.length,
    differing: compared.flatMap((image) => differenceOf(image, question, verdicts) ?? []),
    unknown: verdicts.filter(({ verdict }) => verdict === 'unknown'),
    verdicts,
    faults,
  };
}

export function isAsPulled(image: ExpectedImage): boolean {
  return !NOT_AS_PULLED.includes(image.case);
}

export function verdictOn(
  { id, name }: ExpectedImage,
  verdicts: readonly ImageVerdict[],
): ImageVerdict | undefined {
  const reference = name ?? '<none>';
  return verdicts.find((verdict) => verdict.imageId === id && verdict.reference === reference);
}

/** skopeo does not tell "signed" from "nobody asked": both are accepted. */
function differenceOf(
  image: ExpectedImage,
  question: Question,
  verdicts: readonly ImageVerdict[],
): object | undefined {
  const found = verdictOn(image, verdicts);
  const verdict = found?.verdict === 'unenforced' ? 'accepted' : found?.verdict;
  if (verdict === image[question].verdict) return undefined;
  return {
    case: image.case,
    skopeo: image[question],
    ours: verdict ?? 'none',
    reason: found?.reason,
  };
}
