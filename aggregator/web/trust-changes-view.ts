import type { TrustChange } from '../../shared/trust-changes.ts';
import { type Html, html } from './html.ts';
import { noneFound, table } from './table.ts';
import { cut, mark, type Tone } from './words.ts';

const TONES: Readonly<Record<TrustChange['effect'], Tone>> = {
  weakened: 'bad',
  unknown: 'unknown',
  strengthened: 'good',
  neutral: 'dim',
};

/** What is different in the trust in images, the weakened first. */
export function trustChangesView(caption: string, changes: readonly TrustChange[]): Html {
  return table<TrustChange>({
    caption,
    columns: [
      { header: 'Where', cell: (change) => html`<bdi>${cut(placeOf(change), 200)}</bdi>` },
      { header: 'Effect', cell: ({ effect }) => mark(TONES[effect], effect) },
      { header: 'What', cell: ({ reason }) => cut(reason, 1000) },
    ],
    rows: changes,
    empty: noneFound('The same images are taken, by the same keys.'),
  });
}

function placeOf({ part, policy, namespace, transport, scope }: TrustChange): string {
  const whose = namespace === undefined ? '' : ` of ${namespace} (${policy ?? ''})`;
  return `${part}${whose}${scope === undefined ? '' : ` ${transport} ${scope}`}`;
}
