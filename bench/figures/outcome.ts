import type { Figure } from '../figure.ts';
import { type Asked, knownOf } from './asked.ts';

/** Ours to the bare one, where the two say something together. */
export function ratioOf({ ours, bare, ratio }: Figure): number | undefined {
  if (ratio !== undefined) return ratio;
  return bare === undefined || bare === 0 ? undefined : ours / bare;
}

/** Of what was asked; undefined where nothing was, or not for this size. */
export function outcomeOf(figure: Figure): 'holds' | 'falls short' | undefined {
  const { asked } = knownOf(figure.id);
  if (asked === undefined || !isAskedFor(figure, asked)) return undefined;
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = asked;
  const value = asked.of === 'ratio' ? ratioOf(figure) : figure.ours;
  if (value === undefined) return 'falls short';
  return value <= atMost && value >= atLeast ? 'holds' : 'falls short';
}

function isAskedFor({ at }: Figure, asked: Asked): boolean {
  return asked.at === undefined || asked.at === at;
}
