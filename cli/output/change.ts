import type { TrustChange } from '../../shared/trust-changes.ts';
import type { Style, Tone } from './colour.ts';
import { safeText } from './safe.ts';

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
    const place = transport === undefined ? '' : ` ${transport} ${JSON.stringify(scope ?? '')}`;
    const whose =
      namespace === undefined || policy === undefined ? '' : ` of ${namespace} (${policy})`;
    const isDefault = transport === undefined && part === 'policy' && namespace === undefined;
    return `${mark}  ${safeText(`${part}${whose}${isDefault ? ' default' : place}: ${reason}`)}`;
  });
}
