import { imageReason, imageSteps } from '../../shared/image-text.ts';
import type { ImageVerdict, Verdict } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
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
    show: imageReason,
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

function shortId({ imageId }: ImageVerdict): string {
  return imageId.slice(0, 12);
}

/** `✗ REJECTED`: never a symbol or a colour alone. */
export function verdictLabel(verdict: Verdict, style: Style): string {
  const text = `${style.symbols[SYMBOLS[verdict] ?? 'unknown']} ${verdict.toUpperCase()}`;
  return style.paint(text, TONES[verdict]);
}

/** How a verdict came about, step by step. */
export function explainImage(image: ImageVerdict, style: Style): readonly string[] {
  const message = image.message ?? image.reason;
  const head = `${verdictLabel(image.verdict, style)}  ${safeText(image.reference)}`;
  const lines = imageSteps(image).map(([name, text]) => `  ${name.padEnd(10)} ${safeText(text)}`);
  return [message === undefined ? head : `${head}: ${safeText(message)}`, ...lines];
}
