import { safeText } from '../../shared/safe-text.ts';
import type { TrustChange } from '../../shared/trust-changes.ts';
import type { Style, Tone } from './colour.ts';

const LOOKS: Readonly<
  Record<
    TrustChange['effect'],
    { readonly symbol: 'bad' | 'good' | 'none' | 'unknown'; readonly tone: Tone }
  >
> = {
  weakened: { symbol: 'bad', tone: 'bad' },
  unknown: { symbol: 'unknown', tone: 'warn' },
  strengthened: { symbol: 'good', tone: 'good' },
  neutral: { symbol: 'none', tone: 'dim' },
};

/** Changes of a trust configuration, a line each: `✗ weakened  policy docker "quay.io": …`. */
export function changeLines(changes: readonly TrustChange[], style: Style): readonly string[] {
  return changes.map(({ effect, part, transport, scope, policy, namespace, reason }) => {
    const { symbol, tone } = LOOKS[effect];
    const mark = style.paint(`${style.symbols[symbol]} ${effect}`.padEnd(14), tone);
    const whose =
      namespace === undefined || policy === undefined ? '' : ` of ${namespace} (${policy})`;
    return `${mark}  ${safeText(`${part}${whose}${placeOf(part, transport, scope)}: ${reason}`)}`;
  });
}

/** Where in the file: ` docker "quay.io"`, ` default`; nothing for the file as a whole. */
function placeOf(
  part: TrustChange['part'],
  transport: string | undefined,
  scope: string | undefined,
): string {
  if (scope !== undefined) return ` ${transport} ${JSON.stringify(scope)}`;
  if (part === 'policy') return ' default';
  return transport === undefined ? '' : ' default-docker';
}
