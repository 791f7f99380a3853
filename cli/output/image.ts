import type { ImageRelease, ImageVerdict, Verdict } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
import { requirementText, signatureText } from '../../shared/trust-text.ts';
import type { Style, Tone } from './colour.ts';
import type { Column } from './column.ts';

const TONES: Readonly<Record<Verdict, Tone>> = {
  accepted: 'good',
  unenforced: 'warn',
  rejected: 'bad',
  unknown: 'warn',
};
const SYMBOLS: Readonly<Record<Verdict, 'good' | 'warn' | 'bad' | 'unknown'>> = {
  accepted: 'good',
  unenforced: 'warn',
  rejected: 'bad',
  unknown: 'unknown',
};

const WORST_FIRST: readonly Verdict[] = ['rejected', 'unknown', 'unenforced', 'accepted'];

/** What the policy refuses first, then by name. */
export function byVerdict(a: ImageVerdict, b: ImageVerdict): number {
  return (
    WORST_FIRST.indexOf(a.verdict) - WORST_FIRST.indexOf(b.verdict) ||
    (a.reference < b.reference ? -1 : a.reference > b.reference ? 1 : 0)
  );
}

/** The columns of an image's verdict, whoever lists it. */
export const IMAGE_COLUMNS: readonly Column<ImageVerdict>[] = [
  {
    header: 'IMAGE',
    key: 'reference',
    value: ({ reference }) => reference,
    shrink: 'start',
    least: 16,
  },
  {
    header: 'VERDICT',
    key: 'verdict',
    value: ({ verdict }) => verdict,
    symbol: ({ verdict }) => SYMBOLS[verdict] ?? 'unknown',
    tone: ({ verdict }) => TONES[verdict],
  },
  {
    header: 'REASON',
    key: 'reason',
    value: ({ reason }) => reason ?? null,
    show: reasonText,
    shrink: 'end',
    least: 12,
    drop: 3,
  },
  { header: 'SOURCE', key: 'source', value: ({ source }) => source, drop: 2 },
  { header: 'ID', key: 'imageId', value: ({ imageId }) => imageId, show: shortId, drop: 1 },
  { header: 'DIGEST', key: 'digest', value: ({ digest }) => digest, wide: true },
  {
    header: 'SIGNED-BY',
    key: 'signedBy',
    value: ({ signedBy }) => signedBy.join(';') || null,
    wide: true,
  },
  {
    header: 'RELEASE',
    key: 'release',
    value: ({ release }) => release?.version ?? null,
    wide: true,
  },
  { header: 'POLICY', key: 'policy', value: ({ policy }) => policy || null, wide: true },
  {
    header: 'NAMESPACE',
    key: 'namespace',
    value: ({ namespace }) => namespace ?? null,
    wide: true,
  },
  { header: 'SCOPE', key: 'scope', value: ({ scope }) => scope, wide: true },
  { header: 'PODS', key: 'pods', value: ({ pods }) => pods.length, align: 'right', wide: true },
];

/** That nobody asked for a signature is not all there is to say of an image whose release is signed. */
function reasonText({ verdict, reason, release }: ImageVerdict): string {
  if (verdict === 'unenforced' && release !== undefined) return `release ${release.version}`;
  return reason ?? '';
}

function shortId({ imageId }: ImageVerdict): string {
  return imageId.slice(0, 12);
}

/** `✗ REJECTED`: never a symbol or a colour alone. */
export function verdictLabel(verdict: Verdict, style: Style): string {
  const text = `${style.symbols[SYMBOLS[verdict] ?? 'unknown']} ${verdict.toUpperCase()}`;
  return style.paint(text, TONES[verdict]);
}

/** From the signature of a release to one of its images. */
function chainOf(
  { version, image, signedBy, source }: ImageRelease,
  digest: string,
): readonly (readonly [string, string])[] {
  const list = {
    node: 'release-manifests/image-references in a layer of it, rebuilt from the store and held against its digest',
    file: 'a file that was named as its list of images',
  };
  return [
    ['release', `${version}, the image ${image}`],
    ['', `signed by ${signedBy.join(', ')}`],
    // The release image is no image of its own list.
    ...(digest === image ? [] : [['', `named in ${list[source]}`] as const]),
  ];
}

/** How a verdict came about, step by step. */
export function explainImage(image: ImageVerdict, style: Style): readonly string[] {
  const { reference, digest, policy, namespace, scope, requirements } = image;
  const { signatures, source, signedBy, pods } = image;
  const message = image.message ?? image.reason;
  const head = `${verdictLabel(image.verdict, style)}  ${safeText(reference)}`;
  const steps: (readonly [string, string])[] = [
    ['image', `${digest} (id ${image.imageId})`],
    ['policy', namespace === undefined ? policy : `${policy}, of the namespace ${namespace}`],
    ['scope', scope === '' ? 'none: there is no policy that can be read' : scope],
    ...requirements.map((requirement) => ['asks for', requirementText(requirement)] as const),
    ['source', source === 'none' ? 'no signature was found or needed' : source],
    ...signatures.map((signature) => ['', signatureText(signature)] as const),
  ];
  if (signedBy.length > 0) steps.push(['signed by', signedBy.join(', ')]);
  if (image.release !== undefined) steps.push(...chainOf(image.release, digest));
  for (const { namespace, pod, container } of pods) {
    steps.push(['used by', [namespace, pod, container].filter(Boolean).join('/')]);
  }
  const lines = steps.map(([name, text]) => `  ${name.padEnd(10)} ${safeText(text)}`);
  return [message === undefined ? head : `${head}: ${safeText(message)}`, ...lines];
}
