import { randomFrom } from '../support/random.ts';
import { type Draw, draw } from './draw.ts';
import { judgeOurselves } from './ours.ts';
import type { World } from './world.ts';

/** A draw on which we and the real skopeo do not agree. */
export interface Disagreement {
  readonly number: number;
  readonly draw: Draw;
  readonly skopeo: string;
  readonly ours: string;
}

export interface Comparison {
  readonly accepted: number;
  readonly refused: number;
  readonly disagreements: readonly Disagreement[];
}

/** Draws `count` cases from one seed and has each judged twice. Always the same for the same seed. */
export async function compare(world: World, seed: number, count: number): Promise<Comparison> {
  const random = randomFrom(seed);
  const disagreements: Disagreement[] = [];
  let accepted = 0;
  for (let number = 1; number <= count; number++) {
    const drawn = draw(random);
    const difference = await differenceOf(world, drawn);
    if (difference.accepted) accepted++;
    if (difference.agreed) continue;
    const small = await shrink(world, drawn);
    const { skopeo, ours } = await differenceOf(world, small);
    disagreements.push({ number, draw: small, skopeo, ours });
  }
  return { accepted, refused: count - accepted, disagreements };
}

async function differenceOf(world: World, drawn: Draw) {
  const scene = world.stage(drawn);
  const theirs = world.judge(scene);
  const ours = await judgeOurselves(scene);
  const say = ({ accepted, message }: typeof ours): string =>
    accepted ? 'accepted' : `refused: ${message.slice(0, 500)}`;
  return {
    accepted: theirs.accepted,
    agreed: theirs.accepted === ours.accepted,
    skopeo: say(theirs),
    ours: say(ours),
  };
}

/** Takes parts away as long as the disagreement stays: what is left is what it is about. */
async function shrink(world: World, drawn: Draw): Promise<Draw> {
  for (const smaller of smallerDraws(drawn)) {
    if (!(await differenceOf(world, smaller)).agreed) return await shrink(world, smaller);
  }
  return drawn;
}

function* smallerDraws(drawn: Draw): Generator<Draw> {
  const { policy, registriesD, lookasides } = drawn;
  for (const name of Object.keys(registriesD)) {
    yield { ...drawn, registriesD: without(registriesD, name) };
  }
  for (const side of ['one', 'two'] as const) {
    for (const index of lookasides[side].keys()) {
      const fewer = lookasides[side].toSpliced(index, 1);
      yield { ...drawn, lookasides: { ...lookasides, [side]: fewer } };
    }
  }
  const docker = policy.transports?.docker;
  for (const [scope, requirements] of Object.entries(docker ?? {})) {
    yield { ...drawn, policy: { ...policy, transports: { docker: without(docker ?? {}, scope) } } };
    for (const index of requirements.length > 1 ? requirements.keys() : []) {
      const fewer = { ...docker, [scope]: requirements.toSpliced(index, 1) };
      yield { ...drawn, policy: { ...policy, transports: { docker: fewer } } };
    }
  }
}

function without<T>(from: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== name));
}
